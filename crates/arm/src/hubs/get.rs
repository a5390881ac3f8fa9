//! Reads a hub.
//! Source: 2023-06-30; keys are never in the answer.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document::document;
use super::find;
use crate::Arm;

/// `IotHubResource_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_Get",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/Read" },
    support: Support::Served,
    summary: "Reads a hub.",
};

/// Answers 200 with the hub.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::ok(&document(arm, &find(arm, &request)?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn a_hub_is_read_without_its_keys_and_with_a_host_that_can_be_dialled() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1", "capacity": 1}})).await.unwrap();
        let hub = json(&world.get(&path.to_lowercase()).await.unwrap());
        assert_eq!(hub["properties"]["hostName"], "localhost:8443");
        assert_eq!(hub["resourcegroup"], "contoso");
        let locations = json!([
            {"location": "West Europe", "role": "primary"}, {"location": "North Europe", "role": "secondary"},
        ]);
        assert_eq!(hub["properties"]["locations"], locations);
        assert_eq!(hub["properties"]["eventHubEndpoints"]["events"]["partitionIds"], json!(["0", "1", "2", "3"]));
        assert_eq!(hub["properties"].get("authorizationPolicies"), None);
        let key = world.arm.estate.hub("hub1").unwrap().policies[0].primary_key.clone();
        assert!(!hub.to_string().contains(key.reveal()));
    }

    #[tokio::test]
    async fn a_hub_without_an_address_of_this_machine_has_its_own_name() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/elsewhere");
        let made = world.put(&path, json!({"location": "westeurope", "sku": {"name": "F1"}})).await.unwrap();
        assert_eq!(json(&made)["properties"]["hostName"], "elsewhere.azure-devices.net");
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let world = World::new().await;
        let error = world.get(&format!("{GROUP}/providers/Microsoft.Devices/IotHubs/none")).await.unwrap_err();
        assert_eq!((error.code.status, error.code.name), (404, "ResourceNotFound"));
        let elsewhere = GROUP.replace("contoso", "nowhere");
        let error = world.get(&format!("{elsewhere}/providers/Microsoft.Devices/IotHubs/x")).await.unwrap_err();
        assert_eq!(error.code.name, "ResourceGroupNotFound");
    }
}
