//! The one clock behind every expiry, lock, time-to-live and timestamp.
//!
//! Everything reads the [`Clock`] it was given; only [`SteerableClock`] reads the machine's, and `POST /clock` of the
//! control API moves it.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;

    /// Whether it stands still until it is steered.
    fn stands(&self) -> bool;

    /// Changes value whenever the clock is steered, so that a waiting timer can look again.
    fn steerings(&self) -> watch::Receiver<u64>;
}

/// The machine's clock, shifted by an offset or stopped at a moment.
///
/// Durations that are real work (TLS handshakes, draining) are measured with tokio's timer instead: steering the world's
/// time must not close a slow connection.
#[derive(Debug)]
pub struct SteerableClock {
    state: Mutex<State>,
    moved: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Running { offset: SignedDuration },
    Frozen { at: Timestamp },
}

impl Default for SteerableClock {
    fn default() -> Self {
        Self::new()
    }
}

impl SteerableClock {
    /// A clock that shows the machine's time.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Mutex::new(State::Running { offset: SignedDuration::ZERO }), moved: watch::Sender::new(0) }
    }

    /// A clock that stands at `at` until it is moved; for tests.
    #[must_use]
    pub fn frozen_at(at: Timestamp) -> Self {
        let clock = Self::new();
        clock.freeze_at(at);
        clock
    }

    /// Moves the clock by `by`, forwards or backwards; a frozen clock stays frozen at the new moment.
    pub fn advance(&self, by: SignedDuration) {
        self.change(|state, _| match state {
            State::Running { offset } => State::Running { offset: offset.saturating_add(by) },
            State::Frozen { at } => State::Frozen { at: at.saturating_add(by).unwrap_or(at) },
        });
    }

    /// Sets the clock to `to`; a frozen clock stays frozen.
    pub fn set(&self, to: Timestamp) {
        self.change(|state, machine| match state {
            State::Running { .. } => State::Running { offset: to.duration_since(machine) },
            State::Frozen { .. } => State::Frozen { at: to },
        });
    }

    /// Stops the clock where it stands.
    pub fn freeze(&self) {
        let now = self.now();
        self.freeze_at(now);
    }

    /// Lets a frozen clock run on from where it stands.
    pub fn resume(&self) {
        self.change(|state, machine| match state {
            State::Frozen { at } => State::Running { offset: at.duration_since(machine) },
            running @ State::Running { .. } => running,
        });
    }

    /// Shows the machine's time again.
    pub fn reset(&self) {
        self.change(|_, _| State::Running { offset: SignedDuration::ZERO });
    }

    /// Whether the clock stands still.
    pub fn is_frozen(&self) -> bool {
        matches!(self.read(), State::Frozen { .. })
    }

    /// How far the clock is from the machine's.
    pub fn offset(&self) -> SignedDuration {
        self.now().duration_since(machine_time())
    }

    /// Changes value whenever the clock is steered, so that a waiting timer can look again.
    pub fn steered(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    fn freeze_at(&self, at: Timestamp) {
        self.change(|_, _| State::Frozen { at });
    }

    fn change(&self, to: impl FnOnce(State, Timestamp) -> State) {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            *state = to(*state, machine_time());
        }
        self.moved.send_modify(|turn| *turn += 1);
    }

    fn read(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SteerableClock {
    fn now(&self) -> Timestamp {
        match self.read() {
            State::Running { offset } if offset.is_zero() => machine_time(),
            State::Running { offset } => machine_time().saturating_add(offset).unwrap_or(Timestamp::MAX),
            State::Frozen { at } => at,
        }
    }

    fn stands(&self) -> bool {
        self.is_frozen()
    }

    fn steerings(&self) -> watch::Receiver<u64> {
        self.steered()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_it_is_steered() {
        let clock = SteerableClock::frozen_at(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.now().as_second(), 3600);
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_resumed_clock_runs_on_from_where_it_stood() {
        let clock = SteerableClock::frozen_at(Timestamp::UNIX_EPOCH);
        clock.resume();
        assert!(!clock.is_frozen());
        assert!(clock.now().as_second() < 60);
    }

    #[test]
    fn steering_tells_those_who_wait() {
        let clock = SteerableClock::new();
        let watcher = clock.steered();
        clock.advance(SignedDuration::from_secs(5));
        assert!(watcher.has_changed().unwrap());
    }
}
