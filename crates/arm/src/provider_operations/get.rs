//! Reads the actions of a resource provider, by resource type: what custom roles are made of.
//! Source: `ProviderOperationsMetadata_Get` of 2022-04-01. It belongs to no scope that a role could be given at, and Azure
//! answers it to every signed-in caller; so does this.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document;
use crate::Arm;
use crate::providers::find;

/// `ProviderOperationsMetadata_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ProviderOperationsMetadata_Get",
    method: Method::Get,
    path: "/providers/Microsoft.Authorization/providerOperations/{resourceProviderNamespace}",
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Reads the actions of a resource provider.",
};

/// Answers 200 with the provider's actions.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let provider = find(request.param("resourceProviderNamespace"))?;
    Ok(Answer::ok(&document(&arm.operations, provider.namespace)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, json};

    #[tokio::test]
    async fn actions_stand_under_their_resource_type() {
        let world = World::new().await;
        let path = "/providers/Microsoft.Authorization/providerOperations/Microsoft.DigitalTwins";
        let found = json(&world.get(path).await.unwrap());
        let types = found["resourceTypes"].as_array().unwrap();
        let instances = types.iter().find(|kind| kind["name"] == "digitalTwinsInstances").unwrap();
        let names: Vec<_> =
            instances["operations"].as_array().unwrap().iter().map(|found| found["name"].clone()).collect();
        assert!(names.contains(&"Microsoft.DigitalTwins/digitalTwinsInstances/write".into()));
        assert_eq!(instances["operations"][0]["isDataAction"], false);
    }

    #[tokio::test]
    async fn published_data_actions_that_no_operation_asks_for_are_told_too() {
        let world = World::new().await;
        let path = "/providers/Microsoft.Authorization/providerOperations/Microsoft.DigitalTwins";
        let found = json(&world.get(path).await.unwrap());
        let types = found["resourceTypes"].as_array().unwrap();
        let all: Vec<_> = types.iter().flat_map(|kind| kind["operations"].as_array().unwrap()).collect();
        for name in ["digitaltwins/commands/action", "jobs/import/read", "jobs/delete/read", "jobs/delete/write"] {
            let name = format!("Microsoft.DigitalTwins/{name}");
            let action = all.iter().find(|action| action["name"] == *name).unwrap();
            assert_eq!(action["isDataAction"], true, "{name}");
        }
        let devices = json(&world.get(&path.replace("DigitalTwins", "Devices")).await.unwrap());
        assert!(!devices.to_string().contains("jobs/delete/write"), "each provider has its own");
    }
}
