//! The clock, shown and steered.

use iolite_kernel::{Clock, SignedDuration, Timestamp, iso_seven_digits};
use serde_json::{Value, json};

use super::{Call, Control, Refused};

/// The ways to steer the clock.
const WAYS: [&str; 5] = ["advanceSeconds", "set", "freeze", "resume", "reset"];

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
    if WAYS.iter().filter(|way| call.body.get(way).is_some_and(|value| !value.is_null())).count() > 1 {
        return Err(Refused::bad_request(format!("say only one of {}", WAYS.join(", "))));
    }
    let asked = |name: &str| call.body.get(name).and_then(Value::as_bool).unwrap_or_default();
    if let Some(seconds) = call.body.get("advanceSeconds") {
        let seconds = seconds
            .as_f64()
            .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| Refused::bad_request("advanceSeconds must be a number of seconds"))?;
        if clock.now().checked_add(seconds).is_err() {
            return Err(Refused::bad_request("that is beyond the years -9999 to 9999, which the clock can show"));
        }
        clock.advance(seconds);
    } else if let Some(to) = call.text("set") {
        let to: Timestamp = to.parse().map_err(|_| {
            let to: String = to.chars().take(64).collect();
            Refused::bad_request(format!("`{to}` is no moment as RFC 3339 writes it: say 2026-01-31T12:00:00Z"))
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
