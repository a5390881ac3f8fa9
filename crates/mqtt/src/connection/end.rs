//! How a connection ends, and what is still done then: the last will, the messages given back, the last bytes.

use std::fmt;
use std::io;

use iolite_kernel::ServiceError;
use iolite_messaging::CloseReason;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::opened::Opened;
use super::{Connection, Phase};
use crate::session::Violation;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client said DISCONNECT.
    Goodbye,
    /// The client closed the stream.
    Gone,
    /// The stream failed.
    Broken(io::Error),
    /// CONNECT was answered with a refusal, for this reason.
    Refused(String),
    /// The client broke the rules.
    Violated(Violation),
    /// The client was silent for too long.
    Silent,
    /// The client did not take what it was sent.
    Stuck,
    /// The process holds as much of packets that are not whole as it will.
    NoRoom,
    /// The hub did not take, or could not keep, an event.
    Failed(ServiceError),
    /// The hub ended the session.
    Closed(Option<CloseReason>),
    /// The process drains.
    Draining,
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goodbye => formatter.write_str("the client disconnected"),
            Self::Gone => formatter.write_str("the client closed the stream without DISCONNECT"),
            Self::Broken(error) => write!(formatter, "the stream failed: {error}"),
            Self::Refused(why) => write!(formatter, "refused: {why}"),
            Self::Violated(violation) => violation.fmt(formatter),
            Self::Silent => formatter.write_str("the client was silent for too long"),
            Self::Stuck => formatter.write_str("the client does not read"),
            Self::NoRoom => formatter.write_str("there is no room for more packets of which the rest is awaited"),
            Self::Failed(error) => write!(formatter, "an event was not taken: {error}"),
            Self::Closed(Some(reason)) => write!(formatter, "ended by the hub: {reason:?}"),
            Self::Closed(None) => formatter.write_str("ended by the hub"),
            Self::Draining => formatter.write_str("the process drains"),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Does what is left to do.
    pub(super) async fn finish(&mut self, end: End) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(opened) => finish_session(opened, &end).await,
            _ => match &end {
                End::Refused(why) => tracing::info!(why, "an MQTT client was refused"),
                end => tracing::debug!(%end, "an MQTT connection ended before sign-in"),
            },
        }
        if !matches!(end, End::Gone | End::Broken(_) | End::Stuck) {
            // Whether the peer still takes it is no longer of interest.
            let _ = timeout(self.limits.linger, self.say_goodbye()).await;
        }
    }

    /// Writes what waits, closes, and reads on for a moment: closing over unread bytes would reset the connection, and the
    /// refusal just written might be lost.
    async fn say_goodbye(&mut self) -> io::Result<()> {
        let Self { stream, output, .. } = self;
        if std::future::poll_fn(|context| match output.poll(context, stream) {
            Ok(_) if output.is_idle() => std::task::Poll::Ready(true),
            Ok(_) => std::task::Poll::Pending,
            Err(_) => std::task::Poll::Ready(false),
        })
        .await
        {
            stream.shutdown().await?;
            let mut unread = [0; 512];
            while stream.read(&mut unread).await? > 0 {}
        }
        Ok(())
    }
}

/// Sends the will, gives back what was not acknowledged, and tells the hub.
async fn finish_session(mut opened: Opened, end: &End) {
    let clean = matches!(end, End::Goodbye);
    let (device_id, module_id) = opened.session.identity();
    match end {
        End::Goodbye | End::Gone | End::Draining | End::Broken(_) => {
            tracing::debug!(device_id, module_id, %end, "an MQTT session ended");
        }
        end => tracing::info!(device_id, module_id, %end, "an MQTT session ended"),
    }
    if let Some(will) = opened.session.take_will() {
        // MQTT-3.1.2-8, whoever ended the connection. The hub refuses what comes of a session that it revoked.
        if let Err(error) = opened.hub.send_will(*will) {
            tracing::info!(%error, "a last will was not taken");
        }
    }
    opened.settle_up().await;
    opened.hub.close(clean);
}
