//! A twin: what the service keeps about a device or module besides its identity.
//!
//! Made with its identity by the registry, changed by the twin operations and by devices' reports, read by them and by
//! queries.

use std::collections::BTreeMap;

use iolite_kernel::{ServiceError, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::Doc;
use crate::etag;
use crate::json_text::JsonText;
use crate::moment;
use crate::twins::limits;
use crate::twins::section::{self, Author, Section, Stamp};

/// A twin; keyed as its identity is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Twin {
    /// The number inside its etag: how often tags or desired properties were written, the creation included.
    pub count: u64,
    /// Its version, which counts all changes and begins at 2 (recorded).
    pub version: u64,
    /// The tags, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Doc>,
    /// The desired properties with their metadata and version.
    pub desired: Doc,
    /// The reported properties with their metadata and version.
    pub reported: Doc,
    /// What became of the configurations that target it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configurations: BTreeMap<Box<str>, RolloutStatus>,
    /// The model that the device says it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<Box<str>>,
}

impl Record for Twin {
    const COLLECTION: &'static str = "hub.twins";

    /// Most twins are their two sections.
    fn write(&self, text: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let is_plain = self.tags.is_none() && self.configurations.is_empty() && self.model_id.is_none();
        let (Ok(count), Ok(version), true) = (self.count.try_into(), self.version.try_into(), is_plain) else {
            return serde_json::to_writer(text, self);
        };
        text.raw(r#"{"count":"#);
        text.integer(count);
        text.raw(r#","version":"#);
        text.integer(version);
        text.raw(r#","desired":"#);
        text.raw(self.desired.as_str());
        text.raw(r#","reported":"#);
        text.raw(self.reported.as_str());
        text.raw("}");
        Ok(())
    }
}

/// What became of a configuration that targets a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RolloutStatus {
    /// Another one of a higher priority holds.
    Targeted,
    /// Its desired properties are the twin's.
    Applied,
}

/// How a twin comes to be; the first metadata differ (recorded 2020).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Birth {
    /// With a device that was put.
    Device,
    /// With a module that was put.
    Module,
    /// With a device of a bulk request.
    BulkDevice,
    /// With a module of a bulk request.
    BulkModule,
}

/// What a client wants of a section.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    /// It is left as it is.
    Keep,
    /// This is merged into it.
    Merge(Map<String, Value>),
    /// This takes its place.
    Replace(Map<String, Value>),
}

/// What a client wants of a twin.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) tags: Edit,
    pub(crate) desired: Edit,
}

impl Change {
    /// Checks what can be checked without a twin: names, values and depth.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        for (section, edit) in [("tags", &self.tags), ("properties.desired", &self.desired)] {
            if let Edit::Merge(sent) | Edit::Replace(sent) = edit {
                limits::check(section, sent)?;
            }
        }
        Ok(())
    }
}

impl Twin {
    /// A new twin with these tags and desired properties.
    pub(crate) fn new(
        birth: Birth,
        tags: Map<String, Value>,
        desired: Map<String, Value>,
        now: Timestamp,
    ) -> Result<Self, ServiceError> {
        check_whole("tags", &tags, limits::TAGS_BYTES)?;
        check_whole("properties.desired", &desired, limits::PROPERTIES_BYTES)?;
        let now = moment::text(Some(now));
        let never = || moment::text(None);
        let unset = |at: String| Stamp { at, version: None };
        let set = |at: String| Stamp { at, version: Some(1) };
        // `None` where both sections begin alike.
        let (of_desired, of_reported) = match birth {
            Birth::BulkDevice if !desired.is_empty() => (Some(set(never())), unset(now)),
            Birth::Device | Birth::BulkDevice => (None, unset(now)),
            Birth::Module => (None, unset(never())),
            Birth::BulkModule => (None, set(now)),
        };
        let tags = if tags.is_empty() { tags } else { without_nulls(tags) };
        let reported = Section::first_doc(Map::new(), &of_reported);
        // Most twins begin with nothing on either side: they share the text.
        let same = desired.is_empty() && of_desired.is_none();
        let of_desired = of_desired.as_ref().unwrap_or(&of_reported);
        let desired = if same { reported.clone() } else { Section::first_doc(desired, of_desired) };
        Ok(Self {
            count: 1,
            version: 2,
            tags: (!tags.is_empty()).then(|| Doc::new(&tags)),
            desired,
            reported,
            configurations: BTreeMap::new(),
            model_id: None,
        })
    }

    /// Its etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        etag::of_count(self.count)
    }

    /// The twin after `change` at the moment `now`, or why it cannot be made.
    pub(crate) fn changed(&self, change: &Change, now: Timestamp) -> Result<Self, ServiceError> {
        let mut changed = self.clone();
        changed.count += 1;
        changed.version += 1;
        if let Some(tags) = self.edited_tags(&change.tags)? {
            changed.tags = (!tags.is_empty()).then(|| Doc::new(&tags));
        }
        if let Some(desired) = self.edited_desired(&change.desired, now)? {
            changed.desired = desired.doc();
        }
        Ok(changed)
    }

    /// The twin after its device merged `patch` into the reported properties. The etag is not touched by that.
    pub(crate) fn reported_by_device(&self, patch: &Map<String, Value>, now: Timestamp) -> Result<Self, ServiceError> {
        limits::check("properties.reported", patch)?;
        let mut reported = Section::read(&self.reported);
        reported.merge(patch.clone(), moment::text(Some(now)));
        limits::check_size("properties.reported", &reported.values, limits::PROPERTIES_BYTES)?;
        let mut changed = self.clone();
        changed.version += 1;
        changed.reported = reported.doc();
        Ok(changed)
    }

    /// The twin once it holds what configurations set, each over those before it, and says so; `None` where it does already.
    /// What became of configurations is not counted as a change (recorded 2020).
    pub(crate) fn rolled_out(
        &self,
        parts: &[(&Author, &[Edit])],
        configurations: BTreeMap<Box<str>, RolloutStatus>,
        now: Timestamp,
    ) -> Result<Option<Self>, ServiceError> {
        if parts.is_empty() && configurations == self.configurations {
            return Ok(None);
        }
        let desired = Section::read(&self.desired).rolled_out(parts, &moment::text(Some(now)));
        if desired.is_none() && configurations == self.configurations {
            return Ok(None);
        }
        let mut changed = Self { configurations, ..self.clone() };
        if let Some(desired) = desired {
            limits::check_size("properties.desired", &desired.values, limits::PROPERTIES_BYTES)?;
            changed.count += 1;
            changed.version += 1;
            changed.desired = desired.doc();
        }
        Ok(Some(changed))
    }

    fn edited_tags(&self, edit: &Edit) -> Result<Option<Map<String, Value>>, ServiceError> {
        let (mut tags, patch) = match edit {
            Edit::Keep => return Ok(None),
            Edit::Merge(patch) => (self.tags.as_ref().map(Doc::fields).unwrap_or_default(), patch),
            Edit::Replace(tags) => (Map::new(), tags),
        };
        limits::check("tags", patch)?;
        section::merge_plain(&mut tags, patch.clone());
        limits::check_size("tags", &tags, limits::TAGS_BYTES)?;
        Ok(Some(tags))
    }

    /// Recorded: a patch whose desired part says nothing leaves the section's version as it was.
    fn edited_desired(&self, edit: &Edit, now: Timestamp) -> Result<Option<Section>, ServiceError> {
        let mut desired = Section::read(&self.desired);
        let now = moment::text(Some(now));
        match edit {
            Edit::Keep => return Ok(None),
            Edit::Merge(patch) if patch.is_empty() => return Ok(None),
            Edit::Merge(patch) => {
                limits::check("properties.desired", patch)?;
                desired.merge(patch.clone(), now);
            }
            Edit::Replace(values) => {
                limits::check("properties.desired", values)?;
                desired.replace(values.clone(), now);
            }
        }
        limits::check_size("properties.desired", &desired.values, limits::PROPERTIES_BYTES)?;
        Ok(Some(desired))
    }
}

fn check_whole(section: &str, values: &Map<String, Value>, limit: usize) -> Result<(), ServiceError> {
    limits::check(section, values)?;
    limits::check_size(section, values, limit)
}

fn without_nulls(sent: Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    section::merge_plain(&mut kept, sent);
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("{value} is no object") };
        fields
    }

    fn twin(birth: Birth, desired: Value) -> Twin {
        Twin::new(birth, Map::new(), object(desired), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn read(doc: &Doc) -> Value {
        serde_json::from_str(doc.as_str()).unwrap()
    }

    #[test]
    fn a_new_twin_has_the_recorded_counters() {
        let twin = twin(Birth::Device, json!({}));
        assert_eq!((twin.etag().as_str(), twin.version), ("AAAAAAAAAAE=", 2));
        let section = json!({"$metadata": {"$lastUpdated": "1970-01-01T00:00:00Z"}, "$version": 1});
        assert_eq!(read(&twin.desired), section);
        assert_eq!(read(&twin.reported), section);
    }

    #[test]
    fn a_twin_is_kept_alike_however_it_is_written() {
        let plain = twin(Birth::Device, json!({"user": "\"A\""}));
        let others = [
            Twin { count: u64::MAX, ..plain.clone() },
            Twin { tags: Some(Doc::new(&object(json!({"floor": 1})))), ..plain.clone() },
            Twin { configurations: BTreeMap::from([("c".into(), RolloutStatus::Applied)]), ..plain.clone() },
            Twin { model_id: Some("dtmi:a;1".into()), ..plain.clone() },
        ];
        for twin in others.iter().chain([&plain]) {
            let mut text = Vec::new();
            twin.write(&mut text).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(twin).unwrap());
        }
    }

    #[test]
    fn the_first_metadata_are_those_recorded_for_each_birth() {
        let never = "0001-01-01T00:00:00Z";
        let bulk = twin(Birth::BulkDevice, json!({"user": "userA"}));
        assert_eq!(read(&bulk.desired)["$metadata"]["user"], json!({"$lastUpdated": never, "$lastUpdatedVersion": 1}));
        assert_eq!(read(&bulk.reported)["$metadata"], json!({"$lastUpdated": "1970-01-01T00:00:00Z"}));
        let module = twin(Birth::Module, json!({}));
        assert_eq!(read(&module.desired)["$metadata"], json!({"$lastUpdated": never}));
        let bulk_module = twin(Birth::BulkModule, json!({}));
        assert_eq!(read(&bulk_module.reported)["$metadata"]["$lastUpdatedVersion"], 1);
    }

    #[test]
    fn a_change_of_tags_moves_etag_and_version_but_not_the_desired_version() {
        let change = Change { tags: Edit::Merge(object(json!({"floor": 1}))), desired: Edit::Merge(Map::new()) };
        let changed = twin(Birth::Device, json!({})).changed(&change, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((changed.etag().as_str(), changed.version), ("AAAAAAAAAAI=", 3));
        assert_eq!(read(&changed.desired)["$version"], 1);
        assert_eq!(read(changed.tags.as_ref().unwrap()), json!({"floor": 1}));
    }

    #[test]
    fn removing_the_last_tag_removes_the_tags() {
        let set = Change { tags: Edit::Merge(object(json!({"floor": 1}))), desired: Edit::Keep };
        let unset = Change { tags: Edit::Merge(object(json!({"floor": null}))), desired: Edit::Keep };
        let twin = twin(Birth::Device, json!({})).changed(&set, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(twin.changed(&unset, Timestamp::UNIX_EPOCH).unwrap().tags, None);
    }

    #[test]
    fn a_section_over_its_size_is_refused_even_if_each_patch_is_small() {
        let mut twin = twin(Birth::Device, json!({}));
        let mut refused = false;
        for round in 0..10 {
            let patch = object(json!({format!("k{round}"): "x".repeat(4000)}));
            match twin.changed(&Change { tags: Edit::Keep, desired: Edit::Merge(patch) }, Timestamp::UNIX_EPOCH) {
                Ok(changed) => twin = changed,
                Err(_) => refused = true,
            }
        }
        assert!(refused && Section::read(&twin.desired).values.len() == 8);
    }

    /// Each change reads the twin's text and writes it anew; without serde_json's `float_roundtrip` one fraction in some
    /// hundreds comes back with another last bit.
    #[test]
    fn a_fraction_stays_what_it_is_however_often_its_twin_is_written() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(bits)
        };
        let numbers: Vec<f64> = (0..20_000).map(|_| next()).filter(|number| number.is_finite()).collect();
        for numbers in numbers.chunks(20) {
            let desired =
                json!(numbers.iter().enumerate().map(|(at, n)| (format!("n{at}"), json!(n))).collect::<Map<_, _>>());
            let mut twin = twin(Birth::Device, json!({"fractions": desired}));
            for round in 0..3 {
                let patch = object(json!({"round": round}));
                let change = Change { tags: Edit::Keep, desired: Edit::Merge(patch) };
                twin = twin.changed(&change, Timestamp::UNIX_EPOCH).unwrap();
            }
            let kept = &Section::read(&twin.desired).values["fractions"];
            for (at, number) in numbers.iter().enumerate() {
                assert_eq!(kept[format!("n{at}")].as_f64().map(f64::to_bits), Some(number.to_bits()), "{number}");
            }
        }
    }
}
