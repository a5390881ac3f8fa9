//! Changes a resource group's tags.
//! Source: 2022-09-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::ResourceGroup;

use super::document;
use crate::Arm;
use crate::arm::group_key;
use crate::fields::Fields;

/// `ResourceGroups_Update`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ResourceGroups_Update",
    method: Method::Patch,
    path: subscription_path!("/resourcegroups/{resourceGroupName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/resourceGroups/write" },
    support: Support::Served,
    summary: "Changes a resource group's tags.",
};

/// Answers 200 with the group.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let tags = Fields::of(&request)?.text_map("tags")?;
    let changed = arm.estate.store.transact(|transaction| {
        let standing = arm.group(&request)?;
        let mut group = ResourceGroup::clone(&standing);
        if let Some(tags) = &tags {
            group.tags.clone_from(tags);
        }
        let key = group_key(request.param("subscriptionId"), request.param("resourceGroupName"));
        transaction.put(&arm.estate.resource_groups, &key, group.clone());
        Ok::<_, ServiceError>(group)
    });
    Ok(Answer::ok(&document(&changed.await?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn tags_are_replaced_where_the_body_has_some() {
        let world = World::new().await;
        world.patch(GROUP, json!({"tags": {"a": "1"}})).await.unwrap();
        let group = world.patch(GROUP, json!({})).await.unwrap();
        assert_eq!(json(&group)["tags"], json!({"a": "1"}));
        assert_eq!(world.patch(&GROUP.replace("contoso", "none"), json!({})).await.unwrap_err().code.status, 404);
    }
}
