//! Lists a hub's shared access policies with their keys: what an Owner without any data role can still do.
//! Source: 2023-06-30; the order is that of recorded answers.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::{Arm, policies};

/// `IotHubResource_ListKeys`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_ListKeys",
    method: Method::Post,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/listkeys"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/listkeys/Action" },
    support: Support::Served,
    summary: "Lists a hub's shared access policies with their keys.",
};

/// Answers 200 with the policies.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let value: Vec<_> = hub.policies.iter().map(policies::document).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn the_five_policies_are_listed_with_keys_and_rights() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let listed = json(&world.post(&format!("{path}/listkeys"), None).await.unwrap());
        let rights: Vec<_> =
            listed["value"].as_array().unwrap().iter().map(|policy| policy["rights"].clone()).collect();
        let wanted = [
            "RegistryWrite, ServiceConnect, DeviceConnect",
            "ServiceConnect",
            "DeviceConnect",
            "RegistryRead",
            "RegistryWrite",
        ];
        assert_eq!(rights, wanted);
        let hub = world.arm.estate.hub("hub1").unwrap();
        assert_eq!(listed["value"][0]["primaryKey"], hub.policies[0].primary_key.reveal());
    }
}
