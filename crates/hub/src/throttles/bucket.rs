//! A token bucket.

use iolite_kernel::Timestamp;

use super::tier::Rates;

/// What is left of a rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Bucket {
    /// One that nobody took from.
    pub(super) const fn full(rates: Rates, now: Timestamp) -> Self {
        Self { left: rates.burst, at: now }
    }

    /// Takes `amount`, or says how many seconds it will take until that much is there. What is more than a full bucket
    /// is taken from a full one.
    pub(super) fn take(&mut self, rates: Rates, amount: f64, now: Timestamp) -> Result<(), f64> {
        let passed = now.duration_since(self.at).as_secs_f64();
        // A clock that is set back gives nothing and takes nothing.
        self.left = (self.left + passed.max(0.0) * rates.per_second).min(rates.burst);
        self.at = now;
        let amount = amount.min(rates.burst);
        // Rounding must not refuse what is there.
        if self.left + 1e-6 >= amount {
            self.left -= amount;
            return Ok(());
        }
        Err((amount - self.left) / rates.per_second)
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_fills_with_time_and_never_over_its_brim() {
        let rates = Rates { per_second: 2.0, burst: 4.0 };
        let start = Timestamp::UNIX_EPOCH;
        let mut bucket = Bucket::full(rates, start);
        assert!((0..4).all(|_| bucket.take(rates, 1.0, start).is_ok()));
        let wait = bucket.take(rates, 1.0, start).unwrap_err();
        assert!((wait - 0.5).abs() < 1e-9);
        assert!(bucket.take(rates, 1.0, start + SignedDuration::from_millis(500)).is_ok());
        let later = start + SignedDuration::from_hours(1);
        assert!((0..4).all(|_| bucket.take(rates, 1.0, later).is_ok()) && bucket.take(rates, 1.0, later).is_err());
        assert!(bucket.take(rates, 1.0, start).is_err(), "a clock set back gives nothing");
    }
}
