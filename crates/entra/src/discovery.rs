//! Discovery: where everything is. Addresses are made from the origin that the client dialled.

pub mod adfs;
mod document;
pub mod instance;
pub mod v1;
pub mod v2;
