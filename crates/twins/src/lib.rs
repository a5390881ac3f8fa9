//! Azure Digital Twins, a first slice: models and twins behind Entra and RBAC.
//!
//! Each operation is one file under its resource. What the real service offers beyond models and twins is declared beside
//! them, one small file a resource, and refused by name. This crate knows no protocol: `iolite-http` carries the requests
//! and says the errors in the service's shape. What is checked of DTDL and what is not stands in `docs/quirks.md`.

#![expect(clippy::unused_async, reason = "every operation's `run` has one signature, whether or not it waits")]

pub mod components;
pub mod delete_jobs;
mod dtmi;
pub mod errors;
pub mod event_routes;
pub mod import_jobs;
mod json_patch;
pub mod models;
mod payload;
mod precondition;
pub mod query;
pub mod relationships;
mod service;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod twins;
mod versions;

pub use models::Model;
pub use service::{Twins, handlers, refused};
pub use twins::Twin;
