//! What the properties of a resource may be: tables of members with their types, words and ranges, and the one reader of them.
//!
//! Used for the properties that are kept as they were sent, so that nothing is kept that no such resource can have and that a
//! management client could not read again. Names compare without case and words too; both come out as the specification
//! writes them. `null` counts as left out. Members that a table does not tell of are passed on as they are.

use iolite_kernel::{ErrorCode, ServiceError};
use jiff::{SignedDuration, Span, SpanTotal, Unit};
use serde_json::{Map, Value};

use crate::fields::{WHOLE_NUMBER, mismatch};

/// A member of an object: its name as the specification writes it, and what it may be.
pub(crate) type Member = (&'static str, Shape);

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A boolean.
    Flag,
    /// A string.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number of a range.
    Whole {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// An ISO 8601 duration of a range; a day has 24 hours.
    Duration {
        /// The shortest, in seconds.
        least_seconds: i64,
        /// The longest, in seconds.
        most_seconds: i64,
    },
    /// A list of such values.
    List(&'static Self),
    /// An object with these members.
    Object(&'static [Member]),
    /// An object whose members have names of the caller's own and are all such values.
    Named(&'static Self),
}

/// `map`, which stands at `path`, as `members` wants it. A value that is out of range or no known word is refused as `invalid`.
pub(crate) fn fit(
    members: &[Member],
    path: &str,
    map: Map<String, Value>,
    invalid: &'static ErrorCode,
) -> Result<Map<String, Value>, ServiceError> {
    let mut fitted = Map::new();
    for (name, value) in map {
        match members.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            None => {
                fitted.insert(name, value);
            }
            Some(_) if value.is_null() => {}
            Some((known, shape)) => {
                let value = shape.fit(&below(path, known), value, invalid)?;
                fitted.insert((*known).to_owned(), value);
            }
        }
    }
    Ok(fitted)
}

impl Shape {
    fn fit(&self, path: &str, value: Value, invalid: &'static ErrorCode) -> Result<Value, ServiceError> {
        let refuse = |text: String| Err(ServiceError::new(invalid, text));
        match (self, value) {
            (Self::Flag, value @ Value::Bool(_)) | (Self::Text, value @ Value::String(_)) => Ok(value),
            (Self::Word(words), Value::String(text)) => {
                match words.iter().find(|word| word.eq_ignore_ascii_case(&text)) {
                    Some(word) => Ok((*word).into()),
                    None => refuse(format!("'{path}' is '{text}'; it can be {}.", words.join(" or "))),
                }
            }
            (Self::Whole { least, most }, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                match number.as_i64().filter(|number| (*least..=*most).contains(number)) {
                    Some(number) => Ok(number.into()),
                    None => refuse(format!("'{path}' is {number}; it can be {least} to {most}.")),
                }
            }
            (Self::Duration { least_seconds, most_seconds }, Value::String(text)) => match duration(&text) {
                None => refuse(format!("'{path}' is '{text}', which is no ISO 8601 duration such as PT1H.")),
                Some(length) if (*least_seconds..=*most_seconds).contains(&length.as_secs()) => Ok(text.into()),
                Some(_) => {
                    refuse(format!("'{path}' is '{text}'; it can be {least_seconds} to {most_seconds} seconds."))
                }
            },
            (Self::List(shape), Value::Array(items)) => {
                let item = |(index, item)| shape.fit(&format!("{path}[{index}]"), item, invalid);
                items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::Array)
            }
            (Self::Object(members), Value::Object(map)) => fit(members, path, map, invalid).map(Value::Object),
            (Self::Named(shape), Value::Object(map)) => {
                let given = map.into_iter().filter(|(_, value)| !value.is_null());
                let member = |(name, value): (String, Value)| {
                    Ok((name.clone(), shape.fit(&below(path, &name), value, invalid)?))
                };
                given.map(member).collect::<Result<_, _>>().map(Value::Object)
            }
            (shape, other) => Err(mismatch(path, shape.noun(), &other)),
        }
    }

    const fn noun(&self) -> &'static str {
        match self {
            Self::Flag => "a boolean",
            Self::Text | Self::Word(_) | Self::Duration { .. } => "a string",
            Self::Whole { .. } => WHOLE_NUMBER,
            Self::List(_) => "a list",
            Self::Object(_) | Self::Named(_) => "an object",
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// An ISO 8601 duration in its capital letters, as `azure-mgmt` reads it. Months and years are none: nobody knows how long
/// they are.
fn duration(text: &str) -> Option<SignedDuration> {
    if !text.starts_with('P') || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let seconds = span.total(SpanTotal::from(Unit::Second).days_are_24_hours()).ok()?;
    SignedDuration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors::{ARGUMENT_INVALID, INVALID_REQUEST_CONTENT};

    const MEMBERS: &[Member] = &[
        ("flag", Shape::Flag),
        ("word", Shape::Word(&["None", "Some"])),
        ("count", Shape::Whole { least: 1, most: 100 }),
        ("life", Shape::Duration { least_seconds: 60, most_seconds: 172_800 }),
        ("texts", Shape::List(&Shape::Text)),
        ("queues", Shape::Named(&Shape::Object(&[("count", Shape::Whole { least: 1, most: 100 })]))),
    ];

    fn read(value: Value) -> Result<Value, ServiceError> {
        let Value::Object(map) = value else { unreachable!() };
        fit(MEMBERS, "properties", map, &ARGUMENT_INVALID).map(Value::Object)
    }

    #[test]
    fn names_and_words_come_out_as_the_specification_writes_them() {
        let found = read(json!({"FLAG": true, "Word": "none", "queues": {"q": {"Count": 3}}})).unwrap();
        assert_eq!(found, json!({"flag": true, "word": "None", "queues": {"q": {"count": 3}}}));
    }

    #[test]
    fn what_a_table_does_not_tell_of_is_kept_and_null_counts_as_left_out() {
        let found = read(json!({"novel": null, "flag": null, "queues": {"q": {"Novel": 5, "count": null}}})).unwrap();
        assert_eq!(found, json!({"novel": null, "queues": {"q": {"Novel": 5}}}));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_its_path() {
        for (value, path) in [
            (json!({"flag": "yes"}), "'properties.flag' is a string"),
            (json!({"word": 5}), "'properties.word' is a number; a string"),
            (json!({"count": "5"}), "'properties.count'"),
            (json!({"count": 1.5}), "'properties.count' is a number that does not fit"),
            (json!({"life": 3600}), "'properties.life'"),
            (json!({"texts": "a"}), "'properties.texts'"),
            (json!({"texts": ["a", null]}), "'properties.texts[1]'"),
            (json!({"queues": [1]}), "'properties.queues'"),
            (json!({"queues": {"q": 5}}), "'properties.queues.q'"),
        ] {
            let error = read(value).unwrap_err();
            assert_eq!(error.code, &INVALID_REQUEST_CONTENT, "{path}");
            assert!(error.message.contains(path), "{}", error.message);
        }
    }

    #[test]
    fn a_value_out_of_its_range_is_refused_with_the_range() {
        for (value, words) in [
            (json!({"word": "Any"}), "None or Some"),
            (json!({"count": 0}), "1 to 100"),
            (json!({"count": -1}), "1 to 100"),
            (json!({"count": 18_446_744_073_709_551_615_u64}), "1 to 100"),
            (json!({"queues": {"q": {"count": 101}}}), "'properties.queues.q.count' is 101"),
            (json!({"life": "PT59S"}), "60 to 172800 seconds"),
            (json!({"life": "P3D"}), "60 to 172800 seconds"),
        ] {
            let error = read(value).unwrap_err();
            assert_eq!(error.code, &ARGUMENT_INVALID, "{words}");
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn durations_are_those_that_management_clients_can_read() {
        for text in ["PT1M", "P2D", "PT48H", "P1DT2H3M4S", "P0DT1H0M0S", "PT90.5S"] {
            assert!(read(json!({"life": text})).is_ok(), "{text}");
        }
        for text in ["", "P", "xx", "1h", "1 hour", "pt1h", "01:00:00", "-PT1H", "P1M", "P1Y"] {
            assert!(read(json!({"life": text})).is_err(), "{text}");
        }
    }
}
