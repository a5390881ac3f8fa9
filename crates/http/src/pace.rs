//! How long a connection may take over a head, and how long it may lie idle between two requests.
//!
//! hyper's own deadline begins when it starts to wait for a head, so a connection that a client keeps for its next request
//! would be taken away under it after the few seconds that a head may take. Here the two are told apart: a head has its
//! deadline from its first byte (the first head from the handshake), and a connection that was used may rest for longer.
//! Nothing runs out while a request is being answered.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A head that is not there after so long ends its connection.
pub(crate) const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// A connection on which nothing was asked for so long is ended; Azure's front doors take up to four minutes.
pub(crate) const IDLE_DEADLINE: Duration = Duration::from_mins(2);

/// Counts the requests of a connection that are being answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answering(Arc<AtomicUsize>);

/// One request that is being answered, until it is dropped.
pub(crate) struct Answered(Answering);

impl Answering {
    /// Counts one request.
    pub(crate) fn begin(&self) -> Answered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answered(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The rest of the head with this number, which has begun.
    Head(u64),
    /// The first byte of the head with this number.
    Request(u64),
    /// The rest of a body: whoever reads it has a deadline of its own.
    Body,
}

/// The deadline of one connection.
pub(crate) struct Pace {
    answering: Answering,
    waiting: Waiting,
    until: Option<Instant>,
    /// Fires at the deadline or before it: then it is set anew. So a deadline that only moves away costs nothing.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(answering: Answering) -> Self {
        Self { answering, waiting: Waiting::Body, until: None, alarm: None }
    }

    /// Whether the connection has waited too long for what it waits for now; wakes the task when that comes to be.
    pub(crate) fn has_run_out(&mut self, waiting: Waiting, context: &mut Context<'_>) -> bool {
        if !self.answering.is_idle() || waiting == Waiting::Body {
            self.until = None;
            return false;
        }
        if self.until.is_none() || self.waiting != waiting {
            let patience = match waiting {
                Waiting::Head(_) | Waiting::Request(0) => HEAD_DEADLINE,
                Waiting::Request(_) | Waiting::Body => IDLE_DEADLINE,
            };
            self.until = Some(Instant::now() + patience);
        }
        self.waiting = waiting;
        self.until.is_some_and(|until| self.rings_by(until, context))
    }

    fn rings_by(&mut self, until: Instant, context: &mut Context<'_>) -> bool {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if alarm.deadline() > until {
            alarm.as_mut().reset(until);
        }
        while alarm.as_mut().poll(context) == Poll::Ready(()) {
            if Instant::now() >= until {
                return true;
            }
            alarm.as_mut().reset(until);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn pace() -> (Pace, Answering) {
        let answering = Answering::default();
        (Pace::new(answering.clone()), answering)
    }

    fn has_run_out(pace: &mut Pace, waiting: Waiting) -> bool {
        pace.has_run_out(waiting, &mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_runs_out_however_often_a_byte_comes() {
        let (mut pace, _) = pace();
        for _ in 0..9 {
            assert!(!has_run_out(&mut pace, Waiting::Head(3)));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(has_run_out(&mut pace, Waiting::Head(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_connection_may_rest_and_an_unused_one_may_not() {
        let (mut pace, _) = pace();
        assert!(!has_run_out(&mut pace, Waiting::Request(0)));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!has_run_out(&mut pace, Waiting::Request(1)));
        tokio::time::advance(Duration::from_secs(119)).await;
        assert!(!has_run_out(&mut pace, Waiting::Request(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(has_run_out(&mut pace, Waiting::Request(1)));
        let (mut unused, _) = self::pace();
        assert!(!has_run_out(&mut unused, Waiting::Request(0)));
        tokio::time::advance(HEAD_DEADLINE).await;
        assert!(has_run_out(&mut unused, Waiting::Request(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_runs_out_while_a_request_is_answered() {
        let (mut pace, answering) = pace();
        let one = answering.begin();
        assert!(!has_run_out(&mut pace, Waiting::Request(1)));
        tokio::time::advance(Duration::from_mins(10)).await;
        assert!(!has_run_out(&mut pace, Waiting::Request(1)));
        drop(one);
        assert!(!has_run_out(&mut pace, Waiting::Request(1)));
        tokio::time::advance(IDLE_DEADLINE).await;
        assert!(has_run_out(&mut pace, Waiting::Request(1)));
    }
}
