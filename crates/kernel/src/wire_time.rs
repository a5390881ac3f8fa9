//! How the services write moments. Each form is one that recorded traffic shows.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// How the services write a moment that never was, without a zone (as straight after a device's creation).
pub const NEVER: &str = "0001-01-01T00:00:00";

/// `2026-11-22T01:12:48Z`
#[must_use]
pub fn iso_seconds(at: Timestamp) -> String {
    let mut text = to_seconds(at);
    text.push('Z');
    text
}

/// `2026-11-22T01:12:48.1234567Z`
#[must_use]
pub fn iso_seven_digits(at: Timestamp) -> String {
    let (mut text, ticks) = (to_seconds(at), at.subsec_nanosecond() / 100);
    text.push('.');
    digits(&mut text, ticks.unsigned_abs(), 7);
    text.push('Z');
    text
}

/// `2026-11-22T01:12:48.1234567+00:00`
#[must_use]
pub fn iso_offset_seven_digits(at: Timestamp) -> String {
    iso_seven_digits(at).replace('Z', "+00:00")
}

/// `2026-11-22T01:12:48.1234Z`: up to seven digits, trailing zeros left out, as .NET's round-trip JSON does.
#[must_use]
pub fn iso_shortest(at: Timestamp) -> String {
    let mut text = iso_seven_digits(at);
    let kept = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.').len();
    text.truncate(kept);
    text.push('Z');
    text
}

/// `11/22/2026 01:12:48`: the time stamp inside a hub's tracking id.
#[must_use]
pub fn month_first_seconds(at: Timestamp) -> String {
    format(at, "%m/%d/%Y %H:%M:%S")
}

/// `Sun, 22 Nov 2026 01:12:48 GMT`
#[must_use]
pub fn rfc_1123(at: Timestamp) -> String {
    format(at, "%a, %d %b %Y %H:%M:%S GMT")
}

/// `2026-11-22T01:12:48`. Written by hand: records and answers are full of it.
fn to_seconds(at: Timestamp) -> String {
    let moment = TimeZone::UTC.to_datetime(at);
    let mut text = String::with_capacity("2026-11-22T01:12:48.1234567Z".len());
    digits(&mut text, moment.year().unsigned_abs().into(), 4);
    for (mark, part) in [
        ('-', moment.month()),
        ('-', moment.day()),
        ('T', moment.hour()),
        (':', moment.minute()),
        (':', moment.second()),
    ] {
        text.push(mark);
        digits(&mut text, part.unsigned_abs().into(), 2);
    }
    text
}

/// The last `count` digits of `number`, seven at most.
fn digits(text: &mut String, number: u32, count: usize) {
    let (mut room, mut rest) = ([b'0'; 7], number);
    for digit in room.iter_mut().take(count).rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    text.extend(room.into_iter().take(count).map(char::from));
}

fn format(at: Timestamp, pattern: &str) -> String {
    strtime::format(pattern, &at.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Timestamp {
        "2026-11-22T01:12:48.120000000Z".parse().unwrap()
    }

    #[test]
    fn each_form_is_written_as_recorded() {
        assert_eq!(iso_seconds(moment()), "2026-11-22T01:12:48Z");
        assert_eq!(iso_seven_digits(moment()), "2026-11-22T01:12:48.1200000Z");
        assert_eq!(iso_offset_seven_digits(moment()), "2026-11-22T01:12:48.1200000+00:00");
        assert_eq!(iso_shortest(moment()), "2026-11-22T01:12:48.12Z");
        assert_eq!(iso_shortest("2026-01-02T03:04:05Z".parse().unwrap()), "2026-01-02T03:04:05Z");
        assert_eq!(iso_seconds("0001-01-01T00:00:00Z".parse().unwrap()), "0001-01-01T00:00:00Z");
        assert_eq!(month_first_seconds(moment()), "11/22/2026 01:12:48");
        assert_eq!(rfc_1123(moment()), "Sun, 22 Nov 2026 01:12:48 GMT");
    }
}
