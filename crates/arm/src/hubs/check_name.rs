//! Tells whether a hub can be named so.
//! Source: recorded answers: a free name comes with the reason `Invalid` and no message.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::errors::ARGUMENT_NULL;
use crate::fields::Fields;
use crate::{Arm, names};

/// `IotHubResource_CheckNameAvailability`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_CheckNameAvailability",
    method: Method::Post,
    path: subscription_path!("/providers/Microsoft.Devices/checkNameAvailability"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/checkNameAvailability/Action" },
    support: Support::Served,
    summary: "Tells whether the name of a hub is free.",
};

/// Answers 200 either way.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    arm.subscription(request.param("subscriptionId"))?;
    let mut body = Fields::of(&request)?;
    let name = body.text("name")?.ok_or_else(|| ServiceError::new(&ARGUMENT_NULL, "'name' is missing."))?;
    let answer = if !names::is_hub_name(&name) {
        let text = format!("'{name}' is no name for a hub: 3 to 50 letters, digits and inner hyphens are.");
        json!({"nameAvailable": false, "reason": "Invalid", "message": text})
    } else if arm.estate.hub(&name).is_some() {
        json!({
            "nameAvailable": false, "reason": "AlreadyExists", "message": format!("IotHub name '{name}' is not available"),
        })
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
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/checkNameAvailability");
        let ask = async |name: &str| json(&world.post(&path, Some(json!({"name": name}))).await.unwrap());
        assert_eq!(ask("hub1").await, json!({"nameAvailable": true, "reason": "Invalid", "message": null}));
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&hub, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        assert_eq!(ask("HUB1").await["reason"], "AlreadyExists");
        assert_eq!(ask("a").await["nameAvailable"], false);
    }
}
