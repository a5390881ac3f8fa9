//! Where a patch of a digital twin points, and what makes a component.
//!
//! Used by the patch and by the view.

use iolite_kernel::ServiceError;
use serde_json::Value;

use crate::pnp::names;
use crate::{body, errors};

/// The field that makes an object of a twin a component, with [`COMPONENT`] as its value.
pub(super) const MARK: &str = "__t";
/// What the mark of a component says.
pub(super) const COMPONENT: &str = "c";

/// Whether a twin's value is a component.
pub(super) fn is_component(value: &Value) -> bool {
    value.get(MARK).is_some_and(|mark| mark == COMPONENT)
}

/// A place in a digital twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A property of the root, or a whole component.
    Root(String),
    /// A property of a component.
    Inside(String, String),
}

impl Place {
    /// Reads a JSON pointer.
    pub(super) fn read(pointer: &str) -> Result<Self, ServiceError> {
        let refuse = |why: &str| {
            let message = format!("The path '{}' {why}.", body::shortened(pointer));
            ServiceError::new(&errors::INVALID_DIGITAL_TWIN_PATCH_PATH, message)
        };
        let Some(rest) = pointer.strip_prefix('/') else {
            return Err(refuse("does not begin with a slash"));
        };
        let segments: Vec<String> =
            rest.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
        if segments.iter().any(|segment| !names::is_name(segment)) {
            return Err(refuse("has a part that is no name of a property or a component"));
        }
        match <[String; 2]>::try_from(segments) {
            Ok([component, property]) => Ok(Self::Inside(component, property)),
            Err(mut segments) if segments.len() == 1 => Ok(Self::Root(segments.remove(0))),
            Err(_) => Err(refuse("goes deeper than a property of a component")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_reach_properties_components_and_their_properties() {
        assert_eq!(Place::read("/a").unwrap(), Place::Root("a".to_owned()));
        assert_eq!(Place::read("/a/b").unwrap(), Place::Inside("a".to_owned(), "b".to_owned()));
        for pointer in ["", "a", "/", "/a/", "/a/b/c", "/$metadata", "/a/$metadata", "/__t", "/a~1b", "/a.b", "//a"] {
            let error = Place::read(pointer).unwrap_err();
            assert_eq!(error.code, &errors::INVALID_DIGITAL_TWIN_PATCH_PATH, "{pointer}");
        }
    }
}
