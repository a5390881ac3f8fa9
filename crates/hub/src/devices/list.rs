//! `Devices_GetDevices`: device identities of a hub, up to a thousand.
//!
//! Source: IoT Hub data plane 2021-04-12. `top` is the only parameter; there is no paging (the service points to queries).

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::json_text::JsonText;
use crate::{Hub, body, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_GetDevices",
    method: Method::Get,
    path: "/devices",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/read"], rights: &[Right::RegistryRead] },
    support: Support::Served,
    summary: "Lists device identities, a thousand at most.",
};

/// How many devices are listed at most, and where `top` says nothing (documented).
const MOST: usize = 1000;

/// Answers the devices in the order of their ids: 200 with a bare array.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let top = most(request.query("top"))?;
    let devices = hub.devices.page(&format!("{}/", permit.resource_key()), None, top);
    let mut text = vec![b'['];
    for (at, (key, device)) in devices.iter().enumerate() {
        text.raw(if at == 0 { "" } else { "," });
        device.write_item(&mut text, hub.presence(key));
    }
    text.push(b']');
    Ok(Answer::json_text(200, text))
}

/// How many devices are listed: a number outside of 1 to 1000 is taken for 1000 (documented).
fn most(top: Option<&str>) -> Result<usize, ServiceError> {
    let is_below = |top: &&str| top.trim().parse::<i64>().is_ok_and(|top| top < 1);
    body::count("top", top.filter(|top| !is_below(top)), MOST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    async fn list(world: &World, top: Option<&str>) -> Result<Answer, ServiceError> {
        let mut request = fixture::request(&[], &[], Vec::new());
        request.query = top.map(|top| ("top".into(), top.into())).into_iter().collect();
        world.send(OPERATION.name, request).await
    }

    #[tokio::test]
    async fn devices_are_listed_up_to_top() {
        let world = World::new();
        for id in ["c", "a", "b"] {
            world.put_device(id, named(id)).await;
        }
        let all = fixture::json(&list(&world, None).await.unwrap());
        let ids: Vec<_> = all.as_array().unwrap().iter().map(|device| device["deviceId"].as_str().unwrap()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!(fixture::json(&list(&world, Some("2")).await.unwrap()).as_array().unwrap().len(), 2);
        for beyond in ["0", "-1", "1001"] {
            assert_eq!(fixture::json(&list(&world, Some(beyond)).await.unwrap()).as_array().unwrap().len(), 3);
        }
        assert_eq!(list(&world, Some("many")).await.unwrap_err().code, &errors::ARGUMENT_INVALID);
    }
}
