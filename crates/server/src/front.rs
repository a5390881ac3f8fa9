//! What happens to a connection: it comes in, is shaken hands with, and served until it ends or the process drains.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use iolite_http::{ConnectionContext, Pipeline, Site, serve_connection};
use iolite_identity::ClientCertificate;
use iolite_messaging::Transport;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use crate::accept::accept;
use crate::descriptors::Descriptors;
use crate::ports::Bound;
use crate::web_socket::{Rewound, Spoken, upgrade};
use crate::wires::{Caller, Wires};

/// A handshake that is not through after so long is dropped.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// A connection that says nothing for so long after its handshake is dropped.
const FIRST_BYTES_DEADLINE: Duration = Duration::from_secs(30);

/// What every listener shares.
#[derive(Clone)]
pub(crate) struct Front {
    /// Answers requests.
    pub(crate) pipeline: Arc<Pipeline>,
    /// Speaks MQTT and AMQP.
    pub(crate) wires: Wires,
    /// Shakes hands.
    pub(crate) tls: TlsAcceptor,
    /// Turns true when the process drains.
    pub(crate) draining: watch::Receiver<bool>,
    /// Every connection's task, so that draining can wait for them.
    pub(crate) tasks: TaskTracker,
    /// More connections wait in the backlog.
    slots: Arc<Semaphore>,
}

impl Front {
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        wires: Wires,
        tls: TlsAcceptor,
        draining: watch::Receiver<bool>,
        descriptors: Descriptors,
    ) -> Self {
        Self {
            pipeline,
            wires,
            tls,
            draining,
            tasks: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(descriptors.connections())),
        }
    }

    /// Serves HTTPS on `bound` for `site`.
    pub(crate) fn serve_https(&self, bound: Bound, site: &Site) {
        let authority = format!("localhost:{}", bound.port);
        for listener in bound.listeners {
            let front = self.clone();
            let (site, authority) = (site.clone(), authority.clone());
            self.tasks.spawn(async move {
                let serve = |stream, peer| front.handshake(stream, peer, site.clone(), authority.clone());
                front.accept(listener, serve).await;
            });
        }
    }

    /// Accepts until the process drains, `serve`ing each connection in a task of its own.
    pub(crate) async fn accept<F>(&self, listener: TcpListener, serve: impl Fn(TcpStream, IpAddr) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { slots, tasks, draining, .. } = self.clone();
        accept(listener, slots, tasks, draining, serve).await;
    }

    /// Serves HTTPS, and the WebSockets that some connections ask for instead.
    fn handshake(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        site: Site,
        authority: String,
    ) -> impl Future<Output = ()> + Send + 'static {
        let front = self.clone();
        async move {
            let Some(Shaken { stream, caller }) = front.shake(stream, peer).await else { return };
            let mut stopping = front.draining.clone();
            let looked = tokio::select! {
                looked = tokio::time::timeout(FIRST_BYTES_DEADLINE, Rewound::look(stream)) => looked,
                _ = stopping.wait_for(|draining| *draining) => return,
            };
            match looked {
                Ok(Ok((stream, true))) => Box::pin(front.web_socket(stream, caller)).await,
                Ok(Ok((stream, false))) => {
                    let context = ConnectionContext {
                        site,
                        scheme: "https",
                        authority,
                        peer: Some(peer),
                        certificate: caller.certificate,
                        draining: front.draining,
                    };
                    serve_connection(stream, front.pipeline, context).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, %peer, "a connection ended before it said anything"),
                Err(_) => tracing::debug!(%peer, "a connection said nothing for too long"),
            }
        }
    }

    async fn web_socket(self, stream: Rewound<TlsStream<TcpStream>>, caller: Caller) {
        let Some(upgraded) = upgrade(stream).await else { return };
        let host = if upgraded.host.is_empty() { caller.host.clone() } else { upgraded.host };
        let caller = Caller { host, agent: upgraded.agent, ..caller };
        match upgraded.spoken {
            Spoken::Mqtt => {
                self.wires.serve_mqtt(upgraded.stream, Transport::MqttWebSocket, caller, self.draining).await;
            }
            Spoken::Amqp => {
                self.wires.serve_amqp(upgraded.stream, Transport::AmqpWebSocket, caller, self.draining).await;
            }
        }
    }

    /// Serves MQTT on `bound`.
    pub(crate) fn serve_mqtt(&self, bound: Bound) {
        self.serve_tls(bound, |wires, stream, caller, draining| {
            wires.serve_mqtt(stream, Transport::Mqtt, caller, draining)
        });
    }

    /// Serves AMQP on `bound`.
    pub(crate) fn serve_amqp(&self, bound: Bound) {
        self.serve_tls(bound, |wires, stream, caller, draining| {
            Box::pin(wires.serve_amqp(stream, Transport::Amqp, caller, draining))
        });
    }

    /// Serves AMQP without TLS on `bound`, which only this machine reaches.
    pub(crate) fn serve_plain_amqp(&self, bound: Bound) {
        for listener in bound.listeners {
            let front = self.clone();
            self.tasks.spawn(async move {
                let serve = |stream, peer| {
                    let caller = Caller { peer, host: "localhost".to_owned(), agent: String::new(), certificate: None };
                    front.wires.serve_amqp(stream, Transport::AmqpPlain, caller, front.draining.clone())
                };
                front.accept(listener, serve).await;
            });
        }
    }

    /// Serves what is spoken on `bound` after a handshake.
    fn serve_tls<F>(
        &self,
        bound: Bound,
        speak: impl Fn(Wires, TlsStream<TcpStream>, Caller, watch::Receiver<bool>) -> F + Copy + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        for listener in bound.listeners {
            let front = self.clone();
            self.tasks.spawn(async move {
                let serve = |stream, peer| {
                    let front = front.clone();
                    async move {
                        let Some(Shaken { stream, caller }) = front.shake(stream, peer).await else { return };
                        // The handshake's own needs are over: what waits for a device from here on is small.
                        let Front { wires, draining, .. } = front;
                        speak(wires, stream, caller, draining).await;
                    }
                };
                front.accept(listener, serve).await;
            });
        }
    }

    /// Shakes hands; `None` where that came to nothing.
    async fn shake(&self, stream: TcpStream, peer: IpAddr) -> Option<Shaken> {
        let mut stopping = self.draining.clone();
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE_DEADLINE, self.tls.accept(stream)) => shaken,
            // Nothing was asked yet, so there is nothing to wait for.
            _ = stopping.wait_for(|draining| *draining) => return None,
        };
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, %peer, "a handshake failed");
                return None;
            }
            Err(_) => {
                tracing::debug!(%peer, "a handshake took too long");
                return None;
            }
        };
        let session = stream.get_ref().1;
        let chain = session.peer_certificates().filter(|chain| !chain.is_empty());
        let certificate =
            chain.map(|chain| Arc::new(ClientCertificate { chain: chain.iter().map(|der| der.to_vec()).collect() }));
        let host = session.server_name().unwrap_or_default().to_ascii_lowercase();
        let caller = Caller { peer, host, agent: String::new(), certificate };
        Some(Shaken { stream, caller })
    }
}

/// A connection after its handshake.
struct Shaken {
    stream: TlsStream<TcpStream>,
    caller: Caller,
}
