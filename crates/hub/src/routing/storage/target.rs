//! A storage container as routes know it.

use iolite_kernel::Timestamp;
use iolite_resources::StorageContainerEndpoint;

use super::encoding::Encoding;
use super::name::FileNameFormat;
use crate::blobs::{BlobRights, Container, StorageAccount};

/// `batchFrequencyInSeconds` where none is given.
const FREQUENCY_SECONDS: u32 = 300;
/// What one blob holds at most here, whatever `maxChunkSizeInBytes` says: batches wait in memory.
const LARGEST_CHUNK: usize = 32 * 1024 * 1024;

/// A container, and how its blobs are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StorageTarget {
    pub(crate) hub_name: String,
    pub(crate) endpoint: String,
    account: StorageAccount,
    container: String,
    pub(crate) format: FileNameFormat,
    pub(crate) frequency_seconds: u32,
    pub(crate) largest_bytes: usize,
    pub(crate) encoding: Encoding,
}

impl StorageTarget {
    /// The container that `properties` describe, or why it cannot be used.
    pub(crate) fn new(hub_name: &str, endpoint: &str, properties: &StorageContainerEndpoint) -> Result<Self, String> {
        let Some(connection_string) = &properties.connection_string else {
            return Err("Only storage accounts with a connection string are reached.".to_owned());
        };
        let account = StorageAccount::parse(connection_string.reveal()).map_err(|error| format!("{error}."))?;
        let format = FileNameFormat::read(properties.file_name_format.as_deref());
        let encoding = Encoding::of_name(properties.encoding.as_deref());
        let chunk = properties.max_chunk_size_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let target = Self {
            hub_name: hub_name.to_owned(),
            endpoint: endpoint.to_owned(),
            account,
            container: properties.container_name.clone(),
            format: format.map_err(|missing| format!("The file name format lacks {missing}."))?,
            frequency_seconds: properties.batch_frequency_seconds.unwrap_or(FREQUENCY_SECONDS),
            largest_bytes: chunk.unwrap_or(LARGEST_CHUNK).min(LARGEST_CHUNK),
            encoding: encoding.ok_or_else(|| "The encoding is none of Avro, AvroDeflate and JSON.".to_owned())?,
        };
        // Whether the container can be named at all is found out now.
        target.container(Timestamp::UNIX_EPOCH)?;
        Ok(target)
    }

    /// The container, with a signature that holds until `expires_at`.
    pub(crate) fn container(&self, expires_at: Timestamp) -> Result<Container, String> {
        let container = self.account.container(&self.container, BlobRights::ALL, expires_at);
        container.map_err(|error| format!("{error}."))
    }
}
