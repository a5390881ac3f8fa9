//! Operations over module identities.

pub mod delete;
pub mod get;
pub mod list;
pub mod put;
