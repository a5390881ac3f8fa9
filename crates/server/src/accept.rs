//! The accept loop: connections come in until the process drains.
//!
//! Run once for every listener. It knows no protocol. Nothing that accepting fails of ends it: a connection that is gone
//! already, and a system without files, sockets or memory to give, all pass.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

/// How long the loop rests when no connection can be accepted.
const REST: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(crate) trait Listener: Sync {
    /// Waits for the next one.
    fn next(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    fn next(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        self.accept()
    }
}

/// Accepts from `listener` until the process drains, `serve`ing each connection in one of the `tasks`. As many are served
/// at a time as there are `slots`; more wait in the backlog.
pub(crate) async fn accept<F>(
    listener: impl Listener,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    mut draining: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, IpAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            _ = draining.wait_for(|draining| *draining) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                stream.set_nodelay(true).ok();
                let serving = serve(stream, peer.ip());
                tasks.spawn(async move {
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

#[cfg(all(test, unix))]
mod tests {
    use parking_lot::Mutex;
    use rustix::io::Errno;
    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;

    /// Fails as it is told, then goes on as a listener.
    struct Failing {
        errors: Mutex<Vec<Errno>>,
        listener: TcpListener,
    }

    impl Listener for Failing {
        async fn next(&self) -> io::Result<(TcpStream, SocketAddr)> {
            let error = self.errors.lock().pop();
            match error {
                Some(error) => Err(error.into()),
                None => self.listener.accept().await,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn f2_an_accept_that_fails_pauses_and_goes_on_whatever_it_fails_of() {
        let errors =
            [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::CONNABORTED, Errno::PERM, Errno::PROTO];
        for error in errors {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let failing = Failing { errors: Mutex::new(vec![error; 3]), listener };
            let (drain, draining) = watch::channel(false);
            let (served, mut serves) = mpsc::unbounded_channel();
            let serve = move |_, peer| {
                served.send((peer, Instant::now())).unwrap();
                std::future::ready(())
            };
            let (tasks, begun) = (TaskTracker::new(), Instant::now());
            // One slot: an accept that fails must give it back.
            let accepting = tokio::spawn(accept(failing, Arc::new(Semaphore::new(1)), tasks.clone(), draining, serve));
            for _ in 0..2 {
                let _client = TcpStream::connect(address).await.unwrap();
                let (peer, at) = serves.recv().await.expect("the loop has ended");
                assert_eq!(peer, address.ip(), "{error}");
                assert!(at - begun >= REST * 3, "{error}: it does not rest");
            }
            drain.send_replace(true);
            accepting.await.unwrap();
            tasks.close();
            tasks.wait().await;
        }
    }
}
