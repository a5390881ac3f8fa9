//! Operations on individual enrolments.

pub(crate) mod attestation;
pub(crate) mod bulk;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod put;
pub(crate) mod query;
