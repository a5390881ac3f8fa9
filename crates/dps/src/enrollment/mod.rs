//! Enrolments as they are kept and shown: individual ones and groups, and what both have.
//!
//! Written by the enrolment operations, read by them, by the door's attestation source and by registration.

mod answer;
mod change;
mod group;
mod individual;
mod settings;

pub(crate) use change::{Enrollment, Sent, delete, many, put};
pub(crate) use group::EnrollmentGroup;
pub(crate) use individual::IndividualEnrollment;
pub(crate) use settings::{Allocation, InitialTwin, Settings};

use iolite_kernel::{Ground, ServiceError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attestation::Attestation;
use crate::{body, entity_tag, errors, versions};

/// What an individual enrolment and a group both have, besides an id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Terms {
    /// How devices prove themselves.
    pub(crate) attestation: Attestation,
    /// What is to be done with them.
    pub(crate) settings: Settings,
    /// Whether it was written by a version that knew no reprovisioning, and says nothing about it: its devices stay on
    /// their first hub.
    pub(crate) keeps_first_hub: bool,
    /// The entity tag.
    pub(crate) etag: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was last written.
    pub(crate) updated_at: Timestamp,
}

impl Terms {
    /// New terms over `current` ones, by the request body `text` of `api_version`.
    pub(crate) fn accept(
        text: &[u8],
        attestation: Attestation,
        current: Option<&Self>,
        api_version: &str,
        ground: &Ground,
    ) -> Result<Self, ServiceError> {
        let settings: Settings = body::parse(text)?;
        settings.check()?;
        let now = ground.now();
        Ok(Self {
            attestation,
            keeps_first_hub: settings.reprovision_policy.is_none() && api_version == versions::BEFORE_REPROVISIONING,
            settings,
            etag: entity_tag::draw(ground),
            created_at: current.map_or(now, |current| current.created_at),
            updated_at: now,
        })
    }
}

/// The members that the newest versions added and that are refused by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewerMembers {
    credential_policy_name: Option<serde_json::Value>,
}

/// Refuses a body that uses what this emulator does not have.
fn refuse_newer_members(text: &[u8]) -> Result<(), ServiceError> {
    let newer: NewerMembers = body::parse(text)?;
    match newer.credential_policy_name {
        Some(_) => Err(errors::unsupported("credentialPolicyName (certificates issued by Azure Device Registry)")),
        None => Ok(()),
    }
}
