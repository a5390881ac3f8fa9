//! Operations of the service API on registration states.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod query;
