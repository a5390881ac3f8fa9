//! An upload that a device began, and the names it may give to a blob.

use iolite_kernel::{ServiceError, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::body::shortened;
use crate::errors;

/// The longest name of a blob, the device's id included, in characters (documented).
const LONGEST_NAME: usize = 1024;

/// An open upload; keyed by hub, device and correlation id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The blob's name within the container: the device's id, a slash, and the name that the device gave.
    pub blob_name: String,
    /// When the device asked.
    pub opened_at: Timestamp,
    /// When the signature and the correlation id run out.
    pub expires_at: Timestamp,
}

impl Record for Upload {
    const COLLECTION: &'static str = "hub.uploads";
}

/// The prefix of a device's open uploads.
pub(super) fn prefix(hub: &str, device_id: &str) -> String {
    format!("{hub}/{device_id}/")
}

/// The blob that `name` stands for, given by the device `device_id`.
pub(super) fn blob_name(device_id: &str, name: &str) -> Result<String, ServiceError> {
    let whole = format!("{device_id}/{name}");
    let odd_segment = |segment: &str| segment.is_empty() || matches!(segment, "." | "..") || segment.ends_with('.');
    let fault = if name.is_empty() {
        "is empty"
    } else if whole.chars().count() > LONGEST_NAME {
        "is longer, with the device's id, than 1024 characters"
    } else if name.chars().any(|character| character.is_control() || character == '\\') {
        "holds a control character or a backslash"
    } else if whole.split('/').any(odd_segment) {
        "has a part that is empty or ends in a dot"
    } else {
        return Ok(whole);
    };
    Err(errors::invalid(format!("The blob name '{}' {fault}.", shortened(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_stands_below_its_device() {
        for name in ["a.txt", "logs/2026/a b.txt", "ä", &"x".repeat(1019)] {
            assert_eq!(blob_name("dev1", name).unwrap(), format!("dev1/{name}"));
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_or_is_none_is_refused() {
        for name in ["", "../dev2/a", "a/../../b", "a//b", "/a", "a/", "a.", "a\r\nx", "a\\b", "..", &"x".repeat(1020)]
        {
            assert_eq!(blob_name("dev1", name).unwrap_err().code, &errors::ARGUMENT_INVALID, "{name:?}");
        }
        assert!(blob_name("..", "a").is_err(), "a device may be called so");
    }
}
