//! A device's identity: its record, and how it is answered.
//!
//! Written by the registry, read by nearly every operation. Its twin is a record of its own.

use iolite_kernel::{Answer, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::authentication::Credentials;
use crate::etag;
use crate::json_text::JsonText;
use crate::moment::Moment;
use crate::sessions::Presence;

/// How long a device's answer is, or a little less: it is written into one allocation.
const USUAL_LENGTH: usize = 768;

/// A device's identity; keyed by `hub/deviceId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its id, with case.
    pub id: Box<str>,
    /// When it was made, in .NET ticks: tells it from a later device of the same name.
    pub generation: i64,
    /// The number inside its etag.
    pub tag: u32,
    /// Whether it may connect.
    pub enabled: bool,
    /// What was said about its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<Box<str>>,
    /// When its status last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_changed_at: Option<Timestamp>,
    /// What it signs in with.
    pub credentials: Credentials,
    /// Whether it is an Edge device.
    #[serde(default, skip_serializing_if = "is_false")]
    pub iot_edge: bool,
    /// Its own scope where it is an Edge device, else its parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_scope: Option<Box<str>>,
    /// The scopes of its parents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parent_scopes: Vec<Box<str>>,
}

impl Record for Device {
    const COLLECTION: &'static str = "hub.devices";

    /// Most devices are what their id and keys are; writing those is half of what making one costs.
    fn write(&self, text: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let is_plain = self.status_reason.is_none()
            && self.status_changed_at.is_none()
            && !self.iot_edge
            && self.device_scope.is_none()
            && self.parent_scopes.is_empty();
        let Credentials::Sas { primary, secondary } = &self.credentials else {
            return serde_json::to_writer(text, self);
        };
        if !is_plain {
            return serde_json::to_writer(text, self);
        }
        text.raw(r#"{"id":"#);
        text.string(&self.id);
        text.raw(r#","generation":"#);
        text.integer(self.generation);
        text.raw(r#","tag":"#);
        text.integer(self.tag.into());
        text.raw(if self.enabled { r#","enabled":true"# } else { r#","enabled":false"# });
        text.raw(r#","credentials":{"type":"sas","primary":"#);
        text.string(primary.reveal());
        text.raw(r#","secondary":"#);
        text.string(secondary.reveal());
        text.raw("}}");
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// When a device is answered: what was never done is written differently straight after its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// In answer to its creation.
    Creation,
    /// Later.
    Later,
}

/// `capabilities` as answered.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capabilities {
    /// Whether it is an Edge device.
    pub(crate) iot_edge: bool,
}

impl Device {
    /// Its etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        etag::of_number(self.tag)
    }

    /// `enabled` or `disabled`.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        if self.enabled { "enabled" } else { "disabled" }
    }

    /// 200 with it, and its etag in the header.
    pub(crate) fn answer(&self, occasion: Occasion, presence: Presence) -> Answer {
        let etag = self.etag();
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        self.write_view(&mut text, &etag, occasion, presence);
        Answer::json_text(200, text).with_header("etag", ["\"", &etag, "\""].concat())
    }

    /// Appends it as an item of a list.
    pub(crate) fn write_item(&self, text: &mut Vec<u8>, presence: Presence) {
        self.write_view(text, &self.etag(), Occasion::Later, presence);
    }

    /// Appends it as answered since 2016-11-14.
    fn write_view(&self, text: &mut Vec<u8>, etag: &str, occasion: Occasion, presence: Presence) {
        let fresh = occasion == Occasion::Creation;
        text.raw(r#"{"deviceId":"#);
        text.string(&self.id);
        text.raw(r#","generationId":""#);
        text.integer(self.generation);
        text.raw(r#"","etag":""#);
        text.raw(etag);
        text.raw(r#"","connectionState":""#);
        text.raw(presence.state());
        text.raw(r#"","status":""#);
        text.raw(self.status());
        text.raw(r#"","statusReason":"#);
        text.string_or_null(self.status_reason.as_deref());
        text.raw(r#","connectionStateUpdatedTime":"#);
        Moment::of(presence.changed_at, fresh).write(text);
        text.raw(r#","statusUpdatedTime":"#);
        Moment::of(self.status_changed_at, fresh).write(text);
        text.raw(r#","lastActivityTime":"#);
        Moment::of(presence.active_at, fresh).write(text);
        text.raw(r#","cloudToDeviceMessageCount":"#);
        text.integer(presence.waiting.into());
        text.raw(r#","authentication":"#);
        self.credentials.write_view(text);
        text.raw(r#","capabilities":{"iotEdge":"#);
        text.raw(if self.iot_edge { "true}" } else { "false}" });
        if let Some(scope) = &self.device_scope {
            text.raw(r#","deviceScope":"#);
            text.string(scope);
        }
        // Recorded: an empty list in answer to the creation, and nothing later.
        if fresh || !self.parent_scopes.is_empty() {
            text.raw(r#","parentScopes":["#);
            for (at, scope) in self.parent_scopes.iter().enumerate() {
                text.raw(if at == 0 { "" } else { "," });
                text.string(scope);
            }
            text.raw("]");
        }
        text.raw("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_device_is_kept_in_few_bytes() {
        let device = fixture::device("dev1");
        let text = serde_json::to_string(&device).unwrap();
        assert!(text.len() < 260, "{} bytes: {text}", text.len());
        assert_eq!(serde_json::from_str::<Device>(&text).unwrap(), device);
    }

    #[test]
    fn a_device_is_kept_alike_however_it_is_written() {
        let plain = fixture::device("dev'1");
        let others = [
            Device { enabled: false, generation: -1, ..plain.clone() },
            Device { status_reason: Some("\"lost\"".into()), ..plain.clone() },
            Device { status_changed_at: Some(Timestamp::UNIX_EPOCH), ..plain.clone() },
            Device { credentials: Credentials::CertificateAuthority, ..plain.clone() },
            Device { iot_edge: true, device_scope: Some("s".into()), ..plain.clone() },
            Device { parent_scopes: vec!["s".into()], ..plain.clone() },
        ];
        for device in others.iter().chain([&plain]) {
            let mut text = Vec::new();
            device.write(&mut text).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(device).unwrap());
        }
    }

    #[test]
    fn every_member_of_an_answer_is_json() {
        let device = Device {
            id: "dev'1".into(),
            status_reason: Some("\"lost\"\n".into()),
            status_changed_at: Some(Timestamp::UNIX_EPOCH),
            iot_edge: true,
            device_scope: Some("ms-azure-iot-edge://dev'1-1".into()),
            parent_scopes: vec!["ms-azure-iot-edge://e-1".into(), "ms-azure-iot-edge://e-2".into()],
            ..fixture::device("dev1")
        };
        let presence =
            Presence { connected: true, changed_at: Some(Timestamp::UNIX_EPOCH), active_at: None, waiting: 3 };
        let key = "k".repeat(44);
        let expected = serde_json::json!({
            "deviceId": "dev'1", "generationId": "637345907159909997", "etag": "MQ==",
            "connectionState": "Connected", "status": "enabled", "statusReason": "\"lost\"\n",
            "connectionStateUpdatedTime": "1970-01-01T00:00:00Z", "statusUpdatedTime": "1970-01-01T00:00:00Z",
            "lastActivityTime": "0001-01-01T00:00:00Z", "cloudToDeviceMessageCount": 3,
            "authentication": {
                "symmetricKey": {"primaryKey": key, "secondaryKey": key},
                "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null},
                "type": "sas",
            },
            "capabilities": {"iotEdge": true}, "deviceScope": "ms-azure-iot-edge://dev'1-1",
            "parentScopes": ["ms-azure-iot-edge://e-1", "ms-azure-iot-edge://e-2"],
        });
        assert_eq!(fixture::json(&device.answer(Occasion::Later, presence)), expected);
    }

    #[test]
    fn parents_are_listed_in_answer_to_the_creation_and_where_there_are_some() {
        let mut device = fixture::device("dev1");
        assert_eq!(
            fixture::json(&device.answer(Occasion::Creation, Presence::default()))["parentScopes"],
            serde_json::json!([])
        );
        assert!(fixture::json(&device.answer(Occasion::Later, Presence::default())).get("parentScopes").is_none());
        device.parent_scopes = vec!["ms-azure-iot-edge://e-1".into()];
        assert_eq!(
            fixture::json(&device.answer(Occasion::Later, Presence::default()))["parentScopes"][0],
            "ms-azure-iot-edge://e-1"
        );
    }
}
