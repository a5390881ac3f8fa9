//! What a caller sent: bodies, `If-Match`, and counts in headers and queries.
//!
//! Called by the operations before they touch a table. A body that is not what the operation takes is refused here with
//! the place of the fault; nothing is guessed.

use std::fmt;
use std::marker::PhantomData;

use iolite_kernel::{MediaType, Precondition, Request, ServiceError};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::errors;

/// A JSON object read as `T`. The derived reading of a struct would take an array of its fields too; this does not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// The body as a JSON object of type `T`.
pub(crate) fn object<T: DeserializeOwned>(request: &Request) -> Result<T, ServiceError> {
    json::<Object<T>>(request).map(|object| object.0)
}

/// The body as any JSON of type `T`.
pub(crate) fn json<T: DeserializeOwned>(request: &Request) -> Result<T, ServiceError> {
    refuse_other_media_types(request)?;
    if request.body.is_empty() {
        return Err(ServiceError::new(
            &errors::ARGUMENT_NULL,
            "The request has no body; this operation needs a JSON one.",
        ));
    }
    let text = std::str::from_utf8(&request.body).map_err(|error| {
        ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, format!("The body is not UTF-8: {error}."))
    })?;
    serde_json::from_str(text).map_err(|error| {
        let code = if error.is_data() { &errors::ARGUMENT_INVALID } else { &errors::IOT_HUB_FORMAT_ERROR };
        ServiceError::new(code, format!("The body is not what this operation takes: {error}."))
    })
}

/// Refuses whole numbers of more digits than 64 bits hold. Read as JSON they become floating ones and lose digits without a
/// word; numbers written with a fraction or an exponent are floating from the beginning.
pub(crate) fn refuse_long_integers(request: &Request) -> Result<(), ServiceError> {
    let mut rest = &*request.body;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9')) {
        rest = &rest[at..];
        let length = if rest[0] == b'"' { string_length(rest) } else { number_length(rest) };
        let (token, after) = rest.split_at(length);
        let number = std::str::from_utf8(token).unwrap_or_default();
        let whole = token[0] != b'"' && !number.contains(['.', 'e', 'E']);
        if whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
            let message = format!("The whole number {} has more digits than are kept.", shortened(number));
            return Err(errors::invalid(message));
        }
        rest = after;
    }
    Ok(())
}

/// The length of the string that `text` begins with, its quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = true;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the number that `text` begins with.
fn number_length(text: &[u8]) -> usize {
    let inside = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    text.iter().position(|byte| !inside(byte)).unwrap_or(text.len())
}

/// A body without a media type is read as JSON, as the service does for clients that send none.
fn refuse_other_media_types(request: &Request) -> Result<(), ServiceError> {
    let Some(header) = request.headers.get("content-type") else { return Ok(()) };
    let given = header.to_str().unwrap_or_default();
    let media_type = MediaType::of(given);
    if media_type.is_json() || media_type.is_empty() {
        return Ok(());
    }
    let message = format!("The body's media type is {media_type}; this operation reads application/json.");
    Err(ServiceError::new(&errors::UNSUPPORTED_MEDIA_TYPE, message))
}

/// The `If-Match` header.
pub(crate) fn if_match(request: &Request) -> Result<Precondition, ServiceError> {
    let header = match request.headers.get("if-match") {
        Some(value) => Some(value.to_str().map_err(|_| errors::invalid("The If-Match header is not ASCII text."))?),
        None => None,
    };
    Precondition::parse(header)
        .map_err(|error| errors::invalid(format!("The If-Match header cannot be used: {error}.")))
}

/// The `If-Match` header of an operation that does nothing without one.
pub(crate) fn required_if_match(request: &Request) -> Result<Precondition, ServiceError> {
    match if_match(request)? {
        Precondition::None => Err(ServiceError::new(
            &errors::ARGUMENT_NULL,
            "The If-Match header is missing. Send the etag, or * for whatever is there.",
        )),
        given => Ok(given),
    }
}

/// A count given as text: a whole number from 1; a larger one than `most` counts as `most`.
pub(crate) fn count(name: &str, text: Option<&str>, usual: usize, most: usize) -> Result<usize, ServiceError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(usual) };
    match text.parse::<usize>() {
        Ok(count @ 1..) => Ok(count.min(most)),
        _ => {
            Err(errors::invalid(format!("{name} is '{}'; it takes a whole number from 1 to {most}.", shortened(text))))
        }
    }
}

/// The field `name` of an object, where it is itself an object; `null` and nothing at all are the same.
pub(crate) fn section<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, ServiceError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(section)) => Ok(Some(section)),
        Some(_) => Err(errors::invalid(format!("'{name}' is not a JSON object."))),
    }
}

/// Enough of a caller's text to recognise it.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 64;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Sample {
        #[serde(default)]
        device_id: Option<String>,
    }

    fn read(body: impl Into<Vec<u8>>) -> Result<Sample, ServiceError> {
        object(&fixture::request(&[], &[], body.into()))
    }

    #[test]
    fn an_array_is_no_object_even_if_its_items_would_fit() {
        assert_eq!(read(r#"["dev1"]"#).unwrap_err().code, &errors::ARGUMENT_INVALID);
        assert_eq!(read(r#"{"deviceId":"dev1"}"#).unwrap().device_id.as_deref(), Some("dev1"));
    }

    #[test]
    fn what_is_not_json_is_refused_by_its_place() {
        let bodies: [&[u8]; 6] = [b"{", b"{\"deviceId\":}", b"\xef\xbb\xbf{}", b"{} x", b"\"\xff\"", b"NaN"];
        for body in bodies {
            let error = read(body).unwrap_err();
            assert_eq!(error.code, &errors::IOT_HUB_FORMAT_ERROR, "{body:?}");
        }
    }

    #[test]
    fn a_body_nested_a_hundred_thousand_deep_is_refused() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(read(deep).unwrap_err().code.status, 400);
    }

    #[test]
    fn other_media_types_are_refused() {
        let request = fixture::request(&[], &[("content-type", "text/plain")], b"{}".to_vec());
        assert_eq!(object::<Sample>(&request).unwrap_err().code, &errors::UNSUPPORTED_MEDIA_TYPE);
        let request = fixture::request(&[], &[("content-type", "application/json; charset=utf-8")], b"{}".to_vec());
        assert!(object::<Sample>(&request).is_ok());
    }

    #[test]
    fn whole_numbers_of_too_many_digits_are_found_and_nothing_else() {
        let check = |body: &str| refuse_long_integers(&fixture::request(&[], &[], body));
        for body in [
            r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":1e22,"d":123456789012345678901234.5,"e":-0}"#,
            r#"{"99999999999999999999":"99999999999999999999","a":"\"99999999999999999999"}"#,
            "",
            "\"99999999999999999999",
        ] {
            assert!(check(body).is_ok(), "{body}");
        }
        for body in [r#"{"a":99999999999999999999}"#, r#"["\\",-9223372036854775809]"#] {
            assert_eq!(check(body).unwrap_err().code, &errors::ARGUMENT_INVALID, "{body}");
        }
    }

    #[test]
    fn counts_are_whole_numbers_from_one() {
        assert_eq!(count("top", None, 10, 20).unwrap(), 10);
        assert_eq!(count("top", Some("15"), 10, 20).unwrap(), 15);
        assert_eq!(count("top", Some("2000"), 10, 20).unwrap(), 20);
        for text in ["0", "-1", "1.5", "many"] {
            assert!(count("top", Some(text), 10, 20).is_err(), "{text}");
        }
    }
}
