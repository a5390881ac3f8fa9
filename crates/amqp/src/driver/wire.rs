//! A byte stream, read on the stack and written from what the engine made; reading and writing at the same time.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// A stream and what is on its way.
pub(super) struct Wire<S> {
    stream: S,
    writing: Bytes,
    flushing: bool,
    /// Since when the peer takes nothing.
    stuck: Option<Instant>,
    read: BytesMut,
}

/// What happened on a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Bytes came.
    Read,
    /// All is written.
    Written,
    /// The peer sends no more.
    Ended,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, writing: Bytes::new(), flushing: false, stuck: None, read: BytesMut::new() }
    }

    /// Whether nothing is being written.
    pub(super) const fn is_idle(&self) -> bool {
        self.writing.is_empty() && !self.flushing
    }

    /// Begins to write.
    pub(super) fn write(&mut self, bytes: Bytes) {
        self.flushing = !bytes.is_empty();
        self.writing = bytes;
        self.stuck = self.flushing.then(Instant::now);
    }

    /// Since when the peer takes nothing of what is written.
    pub(super) const fn stuck_since(&self) -> Option<Instant> {
        self.stuck
    }

    /// Hands over what came.
    pub(super) fn read_into(&mut self, take: impl FnOnce(&[u8])) {
        let bytes = std::mem::take(&mut self.read);
        take(&bytes);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// The next thing that happens; nothing is read unless `may_read`: a peer that takes no answers asks no further.
    /// Nothing is lost when the future is dropped.
    pub(super) async fn turn(&mut self, may_read: bool) -> io::Result<Turn> {
        poll_fn(|context| self.poll_turn(context, may_read)).await
    }

    fn poll_turn(&mut self, context: &mut Context<'_>, may_read: bool) -> Poll<io::Result<Turn>> {
        if !self.is_idle()
            && let Poll::Ready(written) = self.poll_write(context)
        {
            return Poll::Ready(written.map(|()| Turn::Written));
        }
        if !may_read {
            return Poll::Pending;
        }
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        match Pin::new(&mut self.stream).poll_read(context, &mut chunk) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) if chunk.filled().is_empty() => Poll::Ready(Ok(Turn::Ended)),
            Poll::Ready(Ok(())) => {
                self.read.extend_from_slice(chunk.filled());
                Poll::Ready(Ok(Turn::Read))
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.writing.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.writing) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    self.writing.advance(written);
                    self.stuck = Some(Instant::now());
                }
            }
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = &flushed {
            self.flushing = false;
            self.stuck = None;
        }
        flushed
    }

    /// Ends the stream politely, but not for long: what the peer still sends is read and dropped, since unread bytes would
    /// make the system throw away what the peer has not read of ours.
    pub(super) async fn shut(mut self, patience: Duration) {
        let polite = async {
            self.stream.shutdown().await?;
            let mut dropped = [0; 512];
            while self.stream.read(&mut dropped).await? > 0 {}
            io::Result::Ok(())
        };
        drop(timeout(patience, polite).await);
    }
}
