//! One section of a twin's properties: values, the metadata that tells when each was set, and a version.
//!
//! Used by the twin to make, merge and replace `desired` (and, once devices connect, `reported`). Sections are kept as the
//! text that is sent: values first, then `$metadata` and `$version`, as recorded. It checks no limits.

mod patch;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::document::Doc;
use crate::twin::Edit;

pub(crate) use patch::plain_patch;

/// The key of a section's metadata.
const METADATA: &str = "$metadata";
/// The key of a section's version.
const VERSION: &str = "$version";
const LAST_UPDATED: &str = "$lastUpdated";
const LAST_UPDATED_VERSION: &str = "$lastUpdatedVersion";
const LAST_UPDATED_BY: &str = "$lastUpdatedBy";
const LAST_UPDATED_BY_DIGEST: &str = "$lastUpdatedByDigest";

/// When something was set, for the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The moment's text.
    pub(crate) at: String,
    /// The section's version with it; left out while nothing was ever set.
    pub(crate) version: Option<u64>,
}

/// Who set something, where it was a configuration: for the metadata (recorded 2020).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Author {
    /// The configuration's id.
    pub(crate) id: Box<str>,
    /// The configuration's state, as a number.
    pub(crate) digest: i64,
}

/// A section in which nothing was ever set, as it is kept and sent.
#[derive(Serialize)]
struct Empty<'a> {
    #[serde(rename = "$metadata")]
    metadata: Unset<'a>,
    #[serde(rename = "$version")]
    version: u64,
}

#[derive(Serialize)]
struct Unset<'a> {
    #[serde(rename = "$lastUpdated")]
    last_updated: &'a str,
}

/// A section taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    /// What was set.
    pub(crate) values: Map<String, Value>,
    metadata: Map<String, Value>,
    /// Grows by one with each change.
    pub(crate) version: u64,
}

impl Section {
    /// A new section that holds `values`.
    pub(crate) fn new(values: Map<String, Value>, stamp: &Stamp) -> Self {
        let mut section = Self { values: Map::new(), metadata: Map::new(), version: 1 };
        merge(&mut section.values, &mut section.metadata, values, stamp);
        section
    }

    /// A new section that holds `values`, as it is kept and sent. Most hold nothing yet: those are written down at once.
    pub(crate) fn first_doc(values: Map<String, Value>, stamp: &Stamp) -> Doc {
        match stamp.version {
            None if values.is_empty() => Doc::of(&Empty { metadata: Unset { last_updated: &stamp.at }, version: 1 }),
            _ => Self::new(values, stamp).doc(),
        }
    }

    /// Takes a kept section apart.
    pub(crate) fn read(doc: &Doc) -> Self {
        let mut values = doc.fields();
        let metadata = match values.remove(METADATA) {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        let version = values.remove(VERSION).and_then(|version| version.as_u64()).unwrap_or(1);
        Self { values, metadata, version }
    }

    /// The section as it is kept and sent.
    pub(crate) fn doc(&self) -> Doc {
        let (values, metadata) = (Doc::new(&self.values), Doc::new(&self.metadata));
        let inside = values.as_str().strip_suffix('}').unwrap_or("{");
        let comma = if self.values.is_empty() { "" } else { "," };
        let text = format!("{inside}{comma}\"{METADATA}\":{},\"{VERSION}\":{}}}", metadata.as_str(), self.version);
        raw(text)
    }

    /// Merges `patch` at the moment `at`: objects into objects, `null` removes, all else replaces.
    pub(crate) fn merge(&mut self, patch: Map<String, Value>, at: String) {
        self.version += 1;
        let stamp = Stamp { at, version: Some(self.version) };
        merge(&mut self.values, &mut self.metadata, patch, &stamp);
    }

    /// Puts `values` in the place of all that was there.
    pub(crate) fn replace(&mut self, values: Map<String, Value>, at: String) {
        self.values.clear();
        self.metadata.clear();
        self.merge(values, at);
    }

    /// The section once it holds what configurations set, each over those before it, as one change at the moment `at`;
    /// `None` where it holds all of that already.
    pub(crate) fn rolled_out(&self, parts: &[(&Author, &[Edit])], at: &str) -> Option<Self> {
        let mut aim = self.values.clone();
        let edits = || parts.iter().flat_map(|(author, edits)| edits.iter().map(move |edit| (*author, edit)));
        for (_, edit) in edits() {
            match edit {
                Edit::Keep => {}
                Edit::Merge(patch) => merge_plain(&mut aim, patch.clone()),
                Edit::Replace(values) => {
                    aim.clear();
                    merge_plain(&mut aim, values.clone());
                }
            }
        }
        if aim == self.values {
            return None;
        }
        let mut changed = self.clone();
        changed.version += 1;
        let stamp = Stamp { at: at.to_owned(), version: Some(changed.version) };
        for (author, edit) in edits() {
            let values = match edit {
                Edit::Keep => continue,
                Edit::Merge(patch) => patch,
                Edit::Replace(values) => {
                    changed.values.clear();
                    changed.metadata.clear();
                    values
                }
            };
            merge(&mut changed.values, &mut changed.metadata, values.clone(), &stamp);
            sign(&mut changed.metadata, values, author);
        }
        Some(changed)
    }

    /// Drops what only the service writes from a section that a client sent.
    pub(crate) fn strip(mut sent: Map<String, Value>) -> Map<String, Value> {
        sent.remove(METADATA);
        sent.remove(VERSION);
        sent
    }
}

fn raw(text: String) -> Doc {
    match RawValue::from_string(text) {
        Ok(text) => text.into(),
        Err(error) => unreachable!("a section was put together from JSON: {error}"),
    }
}

/// The depth of `patch` was checked before, so the recursion is bounded.
fn merge(values: &mut Map<String, Value>, metadata: &mut Map<String, Value>, patch: Map<String, Value>, stamp: &Stamp) {
    metadata.insert(LAST_UPDATED.to_owned(), Value::from(stamp.at.clone()));
    if let Some(version) = stamp.version {
        metadata.insert(LAST_UPDATED_VERSION.to_owned(), version.into());
    }
    for (key, change) in patch {
        match change {
            Value::Null => {
                values.remove(&key);
                metadata.remove(&key);
            }
            Value::Object(change) => {
                let below = metadata.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
                let value = values.entry(key).or_insert_with(|| Value::Object(Map::new()));
                if !value.is_object() {
                    *value = Value::Object(Map::new());
                }
                if let (Value::Object(value), Value::Object(below)) = (value, below) {
                    merge(value, below, change, stamp);
                }
            }
            leaf => {
                let mut below = Map::new();
                merge(&mut Map::new(), &mut below, Map::new(), stamp);
                metadata.insert(key.clone(), Value::Object(below));
                values.insert(key, leaf);
            }
        }
    }
}

/// Puts `author` beside the moment of every plain value that `patch` set.
fn sign(metadata: &mut Map<String, Value>, patch: &Map<String, Value>, author: &Author) {
    for (key, value) in patch {
        let Some(Value::Object(below)) = metadata.get_mut(key) else { continue };
        if let Value::Object(patch) = value {
            sign(below, patch, author);
        } else {
            below.insert(LAST_UPDATED_BY.to_owned(), Value::from(&*author.id));
            below.insert(LAST_UPDATED_BY_DIGEST.to_owned(), Value::from(author.digest.to_string()));
        }
    }
}

/// Merges `patch` into values that have no metadata: tags.
pub(crate) fn merge_plain(values: &mut Map<String, Value>, patch: Map<String, Value>) {
    let stamp = Stamp { at: String::new(), version: None };
    merge(values, &mut Map::new(), patch, &stamp);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("{value} is no object") };
        fields
    }

    fn section(values: Value) -> Section {
        Section::new(object(values), &Stamp { at: "t1".to_owned(), version: Some(1) })
    }

    #[test]
    fn a_section_is_kept_as_it_was_recorded() {
        let text = section(json!({"user": "userA"})).doc();
        assert_eq!(
            text.as_str(),
            r#"{"user":"userA","$metadata":{"$lastUpdated":"t1","$lastUpdatedVersion":1,"user":{"$lastUpdated":"t1","$lastUpdatedVersion":1}},"$version":1}"#
        );
        assert_eq!(Section::read(&text), section(json!({"user": "userA"})));
        let empty = Section::new(Map::new(), &Stamp { at: "t1".to_owned(), version: None }).doc();
        assert_eq!(empty.as_str(), r#"{"$metadata":{"$lastUpdated":"t1"},"$version":1}"#);
    }

    #[test]
    fn a_first_section_is_written_as_any_other_whatever_it_holds() {
        for values in [json!({}), json!({"user": "userA"})] {
            for version in [None, Some(1)] {
                let stamp = Stamp { at: "t1".to_owned(), version };
                let usual = Section::new(object(values.clone()), &stamp).doc();
                assert_eq!(Section::first_doc(object(values.clone()), &stamp), usual);
            }
        }
    }

    #[test]
    fn objects_at_the_end_of_a_section_keep_their_braces() {
        let nested = section(json!({"a": {"b": {"c": {}}}}));
        assert_eq!(Section::read(&nested.doc()), nested);
    }

    #[test]
    fn a_merge_touches_the_way_to_what_it_changes_and_nothing_beside_it() {
        let mut changed = section(json!({"a": {"b": 1, "c": 2}, "d": 3}));
        changed.merge(object(json!({"a": {"b": 9}})), "t2".to_owned());
        let read = serde_json::from_str::<Value>(changed.doc().as_str()).unwrap();
        assert_eq!(read["a"], json!({"b": 9, "c": 2}));
        assert_eq!(read["$version"], 2);
        let metadata = &read["$metadata"];
        assert_eq!(metadata["$lastUpdated"], "t2");
        assert_eq!(metadata["a"]["$lastUpdatedVersion"], 2);
        assert_eq!(metadata["a"]["b"], json!({"$lastUpdated": "t2", "$lastUpdatedVersion": 2}));
        assert_eq!(metadata["a"]["c"]["$lastUpdated"], "t1");
        assert_eq!(metadata["d"]["$lastUpdated"], "t1");
    }

    #[test]
    fn null_removes_a_value_and_its_metadata() {
        let mut changed = section(json!({"a": {"b": 1}, "d": 3}));
        changed.merge(object(json!({"a": null, "d": {"e": null}, "x": null})), "t2".to_owned());
        assert_eq!(changed.values, object(json!({"d": {}})));
        assert!(changed.metadata.get("a").is_none() && changed.metadata.get("x").is_none());
    }

    #[test]
    fn what_configurations_set_is_one_change_and_bears_their_names() {
        let before = section(json!({"a": 1, "own": 7}));
        let (base, layer) = (Author { id: "base".into(), digest: 5 }, Author { id: "layer".into(), digest: 6 });
        let (set, over) =
            ([Edit::Merge(object(json!({"a": 2, "b": {"c": 3}})))], [Edit::Merge(object(json!({"a": 4})))]);
        let after = before.rolled_out(&[(&base, &set), (&layer, &over)], "t2").unwrap();
        assert_eq!((after.version, &after.values), (2, &object(json!({"a": 4, "own": 7, "b": {"c": 3}}))));
        let by = |id: &str, digest: &str| json!({"$lastUpdated": "t2", "$lastUpdatedVersion": 2, "$lastUpdatedBy": id, "$lastUpdatedByDigest": digest});
        assert_eq!((&after.metadata["a"], &after.metadata["b"]["c"]), (&by("layer", "6"), &by("base", "5")));
        assert!(
            after.metadata.get("$lastUpdatedBy").is_none() && after.metadata["own"].get("$lastUpdatedBy").is_none()
        );
        assert_eq!(after.rolled_out(&[(&base, &set), (&layer, &over)], "t3"), None);
        let whole = [Edit::Replace(object(json!({"z": 1, "gone": null})))];
        let replaced = after.rolled_out(&[(&base, &whole)], "t3").unwrap();
        assert_eq!(replaced.values, object(json!({"z": 1})));
        assert_eq!(replaced.rolled_out(&[(&base, &whole)], "t4"), None);
    }

    #[test]
    fn what_was_set_is_not_set_again_whatever_the_number() {
        let author = Author { id: "c1".into(), digest: 5 };
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let Some(number) = serde_json::Number::from_f64(f64::from_bits(bits)) else { continue };
            let edits = [Edit::Merge(Map::from_iter([("n".to_owned(), Value::Number(number.clone()))]))];
            let set = section(json!({})).rolled_out(&[(&author, &edits)], "t2").unwrap();
            assert_eq!(Section::read(&set.doc()).rolled_out(&[(&author, &edits)], "t3"), None, "{number}");
        }
    }

    #[test]
    fn an_object_takes_the_place_of_a_plain_value_and_the_other_way() {
        let mut changed = section(json!({"a": 1, "b": {"c": 2}}));
        changed.merge(object(json!({"a": {"x": 1}, "b": 7})), "t2".to_owned());
        assert_eq!(changed.values, object(json!({"a": {"x": 1}, "b": 7})));
        assert_eq!(changed.metadata["b"], json!({"$lastUpdated": "t2", "$lastUpdatedVersion": 2}));
        assert_eq!(changed.metadata["a"]["x"]["$lastUpdatedVersion"], 2);
    }
}
