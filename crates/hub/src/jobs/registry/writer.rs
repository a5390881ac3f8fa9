//! Lines on their way into a blob, of which only a few megabytes are in memory.
//!
//! Used by exports. What is short becomes a block blob, as the service writes one; what is long becomes an append blob,
//! piece by piece.

use iolite_kernel::Bytes;
use serde::Serialize;

use crate::blobs::{BlobError, Blobs, Container};
use crate::jobs::registry::job::Place;
use crate::jobs::registry::step::Stop;

/// How much is gathered before it is sent, in bytes: an append blob takes 4 MiB at once, and a line is far shorter than the
/// rest.
const PIECE: usize = 3 * 1024 * 1024;

/// Writes one blob.
pub(super) struct Writer<'a> {
    blobs: &'a dyn Blobs,
    container: Container,
    name: Box<str>,
    gathered: Vec<u8>,
    appends: bool,
}

impl<'a> Writer<'a> {
    /// Into the blob at `place`, over whatever is there.
    pub(super) fn new(blobs: &'a dyn Blobs, place: &Place) -> Result<Self, Stop> {
        let container = place.container().map_err(|error| Stop::Failed(error.to_string()))?;
        Ok(Self { blobs, container, name: place.blob.clone(), gathered: Vec::new(), appends: false })
    }

    /// Adds a line.
    pub(super) async fn line(&mut self, line: &impl Serialize) -> Result<(), Stop> {
        serde_json::to_writer(&mut self.gathered, line).map_err(|error| Stop::Failed(error.to_string()))?;
        self.gathered.push(b'\n');
        if self.gathered.len() < PIECE { Ok(()) } else { self.send().await }
    }

    /// Sends what is left.
    pub(super) async fn finish(mut self) -> Result<(), Stop> {
        if self.appends {
            return if self.gathered.is_empty() { Ok(()) } else { self.send().await };
        }
        let content = Bytes::from(std::mem::take(&mut self.gathered));
        self.blobs.put(&self.container, &self.name, "text/plain", content).await.map_err(failed)
    }

    async fn send(&mut self) -> Result<(), Stop> {
        if !self.appends {
            self.appends = true;
            match self.blobs.delete(&self.container, &self.name).await {
                Ok(()) | Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        let content = Bytes::from(std::mem::take(&mut self.gathered));
        self.blobs.append(&self.container, &self.name, content).await.map_err(failed)
    }
}

/// A job that the blob service stops.
pub(super) fn failed(error: BlobError) -> Stop {
    Stop::Failed(format!("{error}."))
}
