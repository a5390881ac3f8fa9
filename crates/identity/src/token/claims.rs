//! The claims of an access token that anything here depends on, as they stand in it.

use iolite_kernel::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::compact::shown;

/// The last second that a claim may name: the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A token's claims. Signed, but not yet judged.
#[derive(Debug)]
pub(super) struct Claims(Map<String, Value>);

/// A moment in a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The claim is not there.
    Missing,
    /// The claim is no number of seconds since 1970.
    Illegal,
    /// The moment.
    At(Timestamp),
}

impl Claims {
    /// The claims of `payload`; `None` where it is not one JSON object in which every name stands once.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        super::strict::object(payload).map(Self)
    }

    /// The claim `name`, where it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The claim `name` as a person may see it.
    pub(super) fn shown(&self, name: &str) -> String {
        shown(self.0.get(name))
    }

    /// The claim `name` as a moment: RFC 7519's NumericDate, which may have a fraction.
    pub(super) fn moment(&self, name: &str) -> Moment {
        let Some(value) = self.0.get(name) else { return Moment::Missing };
        let at = if let Some(seconds) = value.as_i64() {
            Timestamp::from_second(seconds).ok()
        } else {
            value
                .as_f64()
                .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
                .and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok())
        };
        match at {
            Some(at) if (0..=LAST_SECOND).contains(&at.as_second()) && at >= Timestamp::UNIX_EPOCH => Moment::At(at),
            _ => Moment::Illegal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Claims::read(format!("{{\"exp\":{text}}}").as_bytes()).unwrap().moment("exp")
    }

    #[test]
    fn seconds_may_be_whole_or_have_a_fraction() {
        assert_eq!(moment("1700000000"), Moment::At(Timestamp::from_second(1_700_000_000).unwrap()));
        assert_eq!(moment("1700000000.5"), Moment::At(Timestamp::from_millisecond(1_700_000_000_500).unwrap()));
        assert_eq!(moment("1.7e9"), Moment::At(Timestamp::from_second(1_700_000_000).unwrap()));
    }

    #[test]
    fn what_is_no_moment_is_told_apart_from_what_is_missing() {
        for text in
            ["\"1700000000\"", "-1", "-0.5", "253402300800", "1e300", "18446744073709551615", "true", "null", "[1]"]
        {
            assert_eq!(moment(text), Moment::Illegal, "{text}");
        }
        assert_eq!(Claims::read(b"{}").unwrap().moment("exp"), Moment::Missing);
    }
}
