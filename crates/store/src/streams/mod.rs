//! Partitioned event streams: what a hub's telemetry, and any other Event Hubs-like entity, is kept in.
//!
//! A service appends records to a partition of a [`Stream`] and reads them from a [`Position`] on, as often as it likes,
//! until they are dropped for their age or for their number. A record is bytes with a moment; nothing here looks into
//! it, chooses a partition, or reads a clock.
//!
//! What holds:
//! - Records of a partition are numbered from 0 without a gap, in the order of their appends, and so are they read.
//!   Numbers and offsets never begin anew, unless the stream is removed or a copy is put in its place.
//! - With a directory, a record can be read, and [`Durable`] says that it may be acknowledged, when it survives a killed
//!   process and a power cut. Records become durable in the order of their appends.
//! - After the first failed write or sync, nothing is acknowledged any more; reading goes on.
//! - An append never waits and never touches a disk. Memory is bounded by [`Limits`], whatever is appended.
//!
//! On the disk a stream is a folder of append-only segments; see the decision of 2026-11-22 about them.

mod commit;
#[cfg(test)]
mod durability;
mod durable;
mod head;
mod journal;
mod limits;
mod log;
#[cfg(test)]
mod model;
mod partition;
mod record;
mod recovery;
mod shared;
#[cfg(test)]
mod shortage;
mod snapshot;
mod state;
mod stream;
#[expect(clippy::module_inception, reason = "the type that the module is named for")]
mod streams;
#[cfg(test)]
mod suite;
mod tail;

pub use durable::{Appended, Durable};
pub use limits::{LARGEST_RECORD, Limits, MOST_PARTITIONS};
pub use record::{Bounds, Position, StreamRecord};
pub use recovery::StreamsRecovery;
pub use snapshot::StreamsSnapshot;
pub use stream::Stream;
pub use streams::Streams;
