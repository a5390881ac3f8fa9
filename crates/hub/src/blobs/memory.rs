//! A blob service in memory, for the unit tests of whoever uses one.

use std::collections::BTreeMap;

use bytes::Bytes;
use iolite_kernel::{Timestamp, iso_seconds};
use parking_lot::Mutex;

use super::{BlobError, BlobFuture, BlobProperties, Blobs, Container, DelegationKey, ListedBlob};

/// Blobs by the place that [`Container::place_of`] gives.
#[derive(Debug, Default)]
pub(crate) struct MemoryBlobs {
    pub(crate) blobs: Mutex<BTreeMap<String, Bytes>>,
    /// The tokens that blobs were put with.
    pub(crate) tokens: Mutex<Vec<String>>,
    /// The containers that were to be made.
    pub(crate) made: Mutex<Vec<String>>,
    /// While set, every call fails with it.
    pub(crate) fault: Mutex<Option<BlobError>>,
}

impl MemoryBlobs {
    fn act<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Bytes>) -> Result<T, BlobError>) -> Result<T, BlobError> {
        match self.fault.lock().clone() {
            Some(fault) => Err(fault),
            None => act(&mut self.blobs.lock()),
        }
    }
}

fn absent() -> BlobError {
    BlobError::NotFound("BlobNotFound".to_owned())
}

impl Blobs for MemoryBlobs {
    fn get<'a>(&'a self, container: &'a Container, name: &'a str, most: usize) -> BlobFuture<'a, Bytes> {
        Box::pin(async move {
            let found = self.act(|blobs| blobs.get(&container.place_of(name)).cloned().ok_or_else(absent))?;
            if found.len() > most { Err(BlobError::TooLarge(most)) } else { Ok(found) }
        })
    }

    fn put<'a>(&'a self, container: &'a Container, name: &'a str, _: &'a str, content: Bytes) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            self.tokens.lock().extend(container.bearer().map(|token| token.reveal().to_owned()));
            self.act(|blobs| {
                blobs.insert(container.place_of(name), content);
                Ok(())
            })
        })
    }

    fn append<'a>(&'a self, container: &'a Container, name: &'a str, content: Bytes) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            self.act(|blobs| {
                let place = blobs.entry(container.place_of(name)).or_default();
                *place = [&place[..], &content[..]].concat().into();
                Ok(())
            })
        })
    }

    fn delete<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, ()> {
        Box::pin(
            async move { self.act(|blobs| blobs.remove(&container.place_of(name)).map(|_| ()).ok_or_else(absent)) },
        )
    }

    fn properties<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, Option<BlobProperties>> {
        Box::pin(async move {
            self.act(|blobs| {
                let found = blobs.get(&container.place_of(name));
                Ok(found.map(|content| BlobProperties { length: content.len() as u64, updated_at: None }))
            })
        })
    }

    fn make<'a>(&'a self, container: &'a Container) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            self.made.lock().push(container.place());
            self.act(|_| Ok(()))
        })
    }

    fn delegation_key<'a>(
        &'a self,
        container: &'a Container,
        from: Timestamp,
        until: Timestamp,
    ) -> BlobFuture<'a, DelegationKey> {
        Box::pin(async move {
            let token =
                container.bearer().ok_or_else(|| BlobError::Denied("NoAuthenticationInformation".to_owned()))?;
            let part = |name: &str, text: &str| format!("<{name}>{text}</{name}>");
            let xml = [
                part("SignedOid", token.reveal()),
                part("SignedTid", "tenant"),
                part("SignedStart", &iso_seconds(from)),
                part("SignedExpiry", &iso_seconds(until)),
                part("SignedService", "b"),
                part("SignedVersion", "2018-11-09"),
                part("Value", "a2V5"),
            ];
            Ok(DelegationKey::read(&xml.concat()).unwrap())
        })
    }

    fn list<'a>(&'a self, container: &'a Container, prefix: &'a str, most: usize) -> BlobFuture<'a, Vec<ListedBlob>> {
        Box::pin(async move {
            self.act(|blobs| {
                let start = format!("{}/", container.place());
                let within = blobs.iter().filter_map(|(place, content)| {
                    let name = place.strip_prefix(&start).filter(|name| name.starts_with(prefix))?;
                    Some(ListedBlob { name: name.to_owned(), length: content.len() as u64 })
                });
                Ok(within.take(most).collect())
            })
        })
    }
}
