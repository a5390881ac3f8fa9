//! How a change or a start is refused.
//!
//! [`StoreError`] goes to the services, which pass it on as their own 500; [`OpenError`] goes to the person who started
//! the process. Neither is ever retried by the store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iolite_kernel::{ErrorCode, ServiceError};

use crate::engine::EngineError;

/// Why a change was not made, or not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The log could not be written once; from then on nothing is acknowledged until the process is started anew.
    #[error("the store stopped acknowledging changes: {0}")]
    Failed(#[source] Arc<EngineError>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A record cannot be written as JSON.
    #[error("the record {key:?} of {collection} cannot be written: {cause}")]
    Unwritable {
        /// The collection.
        collection: &'static str,
        /// The record's key.
        key: String,
        /// What the serializer said.
        cause: String,
    },
    /// A record of an imported snapshot is not what its collection holds.
    #[error("the record {key:?} of {collection} cannot be read: {cause}")]
    Unreadable {
        /// The collection.
        collection: String,
        /// The record's key.
        key: String,
        /// What the deserializer said.
        cause: String,
    },
    /// A transaction was given a table of another store.
    #[error("the table {collection} belongs to another store")]
    ForeignTable {
        /// The collection.
        collection: &'static str,
    },
    /// A transaction is larger than a log entry may be.
    #[error("the change is {bytes} bytes long, more than the {limit} that one change may have")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A stream has no such partition.
    #[error("the stream {stream:?} has no partition {partition}")]
    NoPartition {
        /// The stream's name.
        stream: String,
        /// The partition's number.
        partition: u32,
    },
    /// A stream cannot be made.
    #[error("the stream {stream:?} cannot be: {why}")]
    UnusableStream {
        /// The name it should have.
        stream: String,
        /// Why not.
        why: &'static str,
    },
    /// More records wait for the disk than may; later it may take some again.
    #[error("the stream {stream:?} is behind: {bytes} bytes wait to be written")]
    Behind {
        /// The stream's name.
        stream: String,
        /// How many bytes wait.
        bytes: usize,
    },
    /// The thread that writes a stream had ended for want of work, and the system has none to give now; later it may.
    #[error("there is no thread to write the stream {stream:?}: {cause}")]
    NoThread {
        /// The stream's name.
        stream: String,
        /// What the system said.
        #[source]
        cause: Arc<io::Error>,
    },
    /// A copy is being put in the place of a stream.
    #[error("the stream is being replaced")]
    Replacing,
    /// Records of a stream cannot be read back.
    #[error("the stream {stream:?} cannot be read: {cause}")]
    StreamUnreadable {
        /// The stream's name.
        stream: String,
        /// What went wrong.
        #[source]
        cause: Arc<EngineError>,
    },
}

/// The answer for a change that the store refused: a 500 in every service.
const SERVER_ERROR: ErrorCode = ErrorCode { status: 500, number: 500_001, name: "ServerError" };

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::new(&SERVER_ERROR, "The service could not keep the change.").because(error)
    }
}

/// Why a directory could not be opened; each says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the directory.
    #[error("{} is in use by another process: stop that one, or choose another directory", .directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// What stands on the disk is not what was written.
    #[error(
        "{} is damaged at {position}: {what}. Nothing was changed. Put back a copy of the directory, or move it away \
         to start empty",
        .file.display()
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where: a byte, a page, or a log entry.
        position: String,
        /// What is wrong there.
        what: String,
    },
    /// The directory was written by a newer version.
    #[error(
        "{} has format {found}, and this version reads up to {known}: start the newer version, or choose another \
         directory",
        .file.display()
    )]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// The format found.
        found: u64,
        /// The newest format that this version reads.
        known: u64,
    },
    /// The operating system refused.
    #[error("{} cannot be used: {cause}. {remedy}", .path.display())]
    Io {
        /// What was tried.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
        /// What to do.
        remedy: &'static str,
    },
}

impl OpenError {
    /// What an engine's error means to the person who starts the process.
    pub(crate) fn from_engine(file: &Path, error: EngineError) -> Self {
        let file = file.to_owned();
        match error {
            EngineError::Corrupt { position, what } => Self::Corrupt { file, position, what },
            error => Self::Io {
                path: file,
                cause: io::Error::other(error),
                remedy: "Choose another directory, or mend the disk.",
            },
        }
    }
}
