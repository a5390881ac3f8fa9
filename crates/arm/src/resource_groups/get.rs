//! Reads a resource group.
//! Source: 2022-09-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document;
use crate::Arm;

/// `ResourceGroups_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ResourceGroups_Get",
    method: Method::Get,
    path: subscription_path!("/resourcegroups/{resourceGroupName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/resourceGroups/read" },
    support: Support::Served,
    summary: "Reads a resource group.",
};

/// Answers 200 with the group.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::ok(&document(&*arm.group(&request)?)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn a_group_is_read_in_any_case() {
        let world = World::new().await;
        let group = json(&world.get(&GROUP.to_uppercase()).await.unwrap());
        assert_eq!(
            (&group["name"], &group["properties"]["provisioningState"]),
            (&"contoso".into(), &"Succeeded".into())
        );
        assert_eq!(world.get(&GROUP.replace("contoso", "none")).await.unwrap_err().code.name, "ResourceGroupNotFound");
    }
}
