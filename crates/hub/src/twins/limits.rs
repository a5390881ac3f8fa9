//! What a twin may hold: names, values, depth and sizes.
//!
//! Source: iot-hub-devguide-device-twins ("Tags and properties format", "Device twin size"), checked 2026. Called before a
//! section is changed (names, values, depth) and after (sizes).

use iolite_kernel::ServiceError;
use serde_json::{Map, Number, Value};

use crate::body::shortened;
use crate::errors;

/// How many objects may lie inside one another below a section.
const DEEPEST: usize = 10;
/// The longest name, in bytes of UTF-8.
const LONGEST_NAME: usize = 1024;
/// The longest string, in bytes of UTF-8.
const LONGEST_TEXT: usize = 4096;
/// Whole numbers reach from the one to the other.
const LARGEST_INTEGER: i64 = 1 << 52;
/// How large the tags may be together, in bytes as the service counts them.
pub(crate) const TAGS_BYTES: usize = 8 * 1024;
/// How large the desired or the reported properties may be together.
pub(crate) const PROPERTIES_BYTES: usize = 32 * 1024;

/// Checks names, values and depth of what was sent for `section`.
pub(crate) fn check(section: &str, sent: &Map<String, Value>) -> Result<(), ServiceError> {
    check_object(section, sent, 0)
}

/// Checks the size that `section` has come to.
pub(crate) fn check_size(section: &str, values: &Map<String, Value>, limit: usize) -> Result<(), ServiceError> {
    let size = size_of_object(values);
    if size > limit {
        return Err(errors::invalid(format!("'{section}' would be {size} bytes large; it takes up to {limit}.")));
    }
    Ok(())
}

fn check_object(place: &str, fields: &Map<String, Value>, depth: usize) -> Result<(), ServiceError> {
    if depth > DEEPEST {
        return Err(errors::invalid(format!("'{}' lies deeper than {DEEPEST} levels.", shortened(place))));
    }
    for (name, value) in fields {
        let place = format!("{place}.{}", shortened(name));
        check_name(&place, name)?;
        check_value(&place, value, depth)?;
    }
    Ok(())
}

fn check_name(place: &str, name: &str) -> Result<(), ServiceError> {
    let fault = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > LONGEST_NAME {
        format!("is {} bytes long; it takes up to {LONGEST_NAME}", name.len())
    } else if let Some(odd) =
        name.chars().find(|character| character.is_control() || matches!(character, '.' | '$' | ' '))
    {
        format!("holds {odd:?}; control characters, '.', '$' and spaces are not taken")
    } else {
        return Ok(());
    };
    Err(errors::invalid(format!("The property name at '{place}' {fault}.")))
}

fn check_value(place: &str, value: &Value, depth: usize) -> Result<(), ServiceError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) if is_exact(number) => Ok(()),
        Value::Number(number) => Err(errors::invalid(format!(
            "The number {number} at '{place}' is beyond the whole numbers from -{LARGEST_INTEGER} to {LARGEST_INTEGER}."
        ))),
        Value::String(text) if text.len() <= LONGEST_TEXT => Ok(()),
        Value::String(text) => {
            let message = format!("The text at '{place}' is {} bytes long; it takes up to {LONGEST_TEXT}.", text.len());
            Err(errors::invalid(message))
        }
        Value::Object(fields) => check_object(place, fields, depth + 1),
        Value::Array(items) if depth >= DEEPEST && !items.is_empty() => {
            Err(errors::invalid(format!("'{place}' lies deeper than {DEEPEST} levels.")))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_value(place, item, depth + 1)),
    }
}

/// Whether the number is in range: only whole numbers have one. Those too long for 64 bits were refused with the body.
fn is_exact(number: &Number) -> bool {
    match number.as_i64() {
        Some(whole) => (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(&whole),
        None => number.is_f64(),
    }
}

/// The service's own count: names and texts by their bytes without control characters, numbers 8, Booleans 4.
fn size_of_object(fields: &Map<String, Value>) -> usize {
    fields.iter().map(|(name, value)| size_of_text(name) + size_of(value)).sum()
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => size_of_text(text),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::Object(fields) => size_of_object(fields),
    }
}

fn size_of_text(text: &str) -> usize {
    text.chars().filter(|character| !character.is_control()).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(sent: &Value) -> Result<(), ServiceError> {
        check("tags", sent.as_object().unwrap())
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({"property": "value"}), |inner, _| json!({ "level": inner }))
    }

    #[test]
    fn ten_levels_are_taken_and_eleven_are_not() {
        checked(&nested(10)).unwrap();
        assert_eq!(checked(&nested(11)).unwrap_err().code, &errors::ARGUMENT_INVALID);
        assert!(checked(&json!({"a": [[[[[[[[[[[1]]]]]]]]]]]})).is_err());
    }

    #[test]
    fn names_with_forbidden_characters_are_refused() {
        for name in ["a.b", "$metadata", "a b", "a\u{7}", "a\u{85}", "", &"x".repeat(1025)] {
            let mut sent = Map::new();
            sent.insert(name.to_owned(), json!(1));
            assert!(check("desired", &sent).is_err(), "{name:?}");
            assert!(checked(&json!({ "in": sent })).is_err(), "{name:?} below");
        }
        checked(&json!({"ключ-1": 1, "a:b": null})).unwrap();
    }

    #[test]
    fn whole_numbers_beyond_fifty_two_bits_are_refused() {
        checked(&json!({"a": 4_503_599_627_370_496_i64, "b": -4_503_599_627_370_496_i64, "c": 1.5e300, "d": -0.1}))
            .unwrap();
        for text in ["9007199254740993", "-4503599627370497", "18446744073709551615"] {
            let sent: Value = serde_json::from_str(&format!("{{\"a\":[{text}]}}")).unwrap();
            assert!(checked(&sent).is_err(), "{text}");
        }
    }

    #[test]
    fn a_string_takes_four_kilobytes() {
        checked(&json!({"a": "x".repeat(4096)})).unwrap();
        assert!(checked(&json!({"a": "x".repeat(4097)})).is_err());
    }

    #[test]
    fn sizes_are_counted_as_documented() {
        let values = json!({"name": "vä\n", "n": 5, "b": true, "o": {"x": null}});
        assert_eq!(size_of_object(values.as_object().unwrap()), (4 + 3) + (1 + 8) + (1 + 4) + (1 + 1));
        let large = json!({"a": "x".repeat(4000), "b": "x".repeat(4000), "c": "x".repeat(300)});
        assert!(check_size("tags", large.as_object().unwrap(), TAGS_BYTES).is_err());
        assert!(check_size("desired", large.as_object().unwrap(), PROPERTIES_BYTES).is_ok());
    }
}
