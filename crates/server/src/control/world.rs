//! The world put back as at start.

use serde_json::Value;

use super::{Call, Control, Refused};

/// `world` and `empty` seed the same file: a world file has no devices, twins, models, enrolments, messages or jobs. The
/// clock is put right with `world` only.
pub(super) async fn reset(control: &Control, call: &Call) -> Result<Value, Refused> {
    let seed = call.query("seed").unwrap_or("world");
    if !matches!(seed, "world" | "empty") {
        return Err(Refused::bad_request(format!("seed is `world` or `empty`, not `{seed}`")));
    }
    if seed == "world" {
        control.house.elements.clock.reset();
    }
    control.seeder.seed().await.map_err(|error| Refused::failed(error.to_string()))?;
    control.house.streams.clear().await.map_err(|error| Refused::failed(error.to_string()))?;
    control.house.hub.start_outboxes_over().await;
    control.house.entra.forget_sessions();
    control.house.access.log().clear();
    control.house.origins.open_all();
    Ok(Value::Null)
}
