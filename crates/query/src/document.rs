//! What a query can be evaluated over.
//!
//! Implemented here for a JSON value; a service may implement it over its stored form, so that a filter
//! does not build the whole answer first. A lookup never fails: what is not there is undefined.

use std::borrow::Cow;

use serde_json::Value;

use crate::Path;

/// Something whose properties a query can read.
pub trait Document {
    /// The value of the property at `path`; `None` when it is undefined, which a property holding `null` is not.
    fn lookup(&self, path: &Path) -> Option<Cow<'_, Value>>;
}

impl Document for Value {
    fn lookup(&self, path: &Path) -> Option<Cow<'_, Value>> {
        let mut found = self;
        for name in path.segments() {
            found = found.as_object()?.get(name)?;
        }
        Some(Cow::Borrowed(found))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(names: &[&str]) -> Path {
        Path::new(names.iter().map(|name| (*name).to_owned()).collect()).unwrap()
    }

    #[test]
    fn null_is_there_and_a_missing_property_is_not() {
        let document = json!({"tags": {"floor": null, "list": [1]}});
        assert_eq!(document.lookup(&path(&["tags", "floor"])).as_deref(), Some(&Value::Null));
        assert_eq!(document.lookup(&path(&["tags", "roof"])), None);
        assert_eq!(document.lookup(&path(&["tags", "floor", "below"])), None);
        assert_eq!(document.lookup(&path(&["tags", "list", "0"])), None);
    }
}
