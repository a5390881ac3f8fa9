//! Where a client learns the other endpoints of a cloud from.

pub(crate) mod endpoints;
