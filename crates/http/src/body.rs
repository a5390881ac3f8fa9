//! Bodies: bounded in size, in time and in sum, read only after the door has let the caller in.
//!
//! The sum is of the whole process: thousands of connections with a body each of the largest size would be more memory than
//! a machine has. A body waits a moment for room and is then refused as the service does when it is busy. Small bodies have
//! room of their own, so that a few large and slow ones hold nobody's message up; and so have those of strangers. Room is
//! an account, not memory: nothing is set aside for what is only announced.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Refusal;

/// More than any documented request of the services takes.
const MAXIMUM_BODY_BYTES: usize = 4 * 1024 * 1024;
/// The most that is read of a caller of whom nothing is known: sign-in forms are far smaller.
const STRANGERS_BODY_BYTES: usize = 64 * 1024;

/// A body that is not there after so long is given up.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// How long a body waits for room.
const ROOM_DEADLINE: Duration = Duration::from_secs(5);
/// How long a body without room is taken and thrown away before its sender is told.
const DISCARD_DEADLINE: Duration = Duration::from_secs(5);
/// Up to here a body is small.
const SMALL_BYTES: usize = 64 * 1024;
/// What all small bodies may take together.
const SMALL_ROOM_BYTES: usize = 32 * 1024 * 1024;
/// The same for bodies of those of whom nothing is known: who signs nothing may hold up only his like.
const STRANGERS_ROOM_BYTES: usize = 8 * 1024 * 1024;
/// What all others may take together.
const LARGE_ROOM_BYTES: usize = 96 * 1024 * 1024;
/// Room is counted in these.
const UNIT_BYTES: usize = 1024;

/// Who sends a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A caller whom the door let in.
    Admitted,
    /// Anybody: the operation is open to all.
    Stranger,
}

impl Sender {
    /// How many bytes are read of them at most.
    #[must_use]
    pub const fn most_bytes(self) -> usize {
        match self {
            Self::Admitted => MAXIMUM_BODY_BYTES,
            Self::Stranger => STRANGERS_BODY_BYTES,
        }
    }
}

/// The room for the bodies of all requests that are under way.
pub struct Bodies {
    admitted: BodyRoom,
    strangers: BodyRoom,
}

/// The room for some of them.
pub struct BodyRoom {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A body, and its room until it is dropped.
#[derive(Debug)]
pub struct Held {
    bytes: Bytes,
    /// None where it takes none: it is empty, or the house's own.
    _room: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// The body.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl From<Bytes> for Held {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, _room: None }
    }
}

impl Default for Bodies {
    fn default() -> Self {
        // A stranger's body is never a large one.
        let strangers = BodyRoom::with_room(STRANGERS_ROOM_BYTES, 0);
        Self { admitted: BodyRoom::with_room(SMALL_ROOM_BYTES, LARGE_ROOM_BYTES), strangers }
    }
}

impl Bodies {
    /// The room for the bodies of `sender`.
    #[must_use]
    pub const fn of(&self, sender: Sender) -> &BodyRoom {
        match sender {
            Sender::Admitted => &self.admitted,
            Sender::Stranger => &self.strangers,
        }
    }
}

impl BodyRoom {
    /// Room for so many bytes of small bodies, and of others.
    fn with_room(small: usize, large: usize) -> Self {
        let of = |bytes: usize| Arc::new(Semaphore::new(bytes / UNIT_BYTES));
        Self { small: of(small), large: of(large) }
    }

    /// Reads a body of at most `most` bytes to its end. One that announces more is refused before its first byte is read.
    pub async fn read<B>(&self, body: B, most: usize) -> Result<Held, Refusal>
    where
        B: Body<Data = Bytes> + Unpin + Send,
    {
        if body.is_end_stream() {
            return Ok(Bytes::new().into());
        }
        // Apart: most requests have no body, and would carry its place along.
        Box::pin(self.read_on(body, most)).await
    }

    async fn read_on<B>(&self, mut body: B, most: usize) -> Result<Held, Refusal>
    where
        B: Body<Data = Bytes> + Unpin + Send,
    {
        let announced = body.size_hint();
        if announced.lower() > most as u64 {
            return Err(Refusal::BodyTooLarge { limit: most });
        }
        let expected = announced.exact().and_then(|bytes| usize::try_from(bytes).ok());
        let read = self.gather(&mut body, most, expected.unwrap_or(SMALL_BYTES)).await;
        if let Err(Refusal::NoRoom { .. }) = &read {
            // A client that is still sending would be cut off before it hears why.
            drop(timeout(DISCARD_DEADLINE, async { while let Ok(Some(_)) = next(&mut body).await {} }).await);
        }
        read
    }

    /// Reads a body that takes as much room as is `expected` of it.
    async fn gather<B>(&self, body: &mut B, most: usize, expected: usize) -> Result<Held, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let room = self.room(expected).await?;
        timeout(BODY_DEADLINE, self.collect(body, most, room)).await.unwrap_or(Err(Refusal::BodyUnreadable))
    }

    /// Waits for room for `bytes`.
    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let pool = if bytes <= SMALL_BYTES { &self.small } else { &self.large };
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let pool = pool.clone();
        if let Ok(room) = pool.clone().try_acquire_many_owned(units) {
            return Ok(room);
        }
        if let Ok(Ok(room)) = timeout(ROOM_DEADLINE, pool.acquire_many_owned(units)).await {
            return Ok(room);
        }
        tracing::warn!(bytes, "a request was refused: the bodies under way take all the room that there is");
        Err(Refusal::NoRoom { retry_after_seconds: ROOM_DEADLINE.as_secs() })
    }

    /// Gathers the pieces. A body that announced nothing has little room until it needs more.
    async fn collect<B>(&self, body: &mut B, most: usize, mut room: OwnedSemaphorePermit) -> Result<Held, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let first = next(body).await?.unwrap_or_default();
        let mut pieces = BytesMut::new();
        let mut length = first.len();
        let mut only = Some(first);
        loop {
            if length > most {
                return Err(Refusal::BodyTooLarge { limit: most });
            }
            if length > room.num_permits() * UNIT_BYTES {
                drop(room);
                room = self.room(most).await?;
            }
            if body.is_end_stream() {
                break;
            }
            let Some(piece) = next(body).await? else { break };
            // Most bodies come in one piece, which is not copied; many small ones would keep more alive than they hold.
            if let Some(first) = only.take() {
                pieces.extend_from_slice(&first);
            }
            pieces.extend_from_slice(&piece);
            length = pieces.len();
        }
        Ok(Held { bytes: only.unwrap_or_else(|| pieces.freeze()), _room: Some(room) })
    }
}

/// The next piece that has something in it.
async fn next<B>(body: &mut B) -> Result<Option<Bytes>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyUnreadable)?;
        if let Ok(piece) = frame.into_data()
            && !piece.is_empty()
        {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
