//! Connections over an in-memory stream, against a door for tests.

mod acknowledging;
mod device_bound;
mod door;
mod hostile;
mod opening;
mod patience;
mod requests;
mod splitting;

use std::net::{IpAddr, Ipv4Addr};

use iolite_kernel::Client;
use iolite_messaging::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::testing::{connect, connect_with};
use door::TestHub;

/// A client at the other end of a connection.
pub(super) struct Peer {
    stream: DuplexStream,
    serving: JoinHandle<()>,
    draining: watch::Sender<bool>,
}

/// A packet from the hub: its first byte and its content.
type Answer = (u8, Vec<u8>);

impl Peer {
    /// A connection on which nothing was sent yet.
    fn new(hub: &TestHub) -> Self {
        Self::with_buffer(hub, 1 << 20)
    }

    /// The same, over a stream that holds so many bytes each way.
    fn with_buffer(hub: &TestHub, bytes: usize) -> Self {
        let (stream, other) = duplex(bytes);
        let (draining, drained) = watch::channel(false);
        let context = Context {
            arrival: Arrival {
                transport: Transport::Mqtt,
                host: "localhost".to_owned(),
                client: Client { address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), agent: "".into() },
                certificate: None,
            },
            door: Arc::new(hub.clone()),
            ground: Ground::system(),
            draining: drained,
            limits: Arc::new(Limits::default()),
        };
        Self { stream, serving: tokio::spawn(serve(other, context)), draining }
    }

    /// A device that is signed in, with clean session 1.
    async fn signed_in(hub: &TestHub, id: &str) -> Self {
        let mut peer = Self::new(hub);
        peer.send(connect(id)).await;
        assert_eq!(peer.next().await, Some((0x20, vec![0, 0])));
        peer
    }

    /// A device that is signed in, with clean session 0; whether a session was present.
    async fn lasting(hub: &TestHub, id: &str) -> (Self, bool) {
        let mut peer = Self::new(hub);
        peer.send(connect_with(id, 0xc0, 60)).await;
        let answer = peer.next().await.unwrap();
        assert_eq!((answer.0, answer.1[1]), (0x20, 0));
        (peer, answer.1[0] == 1)
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends to a connection that may be over already.
    async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// The next packet; `None` where the stream ends first.
    async fn next(&mut self) -> Option<Answer> {
        let first = self.stream.read_u8().await.ok()?;
        let mut length = 0;
        for place in 0.. {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                break;
            }
        }
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content).await.ok()?;
        Some((first, content))
    }

    /// The next packet, which is a PUBLISH: its first byte, topic, packet identifier and payload.
    async fn published(&mut self) -> (u8, String, Option<u16>, Vec<u8>) {
        let (first, content) = self.next().await.unwrap();
        assert_eq!(first >> 4, 3, "{first:x} {content:x?}");
        let length = usize::from(u16::from_be_bytes([content[0], content[1]]));
        let (topic, rest) = content[2..].split_at(length);
        let topic = String::from_utf8(topic.to_vec()).unwrap();
        if first & 2 == 0 {
            return (first, topic, None, rest.to_vec());
        }
        (first, topic, Some(u16::from_be_bytes([rest[0], rest[1]])), rest[2..].to_vec())
    }

    /// That the connection ends without another packet, and its task with it.
    async fn ends(mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
        assert_eq!(rest, Vec::<u8>::new(), "more was sent");
        drop(self.stream);
        self.serving.await.unwrap();
    }

    /// That the connection lives and has nothing else to say.
    async fn lives(&mut self) {
        self.send(crate::testing::PINGREQ).await;
        assert_eq!(self.next().await, Some((0xd0, vec![])));
    }
}
