//! Secrets inside properties that are kept as they were sent: connection strings of endpoints and storage accounts.
//!
//! Answers show them with the key replaced by `****`, as the providers' do. A client that sends such an answer back has
//! not changed the secret, so the masked text is put back to what stands.

use serde_json::{Map, Value};

const MASK: &str = "****";

/// The parts of a connection string that hold a secret.
const SECRET_PARTS: [&str; 3] = ["SharedAccessKey", "AccountKey", "SharedAccessSignature"];

/// A connection string with its keys replaced.
pub(crate) fn mask(connection_string: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
        _ => part.to_owned(),
    };
    connection_string.split(';').map(part).collect::<Vec<_>>().join(";")
}

/// Whether a connection string has a masked key.
pub(crate) fn is_masked(connection_string: &str) -> bool {
    connection_string
        .split(';')
        .filter_map(|part| part.split_once('='))
        .any(|(name, value)| is_secret(name) && value == MASK)
}

/// `properties` with every connection string masked.
pub(crate) fn mask_all(properties: &mut Map<String, Value>) {
    for (name, value) in properties {
        match value {
            Value::String(text) if is_connection_string(name) => *text = mask(text),
            other => within(other, &mut mask_all),
        }
    }
}

/// Puts masked connection strings of `sent` back to those that stand at the same place.
pub(crate) fn unmask(sent: &mut Map<String, Value>, standing: &Map<String, Value>) {
    for (name, value) in sent {
        if let Some(before) = standing.get(name) {
            restore(name, value, before);
        }
    }
}

fn restore(name: &str, sent: &mut Value, standing: &Value) {
    match (sent, standing) {
        (Value::String(text), Value::String(before)) if is_connection_string(name) && is_masked(text) => {
            text.clone_from(before);
        }
        (Value::Object(map), Value::Object(before)) => unmask(map, before),
        (Value::Array(list), Value::Array(before)) => {
            for (place, item) in list.iter_mut().enumerate() {
                if let Some(before) = counterpart(item, place, before) {
                    restore(name, item, before);
                }
            }
        }
        _ => {}
    }
}

/// The item of `standing` that `item` was: the one of its name, or where it has none the one at its place.
fn counterpart<'v>(item: &Value, place: usize, standing: &'v [Value]) -> Option<&'v Value> {
    match item.get("name") {
        Some(name) => standing.iter().find(|before| before.get("name") == Some(name)),
        None => standing.get(place),
    }
}

fn within(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => change(map),
        Value::Array(list) => list.iter_mut().for_each(|item| within(item, change)),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    SECRET_PARTS.iter().any(|part| part.eq_ignore_ascii_case(name.trim()))
}

fn is_connection_string(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("connectionstring")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_key_is_masked_and_the_rest_is_shown() {
        let text = "HostName=h;SharedAccessKeyName=p;SharedAccessKey=c2VjcmV0";
        assert_eq!(mask(text), "HostName=h;SharedAccessKeyName=p;SharedAccessKey=****");
        assert!(is_masked(&mask(text)) && !is_masked(text));
    }

    #[test]
    fn items_of_a_list_are_known_by_their_names() {
        let stands = map(json!({"eventHubs": [
            {"name": "a", "connectionString": "SharedAccessKey=1"}, {"name": "b", "connectionString": "SharedAccessKey=2"},
        ]}));
        let mut sent = map(json!({"eventHubs": [{"name": "b", "connectionString": "SharedAccessKey=****"}]}));
        unmask(&mut sent, &stands);
        assert_eq!(sent["eventHubs"][0]["connectionString"], "SharedAccessKey=2");
    }

    #[test]
    fn what_was_masked_comes_back_as_it_stood() {
        let stands = map(
            json!({"routing": {"endpoints": [{"name": "q", "connectionString": "Endpoint=sb://q;SharedAccessKey=k"}]}}),
        );
        let mut shown = stands.clone();
        mask_all(&mut shown);
        assert!(!Value::Object(shown.clone()).to_string().contains("SharedAccessKey=k"));
        unmask(&mut shown, &stands);
        assert_eq!(shown, stands);
    }
}
