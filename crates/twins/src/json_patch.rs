//! Reads a JSON Patch as Digital Twins does; used by the PATCH of models and of twins. It applies nothing.
//!
//! Two steps, since the service refuses in two shapes: first the body must be a list of operation objects at all (ASP.NET
//! binds it, and refuses with problem details), then each operation must be one that the service knows. `add`, `replace`
//! and `remove` are; recorded traffic refuses `move`, and `copy` and `test` are refused alike.

use iolite_kernel::{Request, ServiceError};
use serde_json::{Map, Value};

use crate::{errors, payload};

/// A body that is a list of operation objects; what they say is not looked at yet.
#[derive(Debug)]
pub(crate) struct PatchBody(Vec<Map<String, Value>>);

/// One operation that can be applied.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    /// What to do.
    pub(crate) action: Action,
    /// The path as sent.
    pub(crate) path: String,
    /// The path's segments, escapes resolved; never empty.
    pub(crate) segments: Vec<String>,
}

/// What an operation does at its path.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// Puts the value there, whether or not something is there.
    Add(Value),
    /// Puts the value in the place of what is there.
    Replace(Value),
    /// Takes away what is there.
    Remove,
}

impl PatchBody {
    /// Reads the body: a JSON array of objects whose `op` and `path` are texts.
    pub(crate) fn read(request: &Request) -> Result<Self, ServiceError> {
        payload::check_present(request)?;
        payload::check_size(request)?;
        let refuse = |places: &[(String, String)]| {
            errors::patch_is_no_list_of_operations(places, &request.id.simple().to_string())
        };
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|error| refuse(&[(String::new(), format!("The body is not valid JSON: {error}."))]))?;
        let Value::Array(elements) = body else {
            return Err(refuse(&[(String::new(), "The body has to be an array of operations.".to_owned())]));
        };
        let mut operations = Vec::with_capacity(elements.len());
        let mut wrong = Vec::new();
        for (index, element) in elements.into_iter().enumerate() {
            match element {
                Value::Object(operation) if has_texts(&operation) => operations.push(operation),
                _ => wrong.push((format!("[{index}]"), "The element is no JSON Patch operation.".to_owned())),
            }
        }
        if wrong.is_empty() { Ok(Self(operations)) } else { Err(refuse(&wrong)) }
    }

    /// The operations, each one that the service knows.
    pub(crate) fn steps(&self) -> Result<Vec<Step>, ServiceError> {
        self.0.iter().map(|operation| step(operation).map_err(|reason| errors::json_patch_invalid(&reason))).collect()
    }
}

/// `op` and `path` may be missing here, but not be something other than text.
fn has_texts(operation: &Map<String, Value>) -> bool {
    ["op", "path"].iter().all(|name| matches!(operation.get(*name), None | Some(Value::Null | Value::String(_))))
}

fn step(operation: &Map<String, Value>) -> Result<Step, String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = text("op");
    let value =
        || operation.get("value").cloned().ok_or_else(|| format!("Value must be specified for {name} operation"));
    let action = match name.to_ascii_lowercase().as_str() {
        "" => return Err("Parameter op must not be empty".to_owned()),
        "add" => Action::Add(value()?),
        "replace" => Action::Replace(value()?),
        "remove" => Action::Remove,
        _ => return Err(format!("Unsupported operation type {name}")),
    };
    let path = text("path");
    match path.strip_prefix('/') {
        None if path.is_empty() => Err("Parameter path must not be empty".to_owned()),
        None | Some("") => Err(unresolved(path)),
        Some(rest) => Ok(Step { action, path: path.to_owned(), segments: rest.split('/').map(unescape).collect() }),
    }
}

/// The reason for a path that leads nowhere.
pub(crate) fn unresolved(path: &str) -> String {
    format!("Could not resolve path {path}")
}

/// The reason for a last segment that is not there.
pub(crate) fn target_not_found(segment: &str) -> String {
    format!("The target location specified by path segment '{segment}' was not found")
}

/// RFC 6901, section 4: first `~1`, then `~0`.
fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::request;

    fn steps(body: &str) -> Result<Vec<Step>, ServiceError> {
        PatchBody::read(&request(body))?.steps()
    }

    #[test]
    fn the_three_operations_are_read() {
        let read = steps(
            r#"[{"op":"add","path":"/a~1b/c~0d","value":null},{"op":"Replace","path":"/x","value":[1]},{"op":"remove","path":"/y"}]"#,
        )
        .unwrap();
        assert_eq!(read[0].segments, ["a/b", "c~d"]);
        assert_eq!(read[0].action, Action::Add(Value::Null));
        assert_eq!(read[1].action, Action::Replace(json!([1])));
        assert_eq!(read[2].action, Action::Remove);
    }

    #[test]
    fn operations_the_service_does_not_know_are_named() {
        for (body, reason) in [
            (r#"[{"op":"move","path":"/a","value":1}]"#, "Unsupported operation type move"),
            (r#"[{"op":"test","path":"/a","value":1}]"#, "Unsupported operation type test"),
            (r#"[{"op":"copy","path":"/a","from":"/b"}]"#, "Unsupported operation type copy"),
            ("[{}]", "Parameter op must not be empty"),
            (r#"[{"a":1}]"#, "Parameter op must not be empty"),
            (r#"[{"op":"add","path":"/a"}]"#, "Value must be specified for add operation"),
            (r#"[{"op":"remove"}]"#, "Parameter path must not be empty"),
            (r#"[{"op":"remove","path":"a"}]"#, "Could not resolve path a"),
            (r#"[{"op":"remove","path":"/"}]"#, "Could not resolve path /"),
        ] {
            let error = steps(body).unwrap_err();
            assert_eq!(error.code.name, "JsonPatchInvalid", "{body}");
            assert!(error.message.starts_with(reason), "{body}: {}", error.message);
        }
    }

    #[test]
    fn what_is_no_list_of_operations_gets_problem_details() {
        for (body, place) in [
            ("[\"AverageTemperature\"]", "[0]"),
            ("[{\"op\":\"remove\",\"path\":\"/a\"},7]", "[1]"),
            ("[{\"op\":7}]", "[0]"),
            ("{}", ""),
            ("[", ""),
        ] {
            let error = steps(body).unwrap_err();
            let problem: Value = serde_json::from_str(error.body.as_deref().unwrap()).unwrap();
            assert!(problem["errors"][place].is_array(), "{body}: {problem}");
            assert_eq!(problem["status"], 400);
            assert!(error.headers.contains(&("content-type", errors::PROBLEM_MEDIA_TYPE.to_owned())));
        }
    }

    #[test]
    fn an_empty_body_is_asked_for() {
        assert_eq!(steps("").unwrap_err().code.name, "BadRequest");
    }
}
