//! The clock, shown and steered.

use iolite_kernel::{Clock, SignedDuration, Timestamp, iso_seven_digits};
use serde_json::{Value, json};

use super::{Call, Control, Refused};

pub(super) fn show(control: &Control) -> Value {
    let clock = &control.house.elements.clock;
    json!({
        "now": iso_seven_digits(clock.now()),
        "frozen": clock.is_frozen(),
        "offsetSeconds": clock.offset().round(jiff::Unit::Second).map_or(0, |offset| offset.as_secs()),
    })
}

pub(super) fn steer(control: &Control, call: &Call) -> Result<Value, Refused> {
    let clock = &control.house.elements.clock;
    let asked = |name: &str| call.body.get(name).and_then(Value::as_bool).unwrap_or_default();
    if let Some(seconds) = call.body.get("advanceSeconds") {
        let seconds = seconds
            .as_f64()
            .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| Refused::bad_request("advanceSeconds must be a number of seconds"))?;
        clock.advance(seconds);
    } else if let Some(to) = call.text("set") {
        let to: Timestamp = to.parse().map_err(|error| {
            Refused::bad_request(format!("set must be an RFC 3339 moment such as 2026-01-31T12:00:00Z: {error}"))
        })?;
        clock.set(to);
    } else if asked("freeze") {
        clock.freeze();
    } else if asked("resume") {
        clock.resume();
    } else if asked("reset") {
        clock.reset();
    } else {
        return Err(Refused::bad_request(
            "say one of {\"advanceSeconds\": n}, {\"set\": moment}, {\"freeze\": true}, {\"resume\": true}, {\"reset\": true}",
        ));
    }
    Ok(show(control))
}
