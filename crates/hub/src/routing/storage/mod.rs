//! Routes to storage containers: events gathered into blobs.
//!
//! Source: iot-hub-devguide-endpoints ("Azure Storage as a routing endpoint") and `RoutingStorageContainerProperties` of
//! 2023-06-30. Events wait in memory until their blob is written; with a data directory also in an outbox, from which a
//! process takes up what the one before it left.

mod avro;
mod batch;
mod encoding;
mod name;
mod record;
mod target;
mod writer;

pub(crate) use target::StorageTarget;
pub(crate) use writer::{Key, Storage, StorageWriter};
