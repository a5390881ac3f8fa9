//! Tells whether a provisioning service can be named so.
//! Source: recorded answers: a free name comes with the reason `Invalid` and no message.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::errors::ARGUMENT_NULL;
use crate::fields::Fields;
use crate::{Arm, names};

/// `IotDpsResource_CheckProvisioningServiceNameAvailability`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_CheckProvisioningServiceNameAvailability",
    method: Method::Post,
    path: subscription_path!("/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/checkProvisioningServiceNameAvailability/Action" },
    support: Support::Served,
    summary: "Tells whether the name of a provisioning service is free.",
};

/// Answers 200 either way.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    arm.subscription(request.param("subscriptionId"))?;
    let mut body = Fields::of(&request)?;
    let name = body.text("name")?.ok_or_else(|| ServiceError::new(&ARGUMENT_NULL, "'name' is missing."))?;
    let answer = if !names::is_provisioning_service_name(&name) {
        let text =
            format!("'{name}' is no name for a provisioning service: 3 to 64 letters, digits and inner hyphens are.");
        json!({"nameAvailable": false, "reason": "Invalid", "message": text})
    } else if arm.estate.provisioning_service(&name).is_some() {
        let text = format!("Provisioning service name '{name}' is not available");
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": text})
    } else {
        json!({"nameAvailable": true, "reason": "Invalid", "message": null})
    };
    Ok(Answer::ok(&answer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn a_name_is_free_taken_or_no_name() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        let ask_path = format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability"
        );
        let ask = async |name: &str| json(&world.post(&ask_path, Some(json!({"name": name}))).await.unwrap());
        assert_eq!(ask("dps1").await, json!({"nameAvailable": true, "reason": "Invalid", "message": null}));
        world.put(&path, body).await.unwrap();
        assert_eq!(ask("DPS1").await["reason"], "AlreadyExists");
        assert_eq!(ask("a b").await["nameAvailable"], false);
    }
}
