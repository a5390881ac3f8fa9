//! Lists the skus that a provisioning service can change to.
//! Source: 2022-12-12: there is one.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::Arm;

/// `IotDpsResource_listValidSkus`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_listValidSkus",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/skus"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/skus/Read" },
    support: Support::Served,
    summary: "Lists the skus that a provisioning service can change to.",
};

/// Answers 200 with the one sku.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    find(arm, &request)?;
    Ok(Answer::ok(&json!({"value": [{"name": "S1"}]})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn there_is_one_sku() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        assert_eq!(world.get(&format!("{path}/skus")).await.unwrap_err().code.status, 404);
        world.put(&path, body).await.unwrap();
        assert_eq!(json(&world.get(&format!("{path}/skus")).await.unwrap()), json!({"value": [{"name": "S1"}]}));
    }
}
