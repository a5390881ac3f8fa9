//! Reads a provisioning service.
//! Source: 2022-12-12; keys are never in the answer.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document::document;
use super::find;
use crate::Arm;

/// `IotDpsResource_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_Get",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/Read" },
    support: Support::Served,
    summary: "Reads a provisioning service.",
};

/// Answers 200 with the service.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::ok(&document(arm, &find(arm, &request)?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn a_service_is_read_with_its_id_scope_and_the_hosts_to_dial() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        world.put(&path, body).await.unwrap();
        let found = json(&world.get(&path).await.unwrap());
        assert_eq!(
            found["properties"]["idScope"],
            world.arm.estate.provisioning_service("dps1").unwrap().id_scope.as_str()
        );
        assert_eq!(found["properties"]["serviceOperationsHostName"], "localhost:8443");
        assert_eq!(found["properties"]["deviceProvisioningHostName"], "localhost");
        assert_eq!(found["properties"]["iotHubs"], json!([]));
        assert_eq!(found["resourcegroup"], "contoso");
        assert_eq!(world.get(&path.replace("dps1", "none")).await.unwrap_err().code.name, "ResourceNotFound");
    }
}
