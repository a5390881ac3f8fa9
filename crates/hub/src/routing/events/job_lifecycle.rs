//! A device's part of a scheduled job ended.
//!
//! The source exists in `RoutingSource` and in iot-hub-devguide-messages-d2c; its properties and body are not documented.
//! The body is the device's job as `devices.jobs` has it (UNVERIFIED).

use iolite_kernel::Ground;
use serde_json::Value;

use super::{About, OwnEvent, event};
use crate::routing::Source;

/// The event that a device's part of a job is in `status` now (`completed`, `failed`, `cancelled`).
#[must_use]
pub fn job_lifecycle(ground: &Ground, about: About<'_>, status: &str, job: &Value) -> OwnEvent {
    let body = serde_json::to_vec(job).unwrap_or_default();
    event(ground, Source::DeviceJobLifecycleEvents, about, "deviceJobLifecycleNotification", status, body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{about, body, ground};
    use super::*;

    #[test]
    fn the_body_is_the_device_s_job() {
        let job = json!({"jobId": "j", "status": "completed"});
        let event = job_lifecycle(&ground(), about(None), "completed", &job);
        assert_eq!((body(&event), event.message.property("opType")), (job, Some("completed")));
    }
}
