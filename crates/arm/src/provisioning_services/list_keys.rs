//! Lists a provisioning service's shared access policies with their keys.
//! Source: 2022-12-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::{Arm, policies};

/// `IotDpsResource_ListKeys`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_ListKeys",
    method: Method::Post,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/listkeys"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/listkeys/Action" },
    support: Support::Served,
    summary: "Lists a provisioning service's shared access policies with their keys.",
};

/// Answers 200 with the policies.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let service = find(arm, &request)?;
    let value: Vec<_> = service.policies.iter().map(policies::document).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn the_owners_policy_has_the_recorded_rights() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        world.put(&path, body).await.unwrap();
        let listed = json(&world.post(&format!("{path}/listkeys"), None).await.unwrap());
        assert_eq!(listed["value"][0]["keyName"], "provisioningserviceowner");
        assert_eq!(listed["value"][0]["rights"], "ServiceConfig, DeviceConnect, EnrollmentWrite");
        assert!(!listed["value"][0]["secondaryKey"].as_str().unwrap().is_empty());
    }
}
