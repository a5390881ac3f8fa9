//! Operations over module twins.

pub mod get;
pub mod replace;
pub mod update;
