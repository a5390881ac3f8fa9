//! What the caller may do at a scope.

pub(crate) mod list;
