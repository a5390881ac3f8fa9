//! Lists the actions of all resource providers.
//! Source: `ProviderOperationsMetadata_List` of 2022-04-01; open to every signed-in caller, as reading one is.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::document;
use crate::Arm;
use crate::providers::PROVIDERS;

/// `ProviderOperationsMetadata_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ProviderOperationsMetadata_List",
    method: Method::Get,
    path: "/providers/Microsoft.Authorization/providerOperations",
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the actions of all resource providers.",
};

/// Answers 200 with the providers.
pub(crate) async fn run(arm: &Arm, _: Permit, _: Request) -> Result<Answer, ServiceError> {
    let value: Vec<_> = PROVIDERS.iter().map(|provider| document(&arm.operations, provider.namespace)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, json};

    #[tokio::test]
    async fn every_provider_is_there() {
        let world = World::new().await;
        let listed = json(&world.get("/providers/Microsoft.Authorization/providerOperations").await.unwrap());
        assert_eq!(listed["value"].as_array().unwrap().len(), crate::providers::PROVIDERS.len());
    }
}
