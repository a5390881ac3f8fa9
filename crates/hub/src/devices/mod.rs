//! Operations over device identities, and those that span all devices of a hub.

pub mod bulk;
pub(crate) mod bulk_entry;
pub mod delete;
pub mod get;
mod legacy;
pub mod list;
pub mod purge;
pub mod put;
pub mod query;
pub(crate) mod query_page;
pub(crate) mod query_row;
pub(crate) mod readings;
