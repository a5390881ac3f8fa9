//! Reads a subscription.
//! Source: 2022-12-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document;
use crate::Arm;
use crate::errors::SUBSCRIPTION_NOT_FOUND;

/// `Subscriptions_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Subscriptions_Get",
    method: Method::Get,
    path: subscription_path!(""),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/read" },
    support: Support::Served,
    summary: "Reads a subscription.",
};

/// Answers 200 with the subscription.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = request.param("subscriptionId");
    match arm.estate.subscriptions.get(&id.to_ascii_lowercase()) {
        Some(found) => Ok(Answer::ok(&document(arm, &found))),
        None => Err(ServiceError::new(&SUBSCRIPTION_NOT_FOUND, format!("The subscription '{id}' could not be found."))),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn a_subscription_is_read_by_its_id() {
        let world = World::new().await;
        let found = json(&world.get(&format!("/subscriptions/{SUBSCRIPTION}")).await.unwrap());
        assert_eq!((&found["displayName"], &found["state"]), (&"Contoso".into(), &"Enabled".into()));
        let error = world.get("/subscriptions/00000000-0000-0000-0000-000000000001").await.unwrap_err();
        assert_eq!(error.code.name, "SubscriptionNotFound");
    }
}
