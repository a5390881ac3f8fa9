//! The wait for the process to drain, made for a task that wakes for other reasons thousands of times a second.
//!
//! A waiting future of tokio takes a lock at each look. This one is looked at by its own task only, and that task has one
//! waker for as long as it lives: so once the wait is known to it, a look at one number is enough.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::watch;

/// Over when the process drains; never, where the one who would say so is gone.
pub(crate) struct Drain {
    draining: watch::Receiver<bool>,
    waiting: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Who is woken when something changes.
    waker: Option<Waker>,
}

impl Drain {
    /// The wait for `draining` to turn true.
    pub(crate) fn on(draining: watch::Receiver<bool>) -> Self {
        let mut watching = draining.clone();
        let waiting = async move {
            if watching.wait_for(|draining| *draining).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        Self { draining, waiting: Box::pin(waiting), waker: None }
    }
}

impl Future for Drain {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waits = self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if waits && matches!(self.draining.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        let outcome = self.waiting.as_mut().poll(context);
        self.waker = Some(context.waker().clone());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_drain_wakes_the_task_that_looked_last_however_often_it_looked() {
        let (sender, draining) = watch::channel(false);
        let mut drain = Drain::on(draining);
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let wakers = counts.clone().map(Waker::from);
        let mut look = |waker| Pin::new(&mut drain).poll(&mut Context::from_waker(waker));
        for waker in [&wakers[0], &wakers[0], &wakers[1], &wakers[1]] {
            assert_eq!(look(waker), Poll::Pending);
        }
        sender.send(true).unwrap();
        assert_eq!(counts[1].0.load(Ordering::Relaxed), 1);
        assert_eq!(look(&wakers[1]), Poll::Ready(()));
    }

    #[test]
    fn a_process_that_drains_already_is_seen_at_the_first_look() {
        let (_sender, draining) = watch::channel(true);
        assert_eq!(Pin::new(&mut Drain::on(draining)).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }

    #[test]
    fn nobody_left_to_say_so_is_no_drain() {
        let (sender, draining) = watch::channel(false);
        drop(sender);
        let mut drain = Drain::on(draining);
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut drain).poll(&mut context), Poll::Pending);
        assert_eq!(Pin::new(&mut drain).poll(&mut context), Poll::Pending);
    }
}
