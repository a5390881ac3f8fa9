//! A device or a module as an export writes it.
//!
//! Source: iot-hub-bulk-identity-mgmt (2024), and lines of an export that azure-iot-sdk-csharp issue 1146 (2019) shows: without
//! keys the whole authentication is `null`, and sections of a twin stand without their metadata.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::authentication::AuthenticationView;
use crate::device::Capabilities;
use crate::document::Doc;
use crate::twins::section::Section;
use crate::{Device, Module, Twin};

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<&'a str>,
    #[serde(rename = "eTag")]
    etag: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    authentication: Option<AuthenticationView<'a>>,
    #[serde(rename = "twinETag")]
    twin_etag: String,
    tags: Map<String, Value>,
    properties: Properties,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Capabilities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_scopes: Option<&'a [Box<str>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    managed_by: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Properties {
    desired: Map<String, Value>,
    reported: Map<String, Value>,
}

impl Properties {
    fn of(twin: &Twin) -> Self {
        let plain = |section: &Doc| Section::strip(section.fields());
        Self { desired: plain(&twin.desired), reported: plain(&twin.reported) }
    }
}

impl<'a> Line<'a> {
    /// A device with its twin.
    pub(super) fn of_device(device: &'a Device, twin: &Twin, without_keys: bool) -> Self {
        Self {
            id: &device.id,
            module_id: None,
            etag: device.etag(),
            status: device.status(),
            status_reason: Some(device.status_reason.as_deref().unwrap_or_default()),
            authentication: (!without_keys).then(|| device.credentials.view()),
            twin_etag: twin.etag(),
            tags: tags(twin),
            properties: Properties::of(twin),
            capabilities: Some(Capabilities { iot_edge: device.iot_edge }),
            device_scope: device.device_scope.as_deref(),
            parent_scopes: Some(&*device.parent_scopes).filter(|scopes| !scopes.is_empty()),
            managed_by: None,
        }
    }

    /// A module with its twin.
    pub(super) fn of_module(module: &'a Module, twin: &Twin, without_keys: bool) -> Self {
        Self {
            id: &module.device_id,
            module_id: Some(&module.id),
            etag: module.etag(),
            status: "enabled",
            status_reason: None,
            authentication: (!without_keys).then(|| module.credentials.view()),
            twin_etag: twin.etag(),
            tags: tags(twin),
            properties: Properties::of(twin),
            capabilities: Some(Capabilities { iot_edge: false }),
            device_scope: None,
            parent_scopes: None,
            managed_by: module.managed_by.as_deref(),
        }
    }
}

fn tags(twin: &Twin) -> Map<String, Value> {
    twin.tags.as_ref().map(Doc::fields).unwrap_or_default()
}
