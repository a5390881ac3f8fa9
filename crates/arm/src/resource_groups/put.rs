//! Makes a resource group, or gives one that stands other tags.
//! Source: 2022-09-01.

use std::collections::BTreeMap;

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Scope, Service, ServiceError, Support};
use iolite_resources::ResourceGroup;

use super::document;
use crate::arm::group_key;
use crate::errors::{INVALID_RESOURCE_GROUP, INVALID_RESOURCE_GROUP_LOCATION};
use crate::fields::Fields;
use crate::{Arm, location, names};

/// `ResourceGroups_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ResourceGroups_CreateOrUpdate",
    method: Method::Put,
    path: subscription_path!("/resourcegroups/{resourceGroupName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/resourceGroups/write" },
    support: Support::Served,
    summary: "Makes a resource group or replaces its tags.",
};

/// Answers 201 for a new group and 200 for one that stood.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let mut body = Fields::of(&request)?;
    let location = body.text("location")?;
    let tags = body.text_map("tags")?.unwrap_or_default();
    let (subscription, name) = (request.param("subscriptionId"), request.param("resourceGroupName"));
    let key = group_key(subscription, name);
    let made = arm.estate.store.transact(|transaction| {
        arm.subscription(subscription)?;
        let standing = transaction.get(&arm.estate.resource_groups, &key);
        let group = match &standing {
            Some(group) => again(group, location.as_deref())?,
            None => new(subscription, name, location.as_deref())?,
        };
        let group = ResourceGroup { tags: tags.clone(), ..group };
        transaction.put(&arm.estate.resource_groups, &key, group.clone());
        Ok::<_, ServiceError>((if standing.is_some() { 200 } else { 201 }, group))
    });
    let (status, group) = made.await?;
    Ok(Answer::json(status, &document(&group)))
}

fn again(group: &ResourceGroup, location: Option<&str>) -> Result<ResourceGroup, ServiceError> {
    if location.is_some_and(|name| location::canonical(name) != location::canonical(&group.location)) {
        let text = format!("The resource group is in '{}' and cannot move.", group.location);
        return Err(ServiceError::new(&INVALID_RESOURCE_GROUP_LOCATION, text));
    }
    Ok(group.clone())
}

fn new(subscription: &str, name: &str, location: Option<&str>) -> Result<ResourceGroup, ServiceError> {
    if !names::is_group_name(name) {
        let text =
            format!("'{name}' cannot name a resource group: 1 to 90 letters, digits and '-_.()', the last not a '.'.");
        return Err(ServiceError::new(&INVALID_RESOURCE_GROUP, text));
    }
    let location = location::required_for_group(location)?.to_owned();
    Ok(ResourceGroup { id: Scope::resource_group(subscription, name), location, tags: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn a_group_is_made_and_its_tags_replaced() {
        let world = World::new().await;
        let path = GROUP.replace("contoso", "fresh");
        let first = world.put(&path, json!({"location": "westeurope", "tags": {"a": "1"}})).await.unwrap();
        assert_eq!(first.status, 201);
        let second = world.put(&path, json!({"location": "West Europe"})).await.unwrap();
        assert_eq!((second.status, &json(&second)["tags"]), (200, &json!({})));
    }

    #[tokio::test]
    async fn a_bad_group_is_not_made() {
        let world = World::new().await;
        let cases = [
            (GROUP.replace("contoso", "a."), json!({"location": "westeurope"}), "InvalidResourceGroup"),
            (GROUP.replace("contoso", "b"), json!({}), "LocationRequired"),
            (GROUP.to_owned(), json!({"location": "northeurope"}), "InvalidResourceGroupLocation"),
            (GROUP.replace("1111-", "2222-"), json!({"location": "westeurope"}), "SubscriptionNotFound"),
        ];
        for (path, body, code) in cases {
            assert_eq!(world.put(&path, body).await.unwrap_err().code.name, code, "{path}");
        }
        assert_eq!(world.arm.estate.resource_groups.count(""), 1);
    }
}
