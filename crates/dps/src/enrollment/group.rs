//! An enrolment group: any number of devices that prove themselves by one secret or authority.

use iolite_kernel::{Ground, ServiceError};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use super::{Terms, refuse_newer_members};
use crate::attestation::{AttestationRequest, Holder};
use crate::body::{self, Object};
use crate::{errors, identifier};

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

impl EnrollmentGroup {
    /// The group that the body `text` describes, over `current`. `id` is the one in the path.
    pub(crate) fn accept(
        text: &[u8],
        id: &str,
        current: Option<&Self>,
        api_version: &str,
        ground: &Ground,
    ) -> Result<Self, ServiceError> {
        identifier::check_group_id(id)?;
        refuse_newer_members(text)?;
        let sent: GroupRequest = body::parse(text)?;
        let in_body = sent.enrollment_group_id.as_deref();
        identifier::check_same(id, in_body, &errors::INVALID_ENROLLMENT_GROUP_ID, "enrollmentGroupId")?;
        let Object(attestation) = sent.attestation.ok_or_else(|| errors::invalid("attestation", "is required."))?;
        let before = current.map(|current| &current.terms);
        let attestation = attestation.accept(Holder::Group, before.map(|terms| &terms.attestation), ground)?;
        Ok(Self {
            enrollment_group_id: current.map_or(id, |current| &current.enrollment_group_id).to_owned(),
            terms: Terms::accept(text, attestation, before, api_version, ground)?,
        })
    }
}
