//! A device's identity: its record, and how it is answered.
//!
//! Written by the registry, read by nearly every operation. Its twin is a record of its own.

use iolite_kernel::{Answer, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::authentication::{AuthenticationView, Credentials};
use crate::etag;
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

/// A device as answered since 2016-11-14.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceView<'a> {
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
    authentication: AuthenticationView<'a>,
    capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_scopes: Option<&'a [Box<str>]>,
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

    /// It, as an item of a list.
    pub(crate) fn item(&self, presence: Presence) -> impl Serialize + '_ {
        OwnedTag { device: self, occasion: Occasion::Later, presence }
    }

    /// 200 with it, and its etag in the header.
    pub(crate) fn answer(&self, occasion: Occasion, presence: Presence) -> Answer {
        let etag = self.etag();
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        let answer = match serde_json::to_writer(&mut text, &self.view(&etag, occasion, presence)) {
            Ok(()) => Answer::json_text(200, text),
            Err(_) => Answer::empty(500),
        };
        answer.with_header("etag", ["\"", &etag, "\""].concat())
    }

    fn view<'a>(&'a self, etag: &'a str, occasion: Occasion, presence: Presence) -> DeviceView<'a> {
        let fresh = occasion == Occasion::Creation;
        DeviceView {
            device_id: &self.id,
            generation_id: self.generation.to_string(),
            etag,
            connection_state: presence.state(),
            status: self.status(),
            status_reason: self.status_reason.as_deref(),
            connection_state_updated_time: Moment::of(presence.changed_at, fresh),
            status_updated_time: Moment::of(self.status_changed_at, fresh),
            last_activity_time: Moment::of(presence.active_at, fresh),
            cloud_to_device_message_count: presence.waiting,
            authentication: self.credentials.view(),
            capabilities: Capabilities { iot_edge: self.iot_edge },
            device_scope: self.device_scope.as_deref(),
            // Recorded: an empty list in answer to the creation, and nothing later.
            parent_scopes: (fresh || !self.parent_scopes.is_empty()).then_some(&self.parent_scopes),
        }
    }
}

/// A device that makes its own etag when it is written.
struct OwnedTag<'a> {
    device: &'a Device,
    occasion: Occasion,
    presence: Presence,
}

impl Serialize for OwnedTag<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.device.view(&self.device.etag(), self.occasion, self.presence).serialize(serializer)
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
