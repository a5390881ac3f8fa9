//! The rules for names and values of digital twins.
//!
//! Source: howto-manage-digital-twin ("Rules for setting the desired value of a digital twin property", 2023): names are
//! DTDL's, values hold no arrays and lie five levels deep at most.

use iolite_kernel::ServiceError;
use serde_json::{Map, Value};

use crate::{body, errors};

/// How long a name may be, in characters (DTDL version 2).
const LONGEST_NAME: usize = 64;
/// How many objects may lie inside one another.
const DEEPEST: usize = 5;

/// Whether `name` is one that DTDL takes: a letter, then letters, digits and underscores, no underscore at the end.
pub(super) fn is_name(name: &str) -> bool {
    let inside = |character: char| character.is_ascii_alphanumeric() || character == '_';
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(inside)
        && !name.ends_with('_')
        && name.len() <= LONGEST_NAME
}

/// Refuses a value that no property of a digital twin can have.
pub(super) fn check_value(value: &Value) -> Result<(), ServiceError> {
    check(value, 1)
}

fn check(value: &Value, depth: usize) -> Result<(), ServiceError> {
    match value {
        Value::Array(_) => {
            Err(refuse("A property holds an array, which no property of a digital twin can.".to_owned()))
        }
        Value::Object(fields) => check_fields(fields, depth),
        _ => Ok(()),
    }
}

fn check_fields(fields: &Map<String, Value>, depth: usize) -> Result<(), ServiceError> {
    if depth > DEEPEST {
        return Err(refuse(format!("A property lies deeper than {DEEPEST} levels.")));
    }
    for (name, value) in fields {
        if !is_name(name) {
            return Err(refuse(format!("'{}' is no name that DTDL takes.", body::shortened(name))));
        }
        check(value, depth + 1)?;
    }
    Ok(())
}

fn refuse(message: String) -> ServiceError {
    ServiceError::new(&errors::INVALID_DIGITAL_TWIN_PAYLOAD, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_of_dtdl() {
        for name in ["a", "targetTemperature", "a_1", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "_a", "a_", "a-b", "a.b", "ä", "$a", "__t", &"x".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn values_are_flat_enough_and_hold_no_arrays() {
        check_value(&json!({"a": {"b": {"c": {"d": {"e": 1}}}}})).unwrap();
        for value in [json!([1]), json!({"a": [1]}), json!({"a": {"b": {"c": {"d": {"e": {}}}}}}), json!({"a b": 1})] {
            assert_eq!(check_value(&value).unwrap_err().code, &errors::INVALID_DIGITAL_TWIN_PAYLOAD, "{value}");
        }
    }
}
