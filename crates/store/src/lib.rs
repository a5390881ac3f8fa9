//! State is memory plus a log: typed tables, transactions, and the engines that keep the log.
//!
//! Called by every service for what it must remember, and by the wiring that opens, copies, resets and closes a world.
//! A service asks for its [`Table`]s once, reads them without touching a disk, and changes them only inside
//! [`Store::transact`]. It knows nothing of what a record means, serves no protocol, and reads no clock.
//!
//! What holds:
//! - All writes of a transaction are kept, or none; what [`Store::transact`] has returned survives a killed process and
//!   a power cut when the store was opened on a directory.
//! - Changes carry the [`Versioned::revision`] of their transaction. Revisions only grow, also over restarts.
//! - **Early visibility**: a read may see a change a moment before its writer is told that it is durable. If the log
//!   then fails, such a change was never acknowledged, and from then on every change is refused.
//! - A reader sees all changes that a transaction made in one table at once. Two reads are two moments: who needs one
//!   moment for several reads makes them inside a transaction.

mod change;
mod committer;
mod directory;
#[cfg(test)]
mod durability;
pub mod engine;
mod error;
#[cfg(test)]
mod failure;
mod frame;
#[cfg(test)]
mod model;
mod receipt;
mod record;
mod recovery;
mod registry;
mod snapshot;
mod staged;
mod store;
pub mod streams;
#[cfg(test)]
mod suite;
mod table;
mod thread;
mod transaction;
mod watches;

pub use change::Change;
pub use error::{OpenError, StoreError};
pub use record::{Record, Versioned};
pub use recovery::{Recovery, TornTail, Unreadable};
pub use snapshot::{Snapshot, SnapshotError};
pub use store::Store;
pub use table::Table;
pub use transaction::Transaction;
