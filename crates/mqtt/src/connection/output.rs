//! Writing: what was gathered goes out in one write, and the buffer is given back when it is empty.

use std::pin::Pin;
use std::task::{self, Poll};

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::end::End;

/// So much is gathered before it is written, even where more could be read.
pub(super) const BATCH: usize = 4 * 1024;

/// What waits to be written.
#[derive(Default)]
pub(super) struct Output {
    buffer: Vec<u8>,
    written: usize,
    /// Written, and not known to have left the stream's own buffers.
    unflushed: bool,
    stuck_since: Option<Instant>,
}

impl Output {
    /// Where packets are appended.
    pub(super) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// How many bytes wait.
    pub(super) const fn len(&self) -> usize {
        self.buffer.len() - self.written
    }

    /// Whether all that was appended has left.
    pub(super) const fn is_idle(&self) -> bool {
        self.buffer.is_empty() && !self.unflushed
    }

    /// Since when the peer has taken nothing, if something waits.
    pub(super) const fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since
    }

    /// Whether the peer leaves more untaken than `limit`.
    pub(super) const fn is_overfull(&self, limit: usize) -> bool {
        self.stuck_since.is_some() && self.len() >= limit
    }

    /// Writes what can be written; whether anything was, or the peer stopped taking it just now.
    pub(super) fn poll(
        &mut self,
        context: &mut task::Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Result<bool, End> {
        let mut moved = false;
        while self.written < self.buffer.len() {
            match Pin::new(&mut *stream).poll_write(context, &self.buffer[self.written..]) {
                Poll::Ready(Ok(0)) => return Err(End::Gone),
                Poll::Ready(Ok(count)) => {
                    self.written += count;
                    (self.unflushed, self.stuck_since, moved) = (true, None, true);
                }
                Poll::Ready(Err(error)) => return Err(End::Broken(error)),
                Poll::Pending => return Ok(self.stuck() || moved),
            }
        }
        if self.unflushed {
            match Pin::new(stream).poll_flush(context) {
                Poll::Ready(Ok(())) => (self.unflushed, self.stuck_since) = (false, None),
                Poll::Ready(Err(error)) => return Err(End::Broken(error)),
                Poll::Pending => moved |= self.stuck(),
            }
        }
        if self.written > 0 {
            (self.buffer, self.written) = (Vec::new(), 0);
        }
        Ok(moved)
    }

    /// Notes that the peer takes nothing; whether that is new.
    fn stuck(&mut self) -> bool {
        let new = self.stuck_since.is_none();
        self.stuck_since.get_or_insert_with(Instant::now);
        new
    }
}
