//! Starting threads so that nothing is lost where the system has none to give.
//!
//! Used for what blocks: the commit threads of streams, reading back from the disk, and waiting for a thread's end. What a
//! thread is to have is handed over only once it is there. Nothing here retries.

use std::io;
use std::sync::mpsc::{SendError, sync_channel};
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

/// Starts a thread that gets `load`; gives it back where there is no thread to be had.
pub(crate) fn start<T: Send + 'static>(
    name: &str,
    load: T,
    run: impl FnOnce(T) + Send + 'static,
) -> Result<JoinHandle<()>, (T, io::Error)> {
    let (give, take) = sync_channel(1);
    let body = move || {
        if let Ok(load) = take.recv() {
            run(load);
        }
    };
    match spawn(name, body) {
        Ok(thread) => match give.send(load) {
            Ok(()) => Ok(thread),
            Err(SendError(load)) => Err((load, io::Error::other("the thread ended before its work"))),
        },
        Err(error) => Err((load, error)),
    }
}

/// Does what blocks on a thread of its own; where none can be had, at once and here, at the cost of whoever shares the
/// runtime's thread. The error says that the work panicked.
///
/// The runtime's own pool of such threads panics when it can start none.
pub(crate) async fn apart<T, W>(work: W) -> io::Result<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    match start("store-apart", work, move |work: W| drop(tell.send(work()))) {
        Ok(_) => told.await.map_err(|_| io::Error::other("the thread panicked")),
        Err((work, _)) => Ok(work()),
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    #[cfg(test)]
    if tests::are_short() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    Builder::new().name(name.to_owned()).spawn(body)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static SHORT: Cell<bool> = const { Cell::new(false) };
    }

    /// While it is there, the test's own thread can start no other.
    pub(crate) struct Shortage;

    impl Shortage {
        pub(crate) fn begin() -> Self {
            SHORT.set(true);
            Self
        }
    }

    impl Drop for Shortage {
        fn drop(&mut self) {
            SHORT.set(false);
        }
    }

    pub(super) fn are_short() -> bool {
        SHORT.get()
    }

    #[test]
    fn a_thread_gets_its_load_and_a_shortage_gives_it_back() {
        let (tell, told) = sync_channel(1);
        let shortage = Shortage::begin();
        let (load, error) = start("test", 7, |_| panic!("there is no thread")).unwrap_err();
        assert_eq!((load, error.kind()), (7, io::ErrorKind::WouldBlock));
        drop(shortage);
        start("test", load, move |load| tell.send(load).unwrap()).unwrap().join().unwrap();
        assert_eq!(told.recv().unwrap(), 7);
    }

    #[tokio::test]
    async fn what_blocks_is_done_apart_and_in_a_shortage_here() {
        let here = std::thread::current().id();
        assert_ne!(apart(|| std::thread::current().id()).await.unwrap(), here);
        let _shortage = Shortage::begin();
        assert_eq!(apart(|| std::thread::current().id()).await.unwrap(), here);
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error() {
        let outcome = apart(|| assert!(std::thread::current().name() != Some("store-apart"), "a bug")).await;
        assert!(outcome.unwrap_err().to_string().contains("panicked"));
    }
}
