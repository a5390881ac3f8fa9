//! What an enrolment says about its devices: their hub, their twin, their capabilities, and whether they may register.
//!
//! Kept as they were sent. Source: `IndividualEnrollment` and `EnrollmentGroup` of the 2021-10-01 specification.

use iolite_kernel::ServiceError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::Object;
use crate::errors;

/// The settings; members that were null are left out again, except the provisioning status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) capabilities: Option<Nested<Capabilities>>,
    pub(crate) iot_hub_host_name: Option<String>,
    pub(crate) initial_twin: Option<Nested<InitialTwin>>,
    /// `enabled` where it was left out; null stays null and counts as enabled.
    #[serde(default = "enabled")]
    pub(crate) provisioning_status: Option<ProvisioningStatus>,
    pub(crate) reprovision_policy: Option<Nested<ReprovisionPolicy>>,
    pub(crate) allocation_policy: Option<Allocation>,
    pub(crate) iot_hubs: Option<Vec<String>>,
    pub(crate) custom_allocation_definition: Option<Nested<CustomAllocation>>,
}

/// Whether devices may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ProvisioningStatus {
    Enabled,
    Disabled,
}

/// What a device can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capabilities {
    pub(crate) iot_edge: bool,
}

/// What happens to a device that registers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReprovisionPolicy {
    /// Whether its hub is chosen anew.
    #[serde(default = "yes")]
    pub(crate) update_hub_assignment: bool,
    /// Whether its twin moves along to another hub.
    #[serde(default = "yes")]
    pub(crate) migrate_device_data: bool,
}

impl Default for ReprovisionPolicy {
    fn default() -> Self {
        Self { update_hub_assignment: true, migrate_device_data: true }
    }
}

/// How a hub is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Allocation {
    Hashed,
    GeoLatency,
    Static,
    Custom,
}

/// The webhook of a custom allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomAllocation {
    pub(crate) webhook_url: String,
    pub(crate) api_version: String,
}

/// What a device's twin begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InitialTwin {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<Nested<InitialProperties>>,
}

/// The properties that a twin begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InitialProperties {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) desired: Option<Map<String, Value>>,
}

/// A member that must be written as an object.
pub(crate) type Nested<T> = Object<T>;

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the member may be null, and that is not the same as left out")]
const fn enabled() -> Option<ProvisioningStatus> {
    Some(ProvisioningStatus::Enabled)
}

const fn yes() -> bool {
    true
}

impl Settings {
    /// Whether devices may register.
    pub(crate) fn is_enabled(&self) -> bool {
        self.provisioning_status != Some(ProvisioningStatus::Disabled)
    }

    /// Whether devices are Edge devices.
    pub(crate) fn is_edge(&self) -> bool {
        self.capabilities.as_ref().is_some_and(|Object(capabilities)| capabilities.iot_edge)
    }

    /// Checks what the form alone does not tell.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        let custom = self.allocation_policy == Some(Allocation::Custom);
        match &self.custom_allocation_definition {
            None if custom => {
                Err(errors::invalid("customAllocationDefinition", "is required where allocationPolicy is custom."))
            }
            Some(Object(webhook)) if webhook.webhook_url.is_empty() || webhook.api_version.is_empty() => {
                Err(errors::invalid("customAllocationDefinition", "must have a webhookUrl and an apiVersion."))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, ServiceError> {
        crate::body::parse(text.as_bytes())
    }

    #[test]
    fn a_null_status_is_not_a_missing_one() {
        assert_eq!(read("{}").unwrap().provisioning_status, Some(ProvisioningStatus::Enabled));
        let null = read(r#"{"provisioningStatus":null}"#).unwrap();
        assert_eq!(null.provisioning_status, None);
        assert!(null.is_enabled());
        assert!(!read(r#"{"provisioningStatus":"disabled"}"#).unwrap().is_enabled());
    }

    #[test]
    fn values_of_the_wrong_type_are_refused() {
        for text in [
            r#"{"provisioningStatus":"paused"}"#,
            r#"{"capabilities":[true]}"#,
            r#"{"capabilities":{"iotEdge":"yes"}}"#,
            r#"{"iotHubs":"hub"}"#,
            r#"{"initialTwin":{"tags":[]}}"#,
            r#"{"allocationPolicy":7}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_custom_policy_needs_its_webhook() {
        assert!(read(r#"{"allocationPolicy":"custom"}"#).unwrap().check().is_err());
        let webhook = r#"{"webhookUrl":"https://x","apiVersion":"2019-03-31"}"#;
        let whole = format!(r#"{{"allocationPolicy":"custom","customAllocationDefinition":{webhook}}}"#);
        assert!(read(&whole).unwrap().check().is_ok());
    }
}
