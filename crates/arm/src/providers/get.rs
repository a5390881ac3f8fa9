//! Reads a resource provider.
//! Source: 2022-09-01; `az resource show` takes the api-version from here.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, find};
use crate::Arm;

/// `Providers_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Providers_Get",
    method: Method::Get,
    path: subscription_path!("/providers/{resourceProviderNamespace}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/providers/read" },
    support: Support::Served,
    summary: "Reads a resource provider.",
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
    async fn a_provider_names_its_types_and_versions() {
        let world = World::new().await;
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/microsoft.devices");
        let found = json(&world.get(&path).await.unwrap());
        assert_eq!(found["registrationState"], "Registered");
        let hubs =
            found["resourceTypes"].as_array().unwrap().iter().find(|kind| kind["resourceType"] == "IotHubs").unwrap();
        assert_eq!(hubs["apiVersions"][0], "2023-06-30");
        let error = world.get(&path.replace("devices", "storage")).await.unwrap_err();
        assert_eq!(error.code.name, "InvalidResourceNamespace");
    }
}
