//! Import and export jobs: the whole registry of a hub into a blob, or a blob into the registry.
//!
//! Operations write the jobs; the runner does them, one of a hub at a time, through the blob service
//! that the job's containers are of. Source: iot-hub-bulk-identity-mgmt (2024).

pub mod cancel;
pub mod create;
mod export;
pub mod get;
mod import;
mod job;
mod line;
pub mod list;
mod runner;
mod step;
#[cfg(test)]
mod tests;
mod writer;

pub use job::RegistryJob;
