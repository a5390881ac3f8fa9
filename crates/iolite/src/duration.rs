//! Lengths of time as people write them: `90s`, `1h30m`, `2 days`, `PT1H`, or a bare number of seconds.

use jiff::{Span, SpanRelativeTo};

/// Reads a length of time in whole seconds; a day is 24 hours. Negative where written so.
pub(crate) fn seconds(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    let unreadable = || format!("`{text}` is not a length of time: write 90s, 15m, 1h30m, 2d, or a number of seconds");
    let span: Span = text.parse().map_err(|_| unreadable())?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("`{text}` has months or years, which have no fixed length: write days or hours"))?;
    if duration.subsec_nanos() != 0 {
        return Err(format!("`{text}` is not a whole number of seconds"));
    }
    Ok(duration.as_secs())
}

/// Reads a length of time above zero, for lifetimes.
pub(crate) fn positive_seconds(text: &str) -> Result<i64, String> {
    match seconds(text)? {
        seconds if seconds > 0 => Ok(seconds),
        _ => Err(format!("`{text}` is not above zero")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_people_write_lengths_of_time_are_read() {
        for (text, expected) in [
            ("1h", 3600),
            ("90s", 90),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("1 week", 604_800),
            ("PT1H", 3600),
            ("1.5h", 5400),
            ("45", 45),
            ("-5m", -300),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_fixed_length_is_refused_with_a_word_on_how_to_write_it() {
        for text in ["", "soon", "1mo", "1y", "1h foo", "0.5s", "99999999999999999999s"] {
            let error = seconds(text).expect_err(text);
            assert!(error.contains('`'), "{error}");
        }
    }

    #[test]
    fn a_lifetime_is_above_zero() {
        assert_eq!(positive_seconds("1m"), Ok(60));
        assert!(positive_seconds("0").is_err() && positive_seconds("-1h").is_err());
    }
}
