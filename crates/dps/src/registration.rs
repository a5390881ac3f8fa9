//! The state of a device's registration, and the operations that led to it, as they are kept and shown.
//!
//! Written by `register` and removed by the service API; the service API and the device API show it differently.

use iolite_kernel::{Timestamp, iso_shortest};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::attestation::CertificateInfo;

/// A registration; keyed by provisioning service and registration id in lower case.
#[expect(clippy::struct_field_names, reason = "the id goes by the service's own name for it")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    /// The registration id, in the case the device gave it first.
    pub(crate) registration_id: String,
    /// The enrolment group that vouched for it, where it was not an individual enrolment.
    pub(crate) enrollment_group_id: Option<String>,
    /// How the device proved itself.
    pub(crate) attested_by: AttestedBy,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// The entity tag.
    pub(crate) etag: String,
    /// When it was first made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

impl Record for Registration {
    const COLLECTION: &'static str = "dps.registrations";
}

/// What a device proved itself by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AttestedBy {
    SymmetricKey,
    Certificate(Option<CertificateInfo>),
}

/// What came of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// The device has a hub.
    Assigned {
        /// Where it is.
        place: Place,
        /// How it came there.
        substatus: Substatus,
    },
    /// It has none now, and why. A device that had a hub before keeps it there.
    Failed {
        /// Where it still is.
        place: Option<Place>,
        /// The service's or the hub's number of the error.
        error_code: u32,
        /// The text; of a hub, its raw error body.
        error_message: String,
    },
    /// Its enrolment is disabled.
    Disabled {
        /// Where it still is.
        place: Option<Place>,
    },
}

/// A device in a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    /// The hub's own host name.
    pub(crate) hub: String,
    /// The device's id.
    pub(crate) device_id: String,
}

/// How a device came to its hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Substatus {
    InitialAssignment,
    DeviceDataMigrated,
    DeviceDataReset,
    ReprovisionedToInitialAssignment,
}

impl Registration {
    /// Where the device is, whatever came of the last attempt.
    pub(crate) const fn place(&self) -> Option<&Place> {
        match &self.outcome {
            Outcome::Assigned { place, .. } => Some(place),
            Outcome::Failed { place, .. } | Outcome::Disabled { place } => place.as_ref(),
        }
    }

    /// The service's word for what came of it.
    pub(crate) const fn status(&self) -> &'static str {
        match self.outcome {
            Outcome::Assigned { .. } => "assigned",
            Outcome::Failed { .. } => "failed",
            Outcome::Disabled { .. } => "disabled",
        }
    }

    /// As the service API shows it; the hub by its own host name.
    pub(crate) fn service_view(&self) -> ServiceView<'_> {
        let mut view = ServiceView {
            created_date_time_utc: Some(iso_shortest(self.created_at)),
            last_updated_date_time_utc: Some(iso_shortest(self.updated_at)),
            etag: Some(&self.etag),
            ..ServiceView::unassigned(&self.registration_id)
        };
        view.status = self.status();
        match &self.outcome {
            Outcome::Assigned { place, substatus } => {
                view.assigned_hub = Some(place.hub.clone());
                view.device_id = Some(&place.device_id);
                view.substatus = Some(*substatus);
            }
            Outcome::Failed { error_code, error_message, .. } => {
                view.error_code = Some(*error_code);
                view.error_message = Some(error_message);
            }
            Outcome::Disabled { .. } => {}
        }
        view
    }

    /// As the device API shows it; the hub by the host name that the device can dial.
    pub(crate) fn device_view(&self, dial: &dyn Fn(&str) -> String) -> DeviceView<'_> {
        let mut state = self.service_view();
        state.assigned_hub = state.assigned_hub.map(|hub| dial(&hub));
        let enrollment_group_id = self.enrollment_group_id.as_deref();
        let (symmetric_key, x509) = match &self.attested_by {
            AttestedBy::SymmetricKey => (Some(SymmetricKeyResult { enrollment_group_id }), None),
            AttestedBy::Certificate(certificate_info) => {
                (None, Some(CertificateResult { certificate_info: certificate_info.as_ref(), enrollment_group_id }))
            }
        };
        DeviceView { x509, symmetric_key, state }
    }
}

/// A registration state in answers of the service API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceView<'a> {
    registration_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_date_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_hub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    substatus: Option<Substatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_date_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
}

impl<'a> ServiceView<'a> {
    /// The state of an enrolment whose device has not registered yet: id and status only (recorded).
    pub(crate) const fn unassigned(registration_id: &'a str) -> Self {
        Self {
            registration_id,
            created_date_time_utc: None,
            assigned_hub: None,
            device_id: None,
            status: "unassigned",
            substatus: None,
            error_code: None,
            error_message: None,
            last_updated_date_time_utc: None,
            etag: None,
        }
    }
}

/// A registration state in answers of the device API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    x509: Option<CertificateResult<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symmetric_key: Option<SymmetricKeyResult<'a>>,
    #[serde(flatten)]
    state: ServiceView<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SymmetricKeyResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollment_group_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_info: Option<&'a CertificateInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollment_group_id: Option<&'a str>,
}

/// A registration operation that a device may poll; keyed by provisioning service, registration id and operation id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistrationOperation {
    /// The operation's id.
    pub(crate) operation_id: String,
    /// The state it ended in.
    pub(crate) registration: Registration,
}

impl Record for RegistrationOperation {
    const COLLECTION: &'static str = "dps.operations";
}
