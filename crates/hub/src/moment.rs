//! Moments as IoT Hub writes them.
//!
//! A moment that never was is `0001-01-01T00:00:00Z`; without its zone straight after an identity is made (recorded 2016
//! to 2020). Fractions lose their trailing zeros.

use iolite_kernel::{NEVER, Timestamp, iso_shortest};
use serde::{Serialize, Serializer};

use crate::json_text::JsonText;

/// A moment that never was, as later answers write it.
const NEVER_UTC: &str = "0001-01-01T00:00:00Z";

/// A moment in an answer; `None` never was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: Option<Timestamp>,
    /// Whether a moment that never was is written without its zone.
    pub(crate) fresh: bool,
}

impl Moment {
    /// Nothing has happened yet.
    pub(crate) const fn never(fresh: bool) -> Self {
        Self { at: None, fresh }
    }

    /// Happened at `at`, or never.
    pub(crate) const fn of(at: Option<Timestamp>, fresh: bool) -> Self {
        Self { at, fresh }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.at {
            Some(at) => serializer.serialize_str(&iso_shortest(at)),
            None if self.fresh => serializer.serialize_str(NEVER),
            None => serializer.serialize_str(NEVER_UTC),
        }
    }
}

impl Moment {
    /// Appends the moment as the JSON string that it is in answers.
    pub(crate) fn write(self, text: &mut Vec<u8>) {
        match self.at {
            Some(at) => text.string(&iso_shortest(at)),
            None => text.string(if self.fresh { NEVER } else { NEVER_UTC }),
        }
    }
}

/// The text of `at`, or of never.
pub(crate) fn text(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER_UTC.to_owned(), iso_shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_has_its_zone_only_later() {
        assert_eq!(serde_json::to_string(&Moment::never(true)).unwrap(), "\"0001-01-01T00:00:00\"");
        assert_eq!(serde_json::to_string(&Moment::never(false)).unwrap(), "\"0001-01-01T00:00:00Z\"");
        let moment = Moment::of(Some("2020-09-01T20:58:36.067712Z".parse().unwrap()), true);
        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2020-09-01T20:58:36.067712Z\"");
    }
}
