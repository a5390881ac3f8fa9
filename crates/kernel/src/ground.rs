//! The injected world: what a service may take from outside without asking a wire.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Clock, Entropy, SteerableClock, SystemEntropy};

/// How long a wait lasts at most before it looks at the clock again; the machine's own clock may be set, too.
const LONGEST_LOOK: Duration = Duration::from_mins(1);

/// The clock and the entropy that a service was given; cheap to clone.
#[derive(Clone)]
pub struct Ground {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The one source of randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Ground {
    /// The machine's clock and the operating system's entropy.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SteerableClock::new()), entropy: Arc::new(SystemEntropy) }
    }

    /// Now, in UTC.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the clock shows `at` or later, however it gets there: by running or by being steered.
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn wait_until(&self, at: Timestamp) {
        let mut steerings = self.clock.steerings();
        loop {
            steerings.mark_unchanged();
            let Ok(left) = Duration::try_from(at.duration_since(self.now())) else { return };
            if left.is_zero() {
                return;
            }
            // A clock whose owner is gone is never steered again.
            let steered = async {
                if steerings.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            if self.clock.stands() {
                steered.await;
            } else {
                drop(tokio::time::timeout(left.min(LONGEST_LOOK), steered).await);
            }
        }
    }

    /// A version 4 UUID.
    pub fn uuid(&self) -> Uuid {
        self.entropy.uuid()
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ground").field("now", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::SeededEntropy;

    fn ground(clock: &Arc<SteerableClock>) -> Ground {
        Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) }
    }

    #[tokio::test]
    async fn a_wait_on_a_frozen_clock_ends_when_it_is_moved_past_the_moment() {
        let clock = Arc::new(SteerableClock::frozen_at(Timestamp::UNIX_EPOCH));
        let (waiting, at) = (ground(&clock), Timestamp::UNIX_EPOCH + SignedDuration::from_hours(2));
        let wait = tokio::spawn(async move { waiting.wait_until(at).await });
        clock.advance(SignedDuration::from_hours(1));
        tokio::task::yield_now().await;
        assert!(!wait.is_finished());
        clock.advance(SignedDuration::from_hours(1));
        wait.await.unwrap();
    }

    #[tokio::test]
    async fn a_wait_for_a_moment_that_has_been_is_over_at_once() {
        let clock = Arc::new(SteerableClock::new());
        ground(&clock).wait_until(clock.now() - SignedDuration::from_secs(1)).await;
    }

    #[tokio::test]
    async fn a_wait_on_a_running_clock_ends_when_it_is_steered_ahead() {
        let clock = Arc::new(SteerableClock::new());
        let (waiting, at) = (ground(&clock), clock.now() + SignedDuration::from_hours(10));
        let wait = tokio::spawn(async move { waiting.wait_until(at).await });
        tokio::task::yield_now().await;
        clock.advance(SignedDuration::from_hours(11));
        wait.await.unwrap();
    }
}
