//! `DigitalTwin_UpdateDigitalTwin`: sets what is desired of a device's properties and components, by a JSON patch.
//!
//! Source: IoT Hub data plane 2021-04-12, and howto-manage-digital-twin (2023): 202 with the etag and the place of the digital
//! twin, and no body.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde_json::Value;

use crate::pnp::patch::Patch;
use crate::twin::{Change, Edit};
use crate::twins::section::Section;
use crate::twins::unset::Unset;
use crate::{Hub, body, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "DigitalTwin_UpdateDigitalTwin",
    method: Method::Patch,
    path: "/digitaltwins/{id}",
    versions: versions::WITH_TWINS_AND_FEEDBACK,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/write"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Changes a device's digital twin.",
};

/// Changes the desired properties: 202.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let precondition = body::if_match(&request)?;
    let sent: Vec<Value> = body::json(&request)?;
    body::refuse_long_integers(&request)?;
    let (patch, id) = (Patch::read(sent)?, request.param("id"));
    let key = permit.resource_key();
    let at = ids::device_key(&key, id);
    let etag = hub
        .change(&key, |registry| {
            registry.device(id)?;
            let current = registry.twin(&at).ok_or_else(|| errors::device_not_found(id))?;
            if !precondition.holds_for(Some(&current.etag())) {
                return Err(errors::twin_mismatch(id));
            }
            let (desired, reported) = (Section::read(&current.desired), Section::read(&current.reported));
            let merge = patch.merge(&desired.values, &reported.values)?;
            if merge.is_empty() {
                return Ok(current.etag());
            }
            let change = Change { tags: Edit::Keep, desired: Edit::Merge(merge) };
            let changed = current.changed(&change, registry.hub.ground.now())?;
            let etag = changed.etag();
            registry.put_changed_twin(&at, changed, &Unset::by(&change));
            Ok(etag)
        })
        .await?;
    Ok(Answer::empty(202)
        .with_header("etag", format!("\"{etag}\""))
        .with_header("location", format!("{}{}", request.origin, request.path())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{World, header, named};

    async fn patch(world: &World, if_match: &str, patch: Value) -> Result<Answer, ServiceError> {
        world.call(OPERATION.name, &[("id", "dev1")], &[("if-match", if_match)], patch).await
    }

    async fn world() -> World {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world
    }

    #[tokio::test]
    async fn a_patch_sets_desired_properties_and_says_where() {
        let world = world().await;
        let answer = patch(
            &world,
            "",
            json!([
                {"op": "add", "path": "/targetTemperature", "value": 21.4},
                {"op": "add", "path": "/thermostat1", "value": {"targetTemperature": 20, "$metadata": {}}},
                {"op": "add", "path": "/thermostat2/targetTemperature", "value": 19},
            ]),
        )
        .await
        .unwrap();
        assert_eq!((answer.status, header(&answer, "etag")), (202, Some("\"AAAAAAAAAAI=\"")));
        assert_eq!(header(&answer, "location"), Some("https://localhost:8443/"));
        let desired = &world.twin("dev1").await["properties"]["desired"];
        assert_eq!(desired["targetTemperature"], 21.4);
        assert_eq!(desired["thermostat1"], json!({"__t": "c", "targetTemperature": 20}));
        assert_eq!(desired["thermostat2"], json!({"__t": "c", "targetTemperature": 19}));
        assert_eq!(desired["$version"], 2);
    }

    #[tokio::test]
    async fn the_etag_is_the_twin_s_and_nothing_is_done_under_another() {
        let world = world().await;
        let operation = json!([{"op": "add", "path": "/a", "value": 1}]);
        let stale = patch(&world, "\"AAAAAAAAAAU=\"", operation.clone()).await.unwrap_err();
        assert_eq!(stale.code, &errors::PRECONDITION_FAILED);
        assert_eq!(world.twin("dev1").await["version"], 2);
        patch(&world, "W/\"AAAAAAAAAAE=\"", operation).await.unwrap();
    }

    #[tokio::test]
    async fn one_bad_operation_undoes_all() {
        let world = world().await;
        for bad in [
            json!([{"op": "add", "path": "/a", "value": 1}, {"op": "remove", "path": "/b"}]),
            json!([{"op": "add", "path": "/a", "value": "x".repeat(5000)}]),
            json!({"op": "add", "path": "/a", "value": 1}),
        ] {
            assert_eq!(patch(&world, "", bad.clone()).await.unwrap_err().code.status, 400, "{bad}");
        }
        assert_eq!(world.twin("dev1").await["version"], 2);
        let unknown = World::new().call(OPERATION.name, &[("id", "dev1")], &[], json!([])).await.unwrap_err();
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
    }
}
