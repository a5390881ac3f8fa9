//! Reading: into a buffer on the stack, from which whole packets are used at once; only what is not whole yet is kept.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{self, Poll};

use iolite_messaging::{Room, Share};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::end::End;

/// How much is read at a time. Filled with zeros by some streams on each read, so no longer than a busy device needs.
const STACK: usize = 8 * 1024;
/// A kept beginning up to this length is put in front of what is read next; a longer one is read onto.
const JOINED: usize = 2 * 1024;

/// What was read and not used, and when the client was last heard.
pub(super) struct Input {
    kept: Vec<u8>,
    /// The kept bytes may hold whole packets: they came while nothing could be used.
    unread: bool,
    last_heard: Instant,
    /// The room of what is kept, where that is much.
    share: Share,
}

impl Input {
    /// Nothing yet; what will be kept takes `room`.
    pub(super) fn new(room: &'static Room) -> Self {
        Self { kept: Vec::new(), unread: false, last_heard: Instant::now(), share: Share::new(room) }
    }

    /// When the last whole packet came (MQTT-3.1.2-24): single bytes are no sign of life.
    pub(super) const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// That the client was heard now.
    pub(super) fn heard(&mut self) {
        self.last_heard = Instant::now();
        self.unread = !self.kept.is_empty();
    }

    /// Whether kept bytes must be looked at before more are read.
    pub(super) const fn is_unread(&self) -> bool {
        self.unread
    }

    /// Uses the kept bytes by `take`, which tells how many it used.
    pub(super) fn use_kept(&mut self, take: impl FnOnce(&[u8]) -> Result<usize, End>) -> Result<(), End> {
        self.unread = false;
        let taken = take(&self.kept)?;
        self.used(taken);
        self.account()
    }

    /// Reads once and uses what came by `take`. `false` where nothing comes now.
    pub(super) fn poll(
        &mut self,
        context: &mut task::Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        take: impl FnOnce(&[u8]) -> Result<usize, End>,
    ) -> Result<bool, End> {
        let mut stack = [const { MaybeUninit::uninit() }; STACK];
        let mut buffer = ReadBuf::uninit(&mut stack);
        let joined = self.kept.len() <= JOINED;
        if joined {
            buffer.put_slice(&self.kept);
        }
        let before = buffer.filled().len();
        match Pin::new(stream).poll_read(context, &mut buffer) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(End::Broken(error)),
            Poll::Ready(Ok(())) if buffer.filled().len() == before => return Err(End::Gone),
            Poll::Ready(Ok(())) => {}
        }
        if joined {
            let taken = take(buffer.filled())?;
            let rest = &buffer.filled()[taken..];
            self.kept.clear();
            self.kept.extend_from_slice(rest);
            self.used_up(taken);
        } else {
            self.kept.extend_from_slice(buffer.filled());
            let taken = take(&self.kept)?;
            self.used(taken);
        }
        self.account()?;
        Ok(true)
    }

    /// Takes room for what is kept. A little of it is nothing: every connection may have that.
    fn account(&mut self) -> Result<(), End> {
        let much = if self.kept.len() > JOINED { self.kept.len() } else { 0 };
        if self.share.resize(much) { Ok(()) } else { Err(End::NoRoom) }
    }

    fn used(&mut self, taken: usize) {
        self.kept.drain(..taken);
        self.used_up(taken);
    }

    fn used_up(&mut self, taken: usize) {
        if taken > 0 {
            self.last_heard = Instant::now();
        }
        if self.kept.is_empty() {
            self.kept = Vec::new();
        } else if self.kept.capacity() > 2 * JOINED && self.kept.len() <= JOINED {
            self.kept.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    /// Reads once, using nothing.
    async fn keeps(input: &mut Input, bytes: usize) -> Result<bool, End> {
        let (mut near, mut far) = duplex(STACK);
        near.write_all(&vec![0; bytes]).await.unwrap();
        input.poll(&mut task::Context::from_waker(Waker::noop()), &mut far, |_| Ok(0))
    }

    #[tokio::test]
    async fn what_is_kept_takes_room_until_it_is_used_or_the_connection_ends() {
        static ROOM: Room = Room::of(10_000);
        let (mut one, mut other) = (Input::new(&ROOM), Input::new(&ROOM));
        keeps(&mut one, JOINED).await.unwrap();
        assert_eq!(ROOM.taken(), 0, "a little is nothing");
        keeps(&mut one, 4000).await.unwrap();
        keeps(&mut other, 3000).await.unwrap();
        assert_eq!(ROOM.taken(), JOINED + 7000);
        assert!(matches!(keeps(&mut other, 1000).await, Err(End::NoRoom)));
        one.use_kept(|bytes| Ok(bytes.len())).unwrap();
        assert_eq!(ROOM.taken(), 3000);
        drop((one, other));
        assert_eq!(ROOM.taken(), 0);
    }
}
