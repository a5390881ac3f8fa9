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
                Poll::Pending => {
                    self.compact();
                    return Ok(self.stuck() || moved);
                }
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

    /// Gives up the room of what is written: a peer that is always a little behind would let the buffer grow for ever.
    fn compact(&mut self) {
        if self.written >= BATCH {
            self.buffer.drain(..self.written);
            self.written = 0;
        }
    }

    /// Notes that the peer takes nothing; whether that is new.
    fn stuck(&mut self) -> bool {
        let new = self.stuck_since.is_none();
        self.stuck_since.get_or_insert_with(Instant::now);
        new
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_is_always_behind_does_not_let_the_buffer_grow() {
        let (mut stream, mut peer) = duplex(1000);
        let (mut output, mut context) = (Output::default(), task::Context::from_waker(Waker::noop()));
        output.buffer().extend_from_slice(&[1; 10_000]);
        for _ in 0..1000 {
            output.buffer().extend_from_slice(&[2; 1000]);
            output.poll(&mut context, &mut stream).unwrap();
            peer.read_exact(&mut [0; 1000]).await.unwrap();
            // Else the runtime would hold this task back for never resting.
            tokio::task::yield_now().await;
        }
        assert!((9_000..11_000).contains(&output.len()), "{}", output.len());
        assert!(output.buffer.capacity() < 64 * 1024, "{}", output.buffer.capacity());
    }
}
