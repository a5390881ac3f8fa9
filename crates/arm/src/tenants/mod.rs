//! The tenants of the caller: one.

pub(crate) mod list;
