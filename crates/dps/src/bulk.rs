//! What bulk operations on enrolments and on groups have in common: modes, limits and the answer.
//!
//! Source: `BulkEnrollmentOperation` of the 2021-10-01 specification; the limit of ten is the service's documented
//! quota.

use std::collections::BTreeSet;

use iolite_kernel::{Precondition, ServiceError};
use serde::{Deserialize, Serialize};

use crate::errors;

/// The most items of one operation.
const MOST_ITEMS: usize = 10;

/// What is done with every item. The names are read in any letter case: the Node SDK says `updateIfMatchEtag` where the
/// specification has `updateIfMatchETag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Mode {
    /// It is made; it must not be there.
    Create,
    /// It is made, or replaced where its tag is the current one.
    Update,
    /// It is replaced where its tag is the current one; a tag is required.
    UpdateIfMatchEtag,
    /// It is deleted.
    Delete,
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        const NAMES: [(&str, Mode); 4] = [
            ("create", Mode::Create),
            ("update", Mode::Update),
            ("updateIfMatchETag", Mode::UpdateIfMatchEtag),
            ("delete", Mode::Delete),
        ];
        let found = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        found.map(|(_, mode)| *mode).ok_or_else(|| {
            let known = NAMES.map(|(known, _)| known).join(", ");
            format!("the mode is none of {known}")
        })
    }
}

/// The answer of a bulk operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BulkAnswer<E> {
    errors: Vec<E>,
    is_successful: bool,
}

/// The answer where the items in `failures` failed.
pub(crate) const fn answer<E>(failures: Vec<E>) -> BulkAnswer<E> {
    let is_successful = failures.is_empty();
    BulkAnswer { errors: failures, is_successful }
}

/// Checks how many items there are, and that none stands twice.
pub(crate) fn check_ids<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), ServiceError> {
    if ids.len() > MOST_ITEMS {
        let text = format!("A bulk operation takes at most {MOST_ITEMS} enrollments.");
        return Err(ServiceError::new(&errors::TOO_MANY_ENROLLMENTS, text));
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id.to_ascii_lowercase()) {
            let text = format!("{id} stands more than once in the bulk operation.");
            return Err(ServiceError::new(&errors::DEFINED_MULTIPLE_TIMES, text));
        }
    }
    Ok(())
}

/// What an item with the tag `sent` asks to be there in `mode`.
pub(crate) fn precondition(mode: Mode, sent: Precondition) -> Result<Precondition, ServiceError> {
    match (mode, sent) {
        (Mode::Create, _) => Ok(Precondition::None),
        (Mode::UpdateIfMatchEtag, Precondition::None) => {
            Err(errors::invalid("etag", "is required in mode updateIfMatchETag."))
        }
        (_, sent) => Ok(sent),
    }
}
