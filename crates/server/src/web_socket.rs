//! A WebSocket as a stream of bytes, for MQTT and AMQP.
//!
//! The front hands over a shaken-hands TLS stream whose first bytes ask for one of the two paths; the upgrade is answered
//! here and nowhere else; the frames after it are read in [`frames`]. Extensions are declined, text is refused (1003), and
//! a message larger than any packet of either protocol too (1009).

mod frames;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub(crate) use frames::ByteStream;

/// How long the upgrade may take.
const UPGRADE_DEADLINE: Duration = Duration::from_secs(10);
/// What the library sets aside for frames, which it never sees.
const FRAME_BUFFER: usize = 512;

/// The paths, and the subprotocols that each takes.
const PATHS: [(&str, &[Spoken]); 2] =
    [("/$iothub/websocket", &[Spoken::Mqtt, Spoken::Amqp]), ("/$servicebus/websocket", &[Spoken::Amqp])];

/// What is spoken inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// MQTT.
    Mqtt,
    /// AMQP 1.0.
    Amqp,
}

impl Spoken {
    const fn subprotocol(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Amqp => "AMQPWSB10",
        }
    }
}

/// Whether a connection whose first bytes are `start` asks for one of the paths; `None` where more must be seen.
pub(crate) fn is_asked_for(start: &[u8]) -> Option<bool> {
    const GET: &[u8] = b"GET ";
    let mut undecided = false;
    for (path, _) in PATHS {
        let wanted = [GET, path.as_bytes()].concat();
        let common = start.len().min(wanted.len());
        if start[..common].eq_ignore_ascii_case(&wanted[..common]) {
            if common == wanted.len() {
                return Some(true);
            }
            undecided = true;
        }
    }
    if undecided { None } else { Some(false) }
}

/// What was agreed on in the upgrade.
pub(crate) struct Upgraded<S> {
    /// The stream of bytes.
    pub(crate) stream: ByteStream<S>,
    /// What is spoken on it.
    pub(crate) spoken: Spoken,
    /// The host that was dialled, lower case, without its port.
    pub(crate) host: String,
    /// The `User-Agent`.
    pub(crate) agent: String,
}

/// Answers the upgrade on `stream`; `None` where it was refused or came too slowly.
pub(crate) async fn upgrade<S>(stream: S) -> Option<Upgraded<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut asked = None;
    #[expect(clippy::result_large_err, reason = "the library's own callback answers so")]
    let judge = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let Some(spoken) = spoken(request) else { return Err(refusal(request)) };
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(spoken.subprotocol()));
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let host = text("host").rsplit_once(':').map_or(text("host"), |(host, _)| host).to_ascii_lowercase();
        asked = Some((spoken, host, text("user-agent").chars().take(256).collect::<String>()));
        Ok(response)
    };
    let config = WebSocketConfig::default().read_buffer_size(FRAME_BUFFER).write_buffer_size(0);
    let upgrading = tokio_tungstenite::accept_hdr_async_with_config(stream, judge, Some(config));
    match tokio::time::timeout(UPGRADE_DEADLINE, upgrading).await {
        Ok(Ok(socket)) => {
            let (spoken, host, agent) = asked?;
            Some(Upgraded { stream: ByteStream::new(socket.into_inner()), spoken, host, agent })
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a WebSocket was not opened");
            None
        }
        Err(_) => None,
    }
}

/// The first subprotocol offered that the path takes.
fn spoken(request: &Request) -> Option<Spoken> {
    let path = request.uri().path().trim_end_matches('/');
    let (_, taken) = PATHS.into_iter().find(|(known, _)| path.eq_ignore_ascii_case(known))?;
    let offered = request.headers().get_all("sec-websocket-protocol");
    let mut offered = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offered.find_map(|name| taken.iter().find(|spoken| name.trim().eq_ignore_ascii_case(spoken.subprotocol())).copied())
}

fn refusal(request: &Request) -> ErrorResponse {
    let shown = request.uri().path();
    let text = format!("{shown} takes the WebSocket subprotocols mqtt and AMQPWSB10 (Service Bus: AMQPWSB10).");
    let mut response = ErrorResponse::new(Some(text));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// A stream that gives what was read of it already once more.
pub(crate) struct Rewound<S> {
    start: Bytes,
    stream: S,
}

impl<S: AsyncRead + Unpin> Rewound<S> {
    /// Reads until it is clear whether `stream` asks for a WebSocket, and says so.
    pub(crate) async fn look(mut stream: S) -> io::Result<(Self, bool)> {
        let mut start = [0; 32];
        let mut filled = 0;
        let asked = loop {
            let mut into = ReadBuf::new(&mut start[filled..]);
            poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut into)).await?;
            let read = into.filled().len();
            filled += read;
            match is_asked_for(&start[..filled]) {
                Some(asked) => break asked,
                None if read == 0 => break false,
                None => {}
            }
        };
        Ok((Self { start: Bytes::copy_from_slice(&start[..filled]), stream }, asked))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rewound = self.get_mut();
        if rewound.start.is_empty() {
            return Pin::new(&mut rewound.stream).poll_read(context, into);
        }
        let length = rewound.start.len().min(into.remaining());
        into.put_slice(&rewound.start[..length]);
        rewound.start.advance(length);
        // What came with it goes on with it: a head that came whole must be met whole, since hyper looks at a part of one
        // again only when its end has come. An error is met by the next read.
        if into.remaining() > 0 {
            drop(Pin::new(&mut rewound.stream).poll_read(context, into));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Error;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;

    use super::*;

    type Client = WebSocketStream<DuplexStream>;

    /// A client, and what it was answered.
    pub(super) async fn dial(path: &str, subprotocol: &str) -> (Result<Client, Error>, Option<Upgraded<DuplexStream>>) {
        let (near, far) = duplex(64 * 1024);
        let mut request = format!("ws://hub.example:8443{path}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().unwrap());
        let dialling = tokio_tungstenite::client_async(request, near);
        let (client, server) = tokio::join!(dialling, upgrade(far));
        (client.map(|(client, _)| client), server)
    }

    #[test]
    fn a_connection_is_known_by_its_first_bytes() {
        assert_eq!(is_asked_for(b"GET /$iothub/websocket?iothub-no-client-cert=true HTTP/1.1"), Some(true));
        assert_eq!(is_asked_for(b"GET /$servicebus/websocket/ HTTP/1.1"), Some(true));
        assert_eq!(is_asked_for(b"GET /$io"), None);
        assert_eq!(is_asked_for(b"GET /devices"), Some(false));
        assert_eq!(is_asked_for(b"POST"), Some(false));
        assert_eq!(is_asked_for(b""), None);
    }

    #[tokio::test]
    async fn what_was_agreed_on_is_told() {
        let (client, server) = dial("/$iothub/websocket", "mqtt").await;
        let server = server.unwrap();
        assert_eq!((client.is_ok(), server.spoken, server.host.as_str()), (true, Spoken::Mqtt, "hub.example"));
        let (client, server) = dial("/$servicebus/websocket/", "AMQPWSB10").await;
        assert_eq!((client.is_ok(), server.unwrap().spoken), (true, Spoken::Amqp));
    }

    #[tokio::test]
    async fn other_subprotocols_are_refused() {
        for (path, subprotocol) in
            [("/$iothub/websocket", "soap"), ("/$servicebus/websocket", "mqtt"), ("/elsewhere", "mqtt")]
        {
            let (client, server) = dial(path, subprotocol).await;
            assert!(client.is_err() && server.is_none(), "{path} {subprotocol}");
        }
    }
}
