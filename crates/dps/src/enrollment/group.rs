//! An enrolment group: any number of devices that prove themselves by one secret or authority.

use iolite_kernel::{ErrorCode, ServiceError};
use iolite_store::{Record, Table, Transaction};
use serde::{Deserialize, Serialize};

use super::{Enrollment, Sent, Terms, refuse_newer_members};
use crate::attestation::{AttestationRequest, Holder};
use crate::body::{self, Object};
use crate::{Dps, errors, identifier};

/// An enrolment group; keyed by provisioning service and group id in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollmentGroup {
    /// The group's id, in the case it was given.
    pub(crate) enrollment_group_id: String,
    /// What it has in common with individual enrolments.
    pub(crate) terms: Terms,
}

impl Record for EnrollmentGroup {
    const COLLECTION: &'static str = "dps.enrollment-groups";
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupRequest {
    enrollment_group_id: Option<String>,
    attestation: Option<Object<AttestationRequest>>,
}

impl Enrollment for EnrollmentGroup {
    const ID: &'static str = "enrollmentGroupId";
    const CONFLICT: (&'static ErrorCode, &'static str) =
        (&errors::ENROLLMENT_GROUP_CONFLICT, "EnrollmentGroup already exists.");

    fn table(dps: &Dps) -> &Table<Self> {
        &dps.groups
    }

    fn accept(sent: Sent<'_>, current: Option<&Self>, dps: &Dps) -> Result<Self, ServiceError> {
        let Sent { id, text, api_version, .. } = sent;
        identifier::check_group_id(id)?;
        refuse_newer_members(text)?;
        let body: GroupRequest = body::parse(text)?;
        let in_body = body.enrollment_group_id.as_deref();
        identifier::check_same(id, in_body, &errors::INVALID_ENROLLMENT_GROUP_ID, Self::ID)?;
        let Object(attestation) = body.attestation.ok_or_else(|| errors::invalid("attestation", "is required."))?;
        let before = current.map(|current| &current.terms);
        let attestation = attestation.accept(Holder::Group, before.map(|terms| &terms.attestation), &dps.ground)?;
        Ok(Self {
            enrollment_group_id: current.map_or(id, |current| &current.enrollment_group_id).to_owned(),
            terms: Terms::accept(text, attestation, before, api_version, &dps.ground)?,
        })
    }

    fn terms(&self) -> &Terms {
        &self.terms
    }

    fn missing() -> ServiceError {
        errors::enrollment_group_not_found()
    }

    fn forget_registrations(dps: &Dps, transaction: &mut Transaction<'_>, service: &str, id: &str) {
        for (key, registration) in transaction.all(&dps.registrations, &format!("{service}/")) {
            if registration.enrollment_group_id.as_ref().is_some_and(|group| group.eq_ignore_ascii_case(id)) {
                dps.forget_registration(transaction, &key);
            }
        }
    }
}
