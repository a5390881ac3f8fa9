//! A device as the first api-version, 2016-02-03, answered it.
//!
//! Source: recorded traffic of 2016. Fields that were reserved then are null; there were neither types of authentication
//! nor Edge devices, and moments that never were had no zone.

use iolite_kernel::{Answer, NEVER};
use serde::Serialize;

use crate::authentication::{AuthenticationType, SymmetricKeyView, ThumbprintView};
use crate::device::Device;
use crate::moment::Moment;
use crate::sessions::Presence;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegacyView<'a> {
    device_id: &'a str,
    generation_id: String,
    etag: &'a str,
    connection_state: &'static str,
    status: &'static str,
    status_reason: Option<&'a str>,
    connection_state_updated_time: Moment,
    status_updated_time: Moment,
    last_activity_time: Moment,
    cloud_to_device_message_count: u32,
    authentication: LegacyAuthentication<'a>,
    is_managed: bool,
    device_properties: (),
    configuration: (),
    service_properties: (),
    last_service_properties_updated_time: &'static str,
    last_device_properties_updated_time: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegacyAuthentication<'a> {
    symmetric_key: SymmetricKeyView<'a>,
    x509_thumbprint: Option<ThumbprintView<'a>>,
}

/// 200 with the device.
pub(super) fn answer(device: &Device, presence: Presence) -> Answer {
    let etag = device.etag();
    let has_thumbprint = device.credentials.kind() == AuthenticationType::SelfSigned;
    let view = LegacyView {
        device_id: &device.id,
        generation_id: device.generation.to_string(),
        etag: &etag,
        connection_state: presence.state(),
        status: device.status(),
        status_reason: device.status_reason.as_deref(),
        connection_state_updated_time: Moment::of(presence.changed_at, true),
        status_updated_time: Moment::of(device.status_changed_at, true),
        last_activity_time: Moment::of(presence.active_at, true),
        cloud_to_device_message_count: presence.waiting,
        authentication: LegacyAuthentication {
            symmetric_key: device.credentials.keys(),
            x509_thumbprint: has_thumbprint.then(|| device.credentials.thumbprints()),
        },
        is_managed: false,
        device_properties: (),
        configuration: (),
        service_properties: (),
        last_service_properties_updated_time: NEVER,
        last_device_properties_updated_time: NEVER,
    };
    Answer::ok(&view).with_header("etag", format!("\"{etag}\""))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_first_version_knows_no_types_and_no_edge() {
        let body = fixture::json(&answer(&fixture::device("dev1"), Presence::default()));
        assert_eq!(body["isManaged"], false);
        assert_eq!(body["deviceProperties"], Value::Null);
        assert_eq!(body["authentication"]["x509Thumbprint"], Value::Null);
        assert_eq!(body["lastActivityTime"], "0001-01-01T00:00:00");
        assert!(body.get("capabilities").is_none() && body["authentication"].get("type").is_none());
    }
}
