//! A twin as answered: what it holds, and what its identity adds.
//!
//! Used by the twin operations and by queries. The sections are copied as text.

use std::collections::BTreeMap;

use iolite_kernel::Answer;
use serde::Serialize;

use crate::authentication::{AuthenticationType, ThumbprintView};
use crate::device::{Capabilities, Device};
use crate::document::Doc;
use crate::module::Module;
use crate::moment::Moment;
use crate::sessions::Presence;
use crate::twin::{RolloutStatus, Twin};

/// Whose twin it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// A device's.
    Device(&'a Device),
    /// A module's.
    Module(&'a Module),
}

/// A twin as answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TwinView<'a> {
    device_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<&'a str>,
    etag: String,
    device_etag: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'a str>,
    status_update_time: Moment,
    connection_state: &'static str,
    last_activity_time: Moment,
    cloud_to_device_message_count: u32,
    authentication_type: AuthenticationType,
    x509_thumbprint: ThumbprintView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'a str>,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Doc>,
    properties: PropertiesView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configurations: Option<BTreeMap<&'a str, RolloutView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Capabilities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_scopes: Option<&'a [Box<str>]>,
}

#[derive(Debug, Serialize)]
struct PropertiesView<'a> {
    desired: &'a Doc,
    reported: &'a Doc,
}

#[derive(Debug, Serialize)]
struct RolloutView {
    status: RolloutStatus,
}

impl<'a> TwinView<'a> {
    /// The twin of `owner`. A module has no status of its own: its twin says `enabled` (recorded).
    pub(crate) fn new(owner: Owner<'a>, twin: &'a Twin) -> Self {
        let device = match owner {
            Owner::Device(device) => Some(device),
            Owner::Module(_) => None,
        };
        let (device_id, module_id, device_etag, credentials) = match owner {
            Owner::Device(device) => (&device.id, None, device.etag(), &device.credentials),
            Owner::Module(module) => (&module.device_id, Some(&*module.id), module.etag(), &module.credentials),
        };
        Self {
            device_id,
            module_id,
            etag: twin.etag(),
            device_etag,
            status: device.map_or("enabled", Device::status),
            status_reason: device.and_then(|device| device.status_reason.as_deref()),
            status_update_time: Moment::of(device.and_then(|device| device.status_changed_at), false),
            connection_state: Presence::default().state(),
            last_activity_time: Moment::never(false),
            cloud_to_device_message_count: 0,
            authentication_type: credentials.kind(),
            x509_thumbprint: credentials.thumbprints(),
            model_id: twin.model_id.as_deref(),
            version: twin.version,
            tags: twin.tags.as_ref(),
            properties: PropertiesView { desired: &twin.desired, reported: &twin.reported },
            configurations: (!twin.configurations.is_empty()).then(|| rollouts(twin)),
            capabilities: device.map(|device| Capabilities { iot_edge: device.iot_edge }),
            device_scope: device.and_then(|device| device.device_scope.as_deref()),
            parent_scopes: device.map(|device| &*device.parent_scopes).filter(|scopes| !scopes.is_empty()),
        }
    }

    /// It, of an identity that is known to be there or not.
    #[must_use]
    pub(crate) fn with(mut self, presence: Presence) -> Self {
        self.connection_state = presence.state();
        self.last_activity_time = Moment::of(presence.active_at, false);
        self.cloud_to_device_message_count = presence.waiting;
        self
    }

    /// The same as a row of a query, where modules have capabilities too (recorded 2020).
    pub(crate) fn row(owner: Owner<'a>, twin: &'a Twin) -> Self {
        let mut view = Self::new(owner, twin);
        view.capabilities.get_or_insert(Capabilities { iot_edge: false });
        view
    }
}

fn rollouts(twin: &Twin) -> BTreeMap<&str, RolloutView> {
    twin.configurations.iter().map(|(id, status)| (&**id, RolloutView { status: *status })).collect()
}

/// 200 with the twin. Recorded answers have no etag header.
pub(crate) fn answer(owner: Owner<'_>, twin: &Twin, presence: Presence) -> Answer {
    Answer::ok(&TwinView::new(owner, twin).with(presence))
}
