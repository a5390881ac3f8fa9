//! What changed between two states of a section: the patch that a device is sent, and the one that events tell of.
//!
//! The metadata say which values the last change touched, whether or not they became others; what was there and is no more
//! is `null`.

use serde_json::{Map, Value};

use super::{LAST_UPDATED_VERSION, METADATA, Section, VERSION};
use crate::document::Doc;
use crate::twins::unset::Nulls;

impl Section {
    /// What the change that made this of `before` touched and what it `unset`, with `$version`: as a device is told.
    pub(crate) fn patch_since(&self, before: &Self, unset: &Nulls) -> Map<String, Value> {
        let mut patch = touched(&before.values, &self.values, &self.metadata, self.version);
        unset.add_to(&mut patch);
        patch.insert(VERSION.to_owned(), self.version.into());
        patch
    }

    /// The same with the metadata of what it touched: as events tell.
    pub(crate) fn change_since(&self, before: &Self, unset: &Nulls) -> Doc {
        let mut patch = touched(&before.values, &self.values, &self.metadata, self.version);
        unset.add_to(&mut patch);
        let metadata = metadata_of(&patch, &self.metadata);
        patch.insert(METADATA.to_owned(), Value::Object(metadata));
        patch.insert(VERSION.to_owned(), self.version.into());
        Doc::new(&patch)
    }
}

/// The values that the change to `version` touched. Depth is bounded by the limits of what is kept.
fn touched(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    metadata: &Map<String, Value>,
    version: u64,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in after {
        let Some(Value::Object(stamp)) = metadata.get(key) else { continue };
        if stamp.get(LAST_UPDATED_VERSION).and_then(Value::as_u64) != Some(version) {
            continue;
        }
        let value = match (before.get(key), value) {
            (Some(Value::Object(before)), Value::Object(value)) => {
                Value::Object(touched(before, value, stamp, version))
            }
            (_, value) => value.clone(),
        };
        patch.insert(key.clone(), value);
    }
    patch.extend(removed(before, after));
    patch
}

fn removed<'a>(before: &'a Map<String, Value>, after: &'a Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null))
}

/// The metadata of what `patch` names.
fn metadata_of(patch: &Map<String, Value>, metadata: &Map<String, Value>) -> Map<String, Value> {
    let mut chosen = Map::new();
    for (key, value) in metadata {
        match (value, patch.get(key)) {
            (Value::Object(below), Some(Value::Object(patch))) => {
                chosen.insert(key.clone(), Value::Object(metadata_of(patch, below)));
            }
            (Value::Object(_), None) => {}
            (value, _) => drop(chosen.insert(key.clone(), value.clone())),
        }
    }
    chosen
}

/// What changed in values that have no metadata: tags.
pub(crate) fn plain_patch(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in after {
        match (before.get(key), value) {
            (Some(known), value) if known == value => {}
            (Some(Value::Object(before)), Value::Object(value)) => {
                patch.insert(key.clone(), Value::Object(plain_patch(before, value)));
            }
            (_, value) => drop(patch.insert(key.clone(), value.clone())),
        }
    }
    patch.extend(removed(before, after));
    patch
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Stamp;
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("{value} is no object") };
        fields
    }

    fn section(values: Value) -> Section {
        Section::new(object(values), &Stamp { at: "t1".to_owned(), version: Some(1) })
    }

    fn after(before: &Section, patch: Value) -> Section {
        let mut after = before.clone();
        after.merge(object(patch), "t2".to_owned());
        after
    }

    #[test]
    fn a_patch_is_found_again_in_what_it_made() {
        let before = section(json!({"a": {"b": 1, "c": 2}, "d": 3, "e": 4}));
        for patch in [
            json!({"a": {"b": 9}}),
            json!({"a": {"b": 1}}),
            json!({"d": null, "new": {"x": [1]}}),
            json!({"a": 5}),
            json!({"a": {"c": null}, "e": {"f": true}}),
        ] {
            let mut expected = object(patch.clone());
            expected.insert("$version".to_owned(), json!(2));
            assert_eq!(after(&before, patch).patch_since(&before, &Nulls::default()), expected);
        }
    }

    #[test]
    fn a_replacement_tells_all_that_is_there_and_null_for_the_rest() {
        let before = section(json!({"a": {"b": 1}, "d": 3}));
        let mut replaced = before.clone();
        replaced.replace(object(json!({"d": 3, "x": 1})), "t2".to_owned());
        assert_eq!(
            replaced.patch_since(&before, &Nulls::default()),
            object(json!({"a": null, "d": 3, "x": 1, "$version": 2}))
        );
    }

    #[test]
    fn an_event_has_the_metadata_of_what_changed_alone() {
        let before = section(json!({"a": 1, "d": 3}));
        let change = after(&before, json!({"a": 2})).change_since(&before, &Nulls::default());
        let stamp = json!({"$lastUpdated": "t2", "$lastUpdatedVersion": 2});
        let mut metadata = stamp.clone();
        metadata["a"] = stamp;
        let change: Value = serde_json::from_str(change.as_str()).unwrap();
        assert_eq!(change, json!({"a": 2, "$metadata": metadata, "$version": 2}));
    }

    #[test]
    fn tags_tell_what_became_another() {
        let (before, after) =
            (object(json!({"a": 1, "b": {"c": 1, "d": 2}, "e": 1})), object(json!({"a": 1, "b": {"c": 2}})));
        assert_eq!(plain_patch(&before, &after), object(json!({"b": {"c": 2, "d": null}, "e": null})));
    }
}
