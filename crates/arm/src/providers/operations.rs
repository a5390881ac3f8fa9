//! Lists the operations of a resource provider.
//! Source: `Operations_List` of the IoT Hub and DPS (one path) and Digital Twins specifications. It belongs to no scope that a
//! role could be given at, and Azure answers it to every signed-in caller; so does this.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::Arm;
use crate::provider_operations::{Action, actions};

/// `Operations_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Operations_List",
    method: Method::Get,
    path: "/providers/{resourceProviderNamespace}/operations",
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the operations of a resource provider.",
};

/// Answers 200 with the actions of the operations that the process knows.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let provider = find(request.param("resourceProviderNamespace"))?;
    let entry = |action: &Action| {
        let resource = action.name.split('/').nth(1).unwrap_or_default();
        json!({
            "name": action.name,
            "isDataAction": action.data,
            "display": {
                "provider": provider.namespace,
                "resource": resource,
                "operation": action.summary.trim_end_matches('.'),
                "description": action.summary,
            },
        })
    };
    let value: Vec<_> = actions(&arm.operations, provider.namespace).iter().map(entry).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, json};

    #[tokio::test]
    async fn operations_are_those_that_roles_speak_of() {
        let world = World::new().await;
        let listed = json(&world.get("/providers/Microsoft.Devices/operations").await.unwrap());
        let names: Vec<_> = listed["value"].as_array().unwrap().iter().map(|found| found["name"].clone()).collect();
        assert!(names.contains(&"Microsoft.Devices/iotHubs/listkeys/Action".into()));
        let mut once = names.clone();
        once.dedup();
        assert_eq!(names, once);
    }
}
