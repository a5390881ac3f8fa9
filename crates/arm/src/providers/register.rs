//! Registers a subscription with a resource provider: every one is registered already.
//! Source: 2022-09-01. In Azure each provider has an action of its own for this; the one of IoT stands for all.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, find};
use crate::Arm;

/// `Providers_Register`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Providers_Register",
    method: Method::Post,
    path: subscription_path!("/providers/{resourceProviderNamespace}/register"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/register/action" },
    support: Support::Served,
    summary: "Registers a subscription with a resource provider.",
};

/// Answers 200 with the provider.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    Ok(Answer::ok(&document(find(request.param("resourceProviderNamespace"))?, subscription)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn a_provider_is_registered_already() {
        let world = World::new().await;
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DigitalTwins/register");
        let found = json(&world.post(&path, None).await.unwrap());
        assert_eq!(found["registrationState"], "Registered");
        assert_eq!(world.post(&path.replace("DigitalTwins", "None"), None).await.unwrap_err().code.status, 404);
    }
}
