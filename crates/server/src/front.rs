//! The accept loops: connections come in, are shaken hands with, and served until they end or the process drains.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use iolite_http::{ConnectionContext, Pipeline, Site, serve_connection};
use iolite_identity::ClientCertificate;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::ports::Bound;

/// A handshake that is not through after so long is dropped.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// More connections than this wait in the backlog.
const MOST_CONNECTIONS: usize = 20_000;
/// How long the accept loop rests when the system has no more sockets to give.
const REST: Duration = Duration::from_millis(50);

/// What every listener shares.
#[derive(Clone)]
pub(crate) struct Front {
    /// Answers requests.
    pub(crate) pipeline: Arc<Pipeline>,
    /// Shakes hands.
    pub(crate) tls: TlsAcceptor,
    /// Turns true when the process drains.
    pub(crate) draining: watch::Receiver<bool>,
    /// Every connection's task, so that draining can wait for them.
    pub(crate) tasks: TaskTracker,
    slots: Arc<Semaphore>,
}

impl Front {
    pub(crate) fn new(pipeline: Arc<Pipeline>, tls: TlsAcceptor, draining: watch::Receiver<bool>) -> Self {
        Self { pipeline, tls, draining, tasks: TaskTracker::new(), slots: Arc::new(Semaphore::new(MOST_CONNECTIONS)) }
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
        let mut draining = self.draining.clone();
        loop {
            let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = draining.wait_for(|draining| *draining) => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    stream.set_nodelay(true).ok();
                    let serving = serve(stream, peer.ip());
                    self.tasks.spawn(async move {
                        serving.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted; trying again shortly");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    fn handshake(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        site: Site,
        authority: String,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tls, pipeline, draining) = (self.tls.clone(), self.pipeline.clone(), self.draining.clone());
        async move {
            let mut stopping = draining.clone();
            let shaken = tokio::select! {
                shaken = tokio::time::timeout(HANDSHAKE_DEADLINE, tls.accept(stream)) => shaken,
                // Nothing was asked yet, so there is nothing to wait for.
                _ = stopping.wait_for(|draining| *draining) => return,
            };
            let stream = match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::debug!(%error, %peer, "a handshake failed"),
                Err(_) => return tracing::debug!(%peer, "a handshake took too long"),
            };
            let chain = stream.get_ref().1.peer_certificates();
            let certificate = chain
                .filter(|chain| !chain.is_empty())
                .map(|chain| Arc::new(ClientCertificate { chain: chain.iter().map(|der| der.to_vec()).collect() }));
            let context =
                ConnectionContext { site, scheme: "https", authority, peer: Some(peer), certificate, draining };
            serve_connection(stream, pipeline, context).await;
        }
    }
}
