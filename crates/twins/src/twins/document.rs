//! How a twin is shown: `$dtId`, `$etag`, its properties, its components, and last its `$metadata`.
//!
//! Recorded: from 2022-05-31 on the metadata of the twin and of each component carries `$lastUpdateTime`; before, neither
//! does. The documentation gives the same version to `sourceTime`.

use iolite_kernel::iso_seven_digits;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Part, Stamp, Twin};
use crate::versions;

/// A twin as answers of one api-version carry it.
#[derive(Debug)]
pub(super) struct Document<'a> {
    twin: &'a Twin,
    with_times: bool,
}

impl<'a> Document<'a> {
    pub(super) fn new(twin: &'a Twin, api_version: &str) -> Self {
        Self { twin, with_times: versions::shows_update_times(api_version) }
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { twin, with_times } = *self;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("$dtId", &twin.id)?;
        members.serialize_entry("$etag", &twin.entity_tag())?;
        for (name, value) in &twin.root.properties {
            members.serialize_entry(name, value)?;
        }
        for (name, part) in &twin.components {
            members.serialize_entry(name, &Component { part, with_times })?;
        }
        members.serialize_entry("$metadata", &Metadata { model: Some(&twin.model), part: &twin.root, with_times })?;
        members.end()
    }
}

struct Component<'a> {
    part: &'a Part,
    with_times: bool,
}

impl Serialize for Component<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in &self.part.properties {
            members.serialize_entry(name, value)?;
        }
        members
            .serialize_entry("$metadata", &Metadata { model: None, part: self.part, with_times: self.with_times })?;
        members.end()
    }
}

struct Metadata<'a> {
    model: Option<&'a str>,
    part: &'a Part,
    with_times: bool,
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        if let Some(model) = self.model {
            members.serialize_entry("$model", model)?;
        }
        if self.with_times {
            members.serialize_entry("$lastUpdateTime", &iso_seven_digits(self.part.changed_at))?;
        }
        for (name, stamp) in &self.part.stamps {
            members.serialize_entry(name, &Times { stamp, with_source: self.with_times })?;
        }
        members.end()
    }
}

struct Times<'a> {
    stamp: &'a Stamp,
    with_source: bool,
}

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("lastUpdateTime", &iso_seven_digits(self.stamp.written_at))?;
        if let Some(source_time) = self.stamp.source_time.as_ref().filter(|_| self.with_source) {
            members.serialize_entry("sourceTime", source_time)?;
        }
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use iolite_kernel::{Timestamp, Uuid};
    use serde_json::{Value, json};

    use super::*;

    fn twin() -> Twin {
        let now: Timestamp = "2022-09-29T04:03:19.3836116Z".parse().unwrap();
        let mut root = Part::empty(now);
        root.properties.insert("AverageTemperature".to_owned(), json!(68));
        root.stamp("AverageTemperature", now);
        root.stamps.get_mut("AverageTemperature").unwrap().source_time = Some("2022-09-29T04:00:00Z".to_owned());
        let components = BTreeMap::from([("inner".to_owned(), Part::empty(now))]);
        Twin { id: "t1".to_owned(), etag: Uuid::nil(), model: "dtmi:example:Room;1".to_owned(), root, components }
    }

    #[test]
    fn metadata_of_2022_tells_when_the_twin_changed() {
        let shown = serde_json::to_value(Document::new(&twin(), "2022-05-31")).unwrap();
        let at = "2022-09-29T04:03:19.3836116Z";
        assert_eq!(
            shown,
            json!({
                "$dtId": "t1",
                "$etag": "W/\"00000000-0000-0000-0000-000000000000\"",
                "AverageTemperature": 68,
                "inner": {"$metadata": {"$lastUpdateTime": at}},
                "$metadata": {
                    "$model": "dtmi:example:Room;1",
                    "$lastUpdateTime": at,
                    "AverageTemperature": {"lastUpdateTime": at, "sourceTime": "2022-09-29T04:00:00Z"},
                },
            })
        );
    }

    #[test]
    fn metadata_of_2020_does_not() {
        let shown = serde_json::to_value(Document::new(&twin(), "2020-10-31")).unwrap();
        assert_eq!(shown["inner"], json!({"$metadata": {}}));
        assert_eq!(shown["$metadata"].get("$lastUpdateTime"), None::<&Value>);
        assert_eq!(shown["$metadata"]["AverageTemperature"].get("sourceTime"), None::<&Value>);
    }

    #[test]
    fn the_metadata_comes_last() {
        let text = serde_json::to_string(&Document::new(&twin(), "2022-05-31")).unwrap();
        assert!(text.starts_with("{\"$dtId\":\"t1\",\"$etag\":"), "{text}");
        assert!(text.find("AverageTemperature").unwrap() < text.find("$model").unwrap(), "{text}");
    }
}
