//! Cloud-to-device messages: a queue for each device, and for each module of an Edge device.
//!
//! Written by the service's senders, read by sessions and the HTTPS device API. A message waits until it is settled or
//! expires; who takes one holds it under a lock of a minute. No protocol is known here.

pub mod abandon;
mod bound;
pub mod complete;
mod deadlines;
mod feedback;
mod locks;
mod outcome;
mod queue;
pub mod receive;
mod settings;
mod watch;

pub(crate) use bound::{Bound, queue_of};
pub(crate) use deadlines::Deadlines;
pub(crate) use locks::Locks;
pub(crate) use outcome::FeedbackRecord;
