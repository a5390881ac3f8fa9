//! Enrolments as answers carry them, members in the recorded order.

use iolite_kernel::iso_shortest;
use serde::Serialize;
use serde_json::{Map, Value};

use super::settings::{Capabilities, CustomAllocation, Nested, ProvisioningStatus, ReprovisionPolicy};
use super::{Allocation, EnrollmentGroup, IndividualEnrollment, InitialTwin, Terms};
use crate::attestation::{AttestationView, Keys};
use crate::registration::ServiceView;

/// An enrolment of either kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollmentAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollment_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_state: Option<ServiceView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    optional_device_information: Option<&'a Map<String, Value>>,
    attestation: AttestationView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<&'a Nested<Capabilities>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iot_hub_host_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_twin: Option<&'a Nested<InitialTwin>>,
    etag: &'a str,
    provisioning_status: Option<ProvisioningStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reprovision_policy: Option<&'a Nested<ReprovisionPolicy>>,
    created_date_time_utc: String,
    last_updated_date_time_utc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation_policy: Option<Allocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iot_hubs: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_allocation_definition: Option<&'a Nested<CustomAllocation>>,
}

impl IndividualEnrollment {
    /// The enrolment as an answer carries it; `state` goes with GET only.
    pub(crate) fn answer<'a>(&'a self, keys: Keys, state: Option<ServiceView<'a>>) -> EnrollmentAnswer<'a> {
        EnrollmentAnswer {
            registration_id: Some(&self.registration_id),
            device_id: self.device_id.as_deref(),
            registration_state: state,
            optional_device_information: self.optional_device_information.as_ref(),
            ..of_terms(&self.terms, keys)
        }
    }
}

impl EnrollmentGroup {
    /// The group as an answer carries it.
    pub(crate) fn answer(&self, keys: Keys) -> EnrollmentAnswer<'_> {
        EnrollmentAnswer { enrollment_group_id: Some(&self.enrollment_group_id), ..of_terms(&self.terms, keys) }
    }
}

fn of_terms(terms: &Terms, keys: Keys) -> EnrollmentAnswer<'_> {
    let settings = &terms.settings;
    EnrollmentAnswer {
        registration_id: None,
        enrollment_group_id: None,
        device_id: None,
        registration_state: None,
        optional_device_information: None,
        attestation: terms.attestation.view(keys),
        capabilities: settings.capabilities.as_ref(),
        iot_hub_host_name: settings.iot_hub_host_name.as_deref(),
        initial_twin: settings.initial_twin.as_ref(),
        etag: &terms.etag,
        provisioning_status: settings.provisioning_status,
        reprovision_policy: settings.reprovision_policy.as_ref(),
        created_date_time_utc: iso_shortest(terms.created_at),
        last_updated_date_time_utc: iso_shortest(terms.updated_at),
        allocation_policy: settings.allocation_policy,
        iot_hubs: settings.iot_hubs.as_deref(),
        custom_allocation_definition: settings.custom_allocation_definition.as_ref(),
    }
}
