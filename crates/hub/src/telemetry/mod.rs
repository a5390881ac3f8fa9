//! Telemetry: events of devices and modules, on their way into the hub's stream.
//!
//! Called once for every message of every session, so what can be worked out beforehand is worked out at sign-in: the
//! partition, and who the events come from. The streams themselves are behind [`EventSink`]; routes are `routing`'s.

pub(crate) mod faults;
mod sink;
mod source;

pub use sink::EventSink;

pub(crate) use sink::MemorySink;
pub(crate) use source::Source;
