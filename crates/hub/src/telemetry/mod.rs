//! Telemetry: events of devices and modules, on their way into the hub's streams.
//!
//! Called once for every message of every session, so what can be worked out beforehand is worked out at sign-in: the
//! partition, the stream, and who the events come from. Where else an event goes is `routing`'s to say.

pub(crate) mod faults;
pub(crate) mod https;
pub mod send_device_event;
pub mod send_module_event;
mod source;
mod streams;

pub(crate) use source::{Source, partition_of};
pub(crate) use streams::{receipt, unavailable};
