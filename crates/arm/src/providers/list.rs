//! Lists the resource providers that the emulator has something of.
//! Source: 2022-09-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::{PROVIDERS, document};
use crate::Arm;

/// `Providers_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Providers_List",
    method: Method::Get,
    path: subscription_path!("/providers"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/providers/read" },
    support: Support::Served,
    summary: "Lists the resource providers.",
};

/// Answers 200 with the providers.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    let value: Vec<_> = PROVIDERS.iter().map(|provider| document(provider, subscription)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_providers_are_listed() {
        let world = World::new().await;
        let listed = json(&world.get(&format!("/subscriptions/{SUBSCRIPTION}/providers")).await.unwrap());
        let names: Vec<_> =
            listed["value"].as_array().unwrap().iter().map(|found| found["namespace"].clone()).collect();
        assert!(names.contains(&"Microsoft.Devices".into()) && names.contains(&"Microsoft.DigitalTwins".into()));
    }
}
