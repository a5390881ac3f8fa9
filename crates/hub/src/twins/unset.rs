//! What a client unset: the `null`s of a patch, which are told on even where there was nothing to remove.
//!
//! Made where a client's patch is merged into a twin, and read where devices and routes are told of the change. The service
//! sends a patch on as it came: the public end-to-end tests of the Python device SDK (2024) unset a property that a new twin
//! never had, and expect its `null` at the device. What removes something is found in the twin itself, without this.

use serde_json::{Map, Value};

use crate::twin::{Change, Edit};

/// The `null`s that a client sent, by section.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unset {
    /// Those in the desired properties.
    pub(crate) desired: Nulls,
    /// Those in the reported properties.
    pub(crate) reported: Nulls,
}

impl Unset {
    /// What `change` unsets; a section that is replaced has nothing to unset.
    pub(crate) fn by(change: &Change) -> Self {
        match &change.desired {
            Edit::Merge(patch) => Self { desired: Nulls::of(patch), reported: Nulls::default() },
            Edit::Keep | Edit::Replace(_) => Self::default(),
        }
    }

    /// What a device that reports `patch` unsets.
    pub(crate) fn by_report(patch: &Map<String, Value>) -> Self {
        Self { desired: Nulls::default(), reported: Nulls::of(patch) }
    }
}

/// The `null`s of a patch, each where it stood; nothing else of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Nulls(Map<String, Value>);

impl Nulls {
    /// The depth of `patch` was checked before, so the recursion is bounded.
    fn of(patch: &Map<String, Value>) -> Self {
        let mut nulls = Map::new();
        for (key, value) in patch {
            match value {
                Value::Null => drop(nulls.insert(key.clone(), Value::Null)),
                Value::Object(below) => {
                    let Self(below) = Self::of(below);
                    if !below.is_empty() {
                        nulls.insert(key.clone(), Value::Object(below));
                    }
                }
                _ => {}
            }
        }
        Self(nulls)
    }

    /// Puts them into what is `told` of the change.
    pub(crate) fn add_to(&self, told: &mut Map<String, Value>) {
        add(&self.0, told);
    }
}

fn add(nulls: &Map<String, Value>, told: &mut Map<String, Value>) {
    for (key, null) in nulls {
        match (null, told.get_mut(key)) {
            (Value::Object(nulls), Some(Value::Object(told))) => add(nulls, told),
            (_, Some(_)) => {}
            (null, None) => drop(told.insert(key.clone(), null.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("{value} is no object") };
        fields
    }

    #[test]
    fn the_nulls_of_a_patch_stay_where_they_stood() {
        let nulls = Nulls::of(&object(json!({"a": null, "b": {"c": null, "d": 1}, "e": {"f": 2}, "g": [null]})));
        assert_eq!(nulls, Nulls(object(json!({"a": null, "b": {"c": null}}))));
    }

    #[test]
    fn what_is_told_anyway_is_not_told_otherwise() {
        let nulls = Nulls(object(json!({"a": null, "b": {"c": null}, "d": {"e": null}})));
        let mut told = object(json!({"a": null, "b": {"x": 1}, "$version": 2}));
        nulls.add_to(&mut told);
        assert_eq!(told, object(json!({"a": null, "b": {"c": null, "x": 1}, "d": {"e": null}, "$version": 2})));
    }

    #[test]
    fn a_section_that_is_replaced_unsets_nothing() {
        let sent = || object(json!({"a": null}));
        let merged = Unset::by(&Change { tags: Edit::Keep, desired: Edit::Merge(sent()) });
        assert_eq!((merged.desired, merged.reported), (Nulls(sent()), Nulls::default()));
        let replaced = Unset::by(&Change { tags: Edit::Keep, desired: Edit::Replace(sent()) });
        assert_eq!((replaced.desired, replaced.reported), (Nulls::default(), Nulls::default()));
        let reported = Unset::by_report(&sent());
        assert_eq!((reported.desired, reported.reported), (Nulls::default(), Nulls(sent())));
    }
}
