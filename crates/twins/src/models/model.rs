//! The record of a model: its definition as it was uploaded, and what the service adds.

use std::collections::BTreeMap;

use iolite_kernel::Timestamp;
use iolite_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::interface::Interface;

/// A model; keyed by `instance/id`, the instance's name in lower case and the id with its case.
///
/// Kept on the disk are the definition's own text and two facts; the rest is read out of the definition when a record is
/// loaded, so that a later version may read more out of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Model {
    /// The DTMI.
    pub id: String,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// Whether new twins may no longer be made of it.
    pub decommissioned: bool,
    /// The definition, digit by digit as it was uploaded.
    pub definition: Box<RawValue>,
    /// Its display names by language; a plain text stands under `en`.
    pub display_name: BTreeMap<String, String>,
    /// Its descriptions by language; a plain text stands under `en`.
    pub description: BTreeMap<String, String>,
    pub(crate) interface: Interface,
}

impl Record for Model {
    const COLLECTION: &'static str = "twins.models";
}

/// What stands on the disk.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    uploaded_at: Timestamp,
    decommissioned: bool,
    definition: Box<RawValue>,
}

impl Model {
    /// A model that is being uploaded; fails where the definition's text is no JSON.
    pub(crate) fn new(definition: Box<RawValue>, uploaded_at: Timestamp) -> Result<Self, serde_json::Error> {
        Self::try_from(Kept { uploaded_at, decommissioned: false, definition })
    }
}

impl TryFrom<Kept> for Model {
    type Error = serde_json::Error;

    fn try_from(kept: Kept) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(kept.definition.get())?;
        Ok(Self {
            id: value.get("@id").and_then(Value::as_str).unwrap_or_default().to_owned(),
            uploaded_at: kept.uploaded_at,
            decommissioned: kept.decommissioned,
            display_name: by_language(value.get("displayName")),
            description: by_language(value.get("description")),
            interface: Interface::read(&value),
            definition: kept.definition,
        })
    }
}

impl From<Model> for Kept {
    fn from(model: Model) -> Self {
        Self { uploaded_at: model.uploaded_at, decommissioned: model.decommissioned, definition: model.definition }
    }
}

fn by_language(text: Option<&Value>) -> BTreeMap<String, String> {
    match text {
        Some(Value::String(plain)) => BTreeMap::from([("en".to_owned(), plain.clone())]),
        Some(Value::Object(languages)) => {
            languages.iter().filter_map(|(tag, text)| Some((tag.clone(), text.as_str()?.to_owned()))).collect()
        }
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"@id":"dtmi:example:Room;1", "displayName":"Room","description":{"en":"A room","fr":"Une salle"},
        "@type":"Interface","contents":{"@type":"Property","name":"big","schema":"long","comment":"1e400 1.10"}}"#;

    #[test]
    fn a_record_comes_back_from_the_disk_as_it_was() {
        let definition = RawValue::from_string(TEXT.to_owned()).unwrap();
        let model = Model::new(definition, Timestamp::UNIX_EPOCH).unwrap();
        let kept = serde_json::to_vec(&model).unwrap();
        let back: Model = serde_json::from_slice(&kept).unwrap();
        assert_eq!(back.definition.get(), TEXT);
        assert_eq!((back.id.as_str(), back.decommissioned), ("dtmi:example:Room;1", false));
        assert_eq!(back.interface, model.interface);
        assert_eq!(back.display_name["en"], "Room");
        assert_eq!(back.description["fr"], "Une salle");
    }
}
