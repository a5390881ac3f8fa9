//! The device code flow: a device starts it, its user approves it on a page, the device gets its token
//! ([`crate::token`]).

pub mod approve;
pub mod page;
pub mod start;
