//! Tells whether a Digital Twins instance can be named so.
//! Source: recorded answers: a free name comes with the reason `NameIsAvailable` and a message.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::TwinsInstance;
use serde_json::json;

use crate::errors::BAD_REQUEST;
use crate::fields::Fields;
use crate::{Arm, names};

/// `DigitalTwins_CheckNameAvailability`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_CheckNameAvailability",
    method: Method::Post,
    path: subscription_path!("/providers/Microsoft.DigitalTwins/locations/{location}/checkNameAvailability"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.DigitalTwins/locations/checkNameAvailability/action" },
    support: Support::Served,
    summary: "Tells whether the name of a Digital Twins instance is free.",
};

/// Answers 200 either way.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    arm.subscription(request.param("subscriptionId"))?;
    let mut body = Fields::of(&request)?;
    let name = body.text("name")?.ok_or_else(|| ServiceError::new(&BAD_REQUEST, "'name' is missing."))?;
    let kind = body.text("type")?.unwrap_or_else(|| TwinsInstance::TYPE.to_owned());
    if !kind.eq_ignore_ascii_case(TwinsInstance::TYPE) {
        return Err(ServiceError::new(&BAD_REQUEST, format!("Names of the type '{kind}' are not checked here.")));
    }
    let answer = if !names::is_twins_instance_name(&name) {
        let text = format!("'{name}' is no name for an instance: 3 to 63 letters, digits and inner hyphens are.");
        json!({"nameAvailable": false, "reason": "Invalid", "message": text})
    } else if arm.estate.twins_instance(&name).is_some() {
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": format!("'{name}' is not available.")})
    } else {
        json!({"nameAvailable": true, "reason": "NameIsAvailable", "message": format!("'{name}' is available.")})
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
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        let ask_path = format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DigitalTwins/locations/westeurope/checkNameAvailability"
        );
        let ask = async |name: &str| {
            let body = json!({"name": name, "type": "Microsoft.DigitalTwins/digitalTwinsInstances"});
            json(&world.post(&ask_path, Some(body)).await.unwrap())
        };
        assert_eq!(ask("twins1").await["reason"], "NameIsAvailable");
        world.put(&path, json!({"location": "westeurope"})).await.unwrap();
        assert_eq!(ask("Twins1").await["reason"], "AlreadyExists");
        assert_eq!(ask("-a-").await["nameAvailable"], false);
    }
}
