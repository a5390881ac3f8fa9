//! Scheduled jobs: a twin update or a direct method for all devices that a condition selects, at a time.
//!
//! Operations write the jobs; the runner runs them when their time comes. What became of each device is
//! queried as `devices.jobs`.

mod calls;
pub mod cancel;
mod device_job;
mod find;
pub mod get;
mod job;
pub mod put;
pub mod query;
mod request;
mod run;
mod runner;
mod settle;
mod target;
#[cfg(test)]
mod tests;
mod twins;

pub use device_job::DeviceJob;
pub use job::ScheduledJob;

pub(crate) use runner::touched;
