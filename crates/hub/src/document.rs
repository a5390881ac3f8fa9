//! A JSON object kept as compact text.
//!
//! Twins are mostly sections that are stored once and sent many times: kept as the very text that is sent, a section
//! costs its own length in memory, and an answer copies it. Read as values only to be changed or queried.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A JSON object as compact text, cheap to clone; in records and answers it stands as the object itself.
#[derive(Clone)]
pub struct Doc(Arc<RawValue>);

impl Doc {
    /// The object `fields`.
    #[must_use]
    pub fn new(fields: &Map<String, Value>) -> Self {
        Self::of(fields)
    }

    /// An object of the house's own, which has string keys and finite numbers only.
    pub(crate) fn of(object: &impl Serialize) -> Self {
        match serde_json::value::to_raw_value(object) {
            Ok(text) => text.into(),
            Err(error) => unreachable!("JSON values can be written as JSON: {error}"),
        }
    }

    /// The object's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The object's fields. What is no object has none.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl From<Box<RawValue>> for Doc {
    fn from(text: Box<RawValue>) -> Self {
        Self(text.into())
    }
}

impl Serialize for Doc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for Doc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl PartialEq for Doc {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Doc {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_stands_in_json_as_itself() {
        let doc: Doc = serde_json::from_str(r#"{"a":{"b":9007199254740993}}"#).unwrap();
        assert_eq!(serde_json::to_string(&[&doc]).unwrap(), r#"[{"a":{"b":9007199254740993}}]"#);
        assert_eq!(doc.fields()["a"], json!({"b": 9_007_199_254_740_993_u64}));
        assert_eq!(Doc::new(&doc.fields()), doc);
    }
}
