//! Reads one shared access policy of a provisioning service with its keys.
//! Source: 2022-12-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::find;
use crate::errors::DEVICES_NOT_FOUND;
use crate::{Arm, policies};

/// `IotDpsResource_ListKeysForKeyName`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_ListKeysForKeyName",
    method: Method::Post,
    path: group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/keys/{keyName}/listkeys"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/keys/listkeys/Action" },
    support: Support::Served,
    summary: "Reads one shared access policy of a provisioning service with its keys.",
};

/// Answers 200 with the policy; its name compares with case.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let service = find(arm, &request)?;
    let name = request.param("keyName");
    let policy = service.policy(name).ok_or_else(|| {
        let text = format!("The provisioning service '{}' has no shared access policy '{name}'.", service.id.name());
        ServiceError::new(&DEVICES_NOT_FOUND, text)
    })?;
    Ok(Answer::ok(&policies::document(policy)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn one_policy_is_read_by_its_name() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        world.put(&path, body).await.unwrap();
        let found = json(&world.post(&format!("{path}/keys/provisioningserviceowner/listkeys"), None).await.unwrap());
        assert_eq!(found["keyName"], "provisioningserviceowner");
        assert_eq!(world.post(&format!("{path}/keys/none/listkeys"), None).await.unwrap_err().code.status, 404);
    }
}
