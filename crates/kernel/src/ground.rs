//! The injected world: what a service may take from outside without asking a wire.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Clock, Entropy, SteerableClock, SystemEntropy};

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
