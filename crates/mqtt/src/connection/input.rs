//! Reading: into a buffer on the stack, from which whole packets are used at once; only what is not whole yet is kept.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{self, Poll};

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
}

impl Input {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), unread: false, last_heard: Instant::now() }
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
        Ok(())
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
        Ok(true)
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
