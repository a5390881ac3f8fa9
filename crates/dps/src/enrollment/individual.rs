//! An individual enrolment: one device, by its registration id.

use iolite_kernel::{ErrorCode, ServiceError};
use iolite_store::{Record, Table, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Enrollment, Sent, Terms, refuse_newer_members};
use crate::attestation::{AttestationRequest, Holder};
use crate::body::{self, Object};
use crate::{Dps, errors, identifier};

/// An individual enrolment; keyed by provisioning service and registration id in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IndividualEnrollment {
    /// The registration id, in the case it was given.
    pub(crate) registration_id: String,
    /// The id of the device in its hub, where it is another one.
    pub(crate) device_id: Option<String>,
    /// Free information about the device.
    pub(crate) optional_device_information: Option<Map<String, Value>>,
    /// What it has in common with groups.
    pub(crate) terms: Terms,
}

impl Record for IndividualEnrollment {
    const COLLECTION: &'static str = "dps.enrollments";
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndividualRequest {
    registration_id: Option<String>,
    device_id: Option<String>,
    optional_device_information: Option<Map<String, Value>>,
    attestation: Option<Object<AttestationRequest>>,
}

impl Enrollment for IndividualEnrollment {
    const ID: &'static str = "registrationId";
    const CONFLICT: (&'static ErrorCode, &'static str) = (&errors::ENROLLMENT_CONFLICT, "Enrollment already exists.");

    fn table(dps: &Dps) -> &Table<Self> {
        &dps.enrollments
    }

    fn accept(sent: Sent<'_>, current: Option<&Self>, dps: &Dps) -> Result<Self, ServiceError> {
        let Sent { id, text, api_version, .. } = sent;
        identifier::check_registration_id(id)?;
        refuse_newer_members(text)?;
        let body: IndividualRequest = body::parse(text)?;
        identifier::check_same(id, body.registration_id.as_deref(), &errors::INVALID_REGISTRATION_ID, Self::ID)?;
        let device_id = body.device_id.filter(|id| !id.is_empty());
        device_id.as_deref().map_or(Ok(()), identifier::check_device_id)?;
        let Object(attestation) = body.attestation.ok_or_else(|| errors::invalid("attestation", "is required."))?;
        let before = current.map(|current| &current.terms);
        let attestation =
            attestation.accept(Holder::Individual, before.map(|terms| &terms.attestation), &dps.ground)?;
        Ok(Self {
            registration_id: current.map_or(id, |current| &current.registration_id).to_owned(),
            device_id,
            optional_device_information: body.optional_device_information,
            terms: Terms::accept(text, attestation, before, api_version, &dps.ground)?,
        })
    }

    fn terms(&self) -> &Terms {
        &self.terms
    }

    fn missing() -> ServiceError {
        errors::enrollment_not_found()
    }

    fn forget_registrations(dps: &Dps, transaction: &mut Transaction<'_>, service: &str, id: &str) {
        dps.forget_registration(transaction, &identifier::key(service, id));
    }
}
