//! The world put back as at start.

use iolite_store::StoreError;
use serde_json::Value;

use super::{Call, Control, Refused};
use crate::ready;

/// `world` and `empty` seed the same file: a world file has no devices, twins, models, enrolments, messages or jobs. The
/// clock is put right with `world` only.
pub(super) async fn reset(control: &Control, call: &Call) -> Result<Value, Refused> {
    let seed = call.query("seed").unwrap_or("world");
    if !matches!(seed, "world" | "empty") {
        return Err(Refused::bad_request(format!("seed is `world` or `empty`, not `{seed}`")));
    }
    let failed = |error: StoreError| Refused::failed(error.to_string());
    let mut world = control.seeder.make().await.map_err(failed)?;
    let remedy = "start with --generate-keys for fresh ones, give your own in a world file";
    let allowed = control.seeder.reach.check(&world.public_keys, remedy);
    allowed.map_err(|error| Refused::forbidden(format!("the world is not put back: {error}")))?;
    if seed == "world" {
        control.house.elements.clock.reset();
        // What was made by the clock as it stood could be yet to come.
        world = control.seeder.make().await.map_err(failed)?;
    }
    control.seeder.put(world).await.map_err(failed)?;
    control.house.streams.clear().await.map_err(failed)?;
    control.house.hub.start_outboxes_over().await;
    control.house.entra.forget_sessions();
    control.house.access.log().clear();
    control.house.origins.open_all();
    tell(control);
    Ok(Value::Null)
}

/// Has the ready file tell of the world that was put there, as far as it is this emulator's and still there.
pub(super) fn tell(control: &Control) {
    let (path, content) = (&control.ready_file.path, control.ready_file.content(&control.house));
    if !ready::is_ours(path, &content) {
        return;
    }
    if let Err(error) = ready::write(path, &content) {
        tracing::warn!(%error, path = %path.display(), "the ready file still tells of the world before");
    }
}
