//! How long a peer may take over what it is sent: one that reads nothing, or a drop at a time, would hold an answer and its
//! connection for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// A write or flush that is not through after so long ends its connection.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// The deadline of what a connection is writing now; nothing is set while the peer keeps up.
#[derive(Default)]
pub(crate) struct Outlet {
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Outlet {
    /// `outcome`, or an error where the write it belongs to has waited too long; wakes the task when that comes to be.
    pub(crate) fn judge<T>(&mut self, outcome: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.alarm = None;
            return outcome;
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(WRITE_DEADLINE)));
        alarm.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;
    use crate::framing::Framed;
    use crate::pace::Answering;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_given_up() {
        let (ours, theirs) = tokio::io::duplex(16);
        let begun = Instant::now();
        let error = Framed::new(ours, Answering::default()).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), WRITE_DEADLINE.as_secs());
        drop(theirs);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_keeps_reading_gets_everything() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let writer = tokio::spawn(async move { Framed::new(ours, Answering::default()).write_all(&[7; 64]).await });
        let mut heard = [0; 64];
        for piece in heard.chunks_mut(16) {
            tokio::time::sleep(WRITE_DEADLINE / 2).await;
            theirs.read_exact(piece).await.unwrap();
        }
        writer.await.unwrap().unwrap();
        assert_eq!(heard, [7; 64]);
    }
}
