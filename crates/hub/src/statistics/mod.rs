//! Operations that count.

pub mod devices;
pub mod service;
