//! User realm: how the users of a domain sign in.

pub mod get;
