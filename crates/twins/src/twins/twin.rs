//! The record of a twin: its properties, those of its components, and when each was last written.

use std::collections::BTreeMap;

use iolite_kernel::{Timestamp, Uuid};
use iolite_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A twin; keyed by `instance/id`, the instance's name in lower case and the id with its case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Twin {
    /// Its id.
    pub id: String,
    /// Its entity tag, new with every change.
    pub etag: Uuid,
    /// The id of its model, which may have been deleted since.
    pub model: String,
    /// Its own properties.
    pub root: Part,
    /// Its components by name.
    pub components: BTreeMap<String, Part>,
}

/// The properties of a twin or of one of its components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// When one of them was last written; for a twin, its components' count too.
    pub changed_at: Timestamp,
    /// Their values by name.
    pub properties: Map<String, Value>,
    /// When each was written.
    pub stamps: BTreeMap<String, Stamp>,
}

/// When a property was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When the service wrote it.
    pub written_at: Timestamp,
    /// When it came about in the real world, as the caller said: ISO 8601 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_time: Option<String>,
}

impl Record for Twin {
    const COLLECTION: &'static str = "twins.twins";
}

impl Twin {
    /// The tag as headers and bodies carry it.
    #[must_use]
    pub fn entity_tag(&self) -> String {
        format!("W/\"{}\"", self.etag)
    }

    /// How many bytes its properties take as JSON, those of its components included; metadata does not count.
    pub(super) fn size(&self) -> usize {
        let parts = std::iter::once(&self.root).chain(self.components.values());
        parts.map(|part| serde_json::to_vec(&part.properties).map_or(0, |text| text.len())).sum()
    }
}

impl Part {
    /// A part without properties.
    #[must_use]
    pub fn empty(changed_at: Timestamp) -> Self {
        Self { changed_at, properties: Map::new(), stamps: BTreeMap::new() }
    }

    /// Notes that a property was written; what the caller said of its source stays.
    pub(super) fn stamp(&mut self, name: &str, now: Timestamp) {
        self.changed_at = now;
        let stamp = self.stamps.entry(name.to_owned()).or_insert(Stamp { written_at: now, source_time: None });
        stamp.written_at = now;
    }
}
