//! What a conversation waits for: futures that end in a continuation on it.

use std::future::Future;

use futures_util::future::{AbortHandle, BoxFuture, FutureExt, abortable, ready};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Conversation;

/// What is done when a job has ended.
pub(crate) type Then = Box<dyn FnOnce(&mut Conversation) + Send>;

/// The jobs of a conversation.
#[derive(Default)]
pub(crate) struct Jobs(FuturesUnordered<BoxFuture<'static, Option<Then>>>);

/// A job that is dropped with this.
pub(super) struct Lease(AbortHandle);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Jobs {
    /// Until a job has ended; for ever where there is none.
    pub(crate) async fn next(&mut self) -> Then {
        loop {
            match self.0.next().await {
                Some(Some(then)) => return then,
                Some(None) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Until a job has ended that nobody called off; `None` when there is none left.
    pub(crate) async fn last(&mut self) -> Option<Then> {
        while let Some(ended) = self.0.next().await {
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    /// Begins a job that nobody calls off. Its first step is done at once: what it holds a session to, such as a lock, it has
    /// before the session can end.
    pub(super) fn begin<T: FnOnce(&mut Conversation) + Send + 'static>(
        &mut self,
        job: impl Future<Output = T> + Send + 'static,
    ) {
        let mut job = job.map(|then| Some(Box::new(then) as Then)).boxed();
        let ended = (&mut job).now_or_never();
        self.0.push(ended.map_or(job, |ended| ready(ended).boxed()));
    }

    /// Begins a job that lasts as long as the lease.
    #[must_use]
    pub(super) fn lease<T: FnOnce(&mut Conversation) + Send + 'static>(
        &mut self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Lease {
        let (job, handle) = abortable(job);
        self.0.push(job.map(|ended| ended.ok().map(|then| Box::new(then) as Then)).boxed());
        Lease(handle)
    }
}
