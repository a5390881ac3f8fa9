//! When a delivery that failed is tried again, and when never.
//!
//! Source: delivery-and-retry. The pauses there are "best effort"; these are its list without the random part.

use iolite_kernel::{SignedDuration, Timestamp};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Delivered,
    /// It may be taken later.
    Failed,
    /// It will never be taken.
    Refused,
}

impl Outcome {
    /// What a status means: 200 to 204 take the events, 400, 403 and 413 refuse them for good.
    pub(super) const fn of_status(status: u16) -> Self {
        match status {
            200..=204 => Self::Delivered,
            400 | 403 | 413 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

const PAUSES_SECONDS: [i64; 9] = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600];
const LAST_PAUSE_SECONDS: i64 = 43_200;

/// When the attempt after `attempts` failed ones is made.
pub(super) fn next_attempt(attempts: u32, now: Timestamp) -> Timestamp {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = PAUSES_SECONDS.get(place).copied().unwrap_or(LAST_PAUSE_SECONDS);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
