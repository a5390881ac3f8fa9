//! A storage container as routes know it.

use iolite_kernel::Timestamp;
use iolite_resources::StorageContainerEndpoint;

use super::encoding::Encoding;
use super::name::FileNameFormat;
use crate::blobs::{BlobRights, Container, StorageAccount, StorageTokens};

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
        let identity = properties.user_assigned_identity.as_deref();
        let account = match (&properties.connection_string, &properties.endpoint_uri) {
            (Some(connection_string), _) => StorageAccount::parse(connection_string.reveal()),
            (None, Some(uri)) => StorageAccount::at_endpoint(uri, identity),
            (None, None) => return Err("The endpoint has neither a connection string nor an endpoint URI.".to_owned()),
        };
        let account = account.map_err(|error| format!("{error}."))?;
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
        target.unopened(Timestamp::UNIX_EPOCH)?;
        Ok(target)
    }

    /// The container, with a signature that holds until `expires_at`, or with a token of the hub keyed `hub`.
    pub(crate) async fn container(
        &self,
        hub: &str,
        expires_at: Timestamp,
        tokens: &dyn StorageTokens,
    ) -> Result<Container, String> {
        self.account.open(self.unopened(expires_at)?, hub, tokens).await
    }

    fn unopened(&self, expires_at: Timestamp) -> Result<Container, String> {
        let container = self.account.container(&self.container, BlobRights::ALL, expires_at);
        container.map_err(|error| format!("{error}."))
    }
}
