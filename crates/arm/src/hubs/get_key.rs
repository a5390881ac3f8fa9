//! Reads one shared access policy of a hub with its keys.
//! Source: 2023-06-30.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::find;
use crate::errors::DEVICES_NOT_FOUND;
use crate::{Arm, policies};

/// `IotHubResource_GetKeysForKeyName`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetKeysForKeyName",
    method: Method::Post,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/IotHubKeys/{keyName}/listkeys"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/iotHubKeys/listkeys/Action" },
    support: Support::Served,
    summary: "Reads one shared access policy of a hub with its keys.",
};

/// Answers 200 with the policy; its name compares with case.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let name = request.param("keyName");
    let policy = hub.policy(name).ok_or_else(|| {
        let text = format!("The hub '{}' has no shared access policy '{name}'.", hub.id.name());
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
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let found = json(&world.post(&format!("{path}/IotHubKeys/service/listkeys"), None).await.unwrap());
        assert_eq!((&found["keyName"], &found["rights"]), (&json!("service"), &json!("ServiceConnect")));
        let error = world.post(&format!("{path}/IotHubKeys/Service/listkeys"), None).await.unwrap_err();
        assert_eq!(error.code.status, 404);
    }
}
