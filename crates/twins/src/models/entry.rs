//! How a model is shown: what the service knows of it and, where asked for, its definition.

use std::collections::BTreeMap;

use iolite_kernel::{Timestamp, iso_shortest};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Model;

/// A model as answers carry it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    id: String,
    description: BTreeMap<String, String>,
    display_name: BTreeMap<String, String>,
    decommissioned: bool,
    upload_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Box<RawValue>>,
}

impl Entry {
    /// The model, with its definition where `with_definition` says so.
    pub(super) fn new(model: &Model, with_definition: bool) -> Self {
        Self {
            id: model.id.clone(),
            description: model.description.clone(),
            display_name: model.display_name.clone(),
            decommissioned: model.decommissioned,
            upload_time: upload_time(model.uploaded_at),
            model: with_definition.then(|| model.definition.clone()),
        }
    }
}

/// `2022-09-29T04:03:45.643907+00:00`: recorded with six digits as well as seven, so trailing zeros are left out.
fn upload_time(at: Timestamp) -> String {
    iso_shortest(at).replace('Z', "+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upload_time_has_an_offset_and_no_trailing_zeros() {
        let at: Timestamp = "2023-01-09T23:30:38.0438230Z".parse().unwrap();
        assert_eq!(upload_time(at), "2023-01-09T23:30:38.043823+00:00");
    }
}
