//! Scheduled jobs: a twin update or a direct method for all devices that a condition selects, at a time.
//!
//! Operations write the jobs; [`crate::Hub::run_jobs`] runs them when their time comes. What became of each device is
//! queried as `devices.jobs`.

pub mod cancel;
mod device_job;
pub mod get;
mod job;
pub mod put;
pub mod query;
mod request;
mod run;
mod runner;
mod target;
#[cfg(test)]
mod tests;

pub use device_job::DeviceJob;
pub use job::ScheduledJob;

pub(crate) use runner::touched;
