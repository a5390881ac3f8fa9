//! Blobs in a storage account of the user's own (Azurite, or Azure Storage): what file upload, jobs and routes need of one.
//!
//! Called by `files`, by the import and export of devices, and by routes to storage. A [`Container`] says where and with what
//! right; [`Blobs`] does it. Nothing is kept here, no redirect is followed, and no answer is read beyond its bound.

mod account;
mod client;
mod container;
mod delegation;
mod error;
mod identity;
mod listing;
mod sas;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use iolite_kernel::Timestamp;

pub use account::{AccountError, StorageAccount, is_container_name};
pub use client::BlobClient;
pub use container::{Container, ContainerError};
pub use delegation::DelegationKey;
pub use error::BlobError;
pub(crate) use identity::NoTokens;
pub use identity::StorageTokens;
pub use sas::BlobRights;

/// What a call to a blob service comes to.
pub type BlobFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BlobError>> + Send + 'a>>;

/// One blob of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBlob {
    /// Its name within the container.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
}

/// What is known of a blob without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobProperties {
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written, to the second, where the service says so.
    pub updated_at: Option<Timestamp>,
}

/// A blob service; [`BlobClient`] is the real one, tests bring one in memory.
pub trait Blobs: Send + Sync {
    /// The content of a blob of at most `most` bytes; [`BlobError::NotFound`] where it is not there.
    fn get<'a>(&'a self, container: &'a Container, name: &'a str, most: usize) -> BlobFuture<'a, Bytes>;

    /// Writes a block blob whole, over whatever is there.
    fn put<'a>(
        &'a self,
        container: &'a Container,
        name: &'a str,
        content_type: &'a str,
        content: Bytes,
    ) -> BlobFuture<'a, ()>;

    /// Puts `content`, at most 4 MiB, behind the end of an append blob, which is made where it is not there.
    fn append<'a>(&'a self, container: &'a Container, name: &'a str, content: Bytes) -> BlobFuture<'a, ()>;

    /// Deletes a blob; one that is not there is [`BlobError::NotFound`].
    fn delete<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, ()>;

    /// What is known of a blob; `None` where it is not there.
    fn properties<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, Option<BlobProperties>>;

    /// How long a blob is, in bytes; `None` where it is not there.
    fn length<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, Option<u64>> {
        Box::pin(async move { Ok(self.properties(container, name).await?.map(|found| found.length)) })
    }

    /// Makes the container itself, unless it is there; takes a container of [`StorageAccount::container_to_make`].
    fn make<'a>(&'a self, container: &'a Container) -> BlobFuture<'a, ()>;

    /// A key of the account that `container` is in, for signatures of the identity whose token the container bears.
    fn delegation_key<'a>(
        &'a self,
        container: &'a Container,
        from: Timestamp,
        until: Timestamp,
    ) -> BlobFuture<'a, DelegationKey>;

    /// The blobs whose names begin with `prefix`, in the order of their names, at most `most`.
    fn list<'a>(&'a self, container: &'a Container, prefix: &'a str, most: usize) -> BlobFuture<'a, Vec<ListedBlob>>;
}

#[cfg(test)]
pub(crate) mod memory;
