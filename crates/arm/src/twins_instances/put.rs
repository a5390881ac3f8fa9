//! Makes a Digital Twins instance, or makes one that stands what the body says.
//! Source: 2023-01-31 and recorded answers. Azure works for minutes and answers 201 first; here the instance is ready at once.
//! What the body leaves out goes back to its default, but for the identity, which stays.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::{ResourceGroup, TwinsInstance};

use super::change::InstanceChange;
use super::create::new_twins_instance;
use super::document::document;
use crate::arm::is_named_by;
use crate::errors::{INVALID_RESOURCE_NAME, RESOURCE_NAME_TAKEN};
use crate::{Arm, location, managed_identity, names};

/// `DigitalTwins_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_CreateOrUpdate",
    method: Method::Put,
    path: group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.DigitalTwins/digitalTwinsInstances/write" },
    support: Support::Served,
    summary: "Makes or replaces a Digital Twins instance.",
};

/// Answers 201 for a new instance and 200 for one that stood, with the instance.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = InstanceChange::read(&request)?;
    let name = request.param("resourceName");
    let key = name.to_ascii_lowercase();
    let made = arm.estate.store.transact(|transaction| {
        let group = arm.group(&request)?;
        let standing = transaction.get(&arm.estate.twins_instances, &key);
        if standing.as_ref().is_some_and(|instance| !is_named_by(&instance.id, &request)) {
            let text = format!("The name '{name}' is taken by another Digital Twins instance.");
            return Err(ServiceError::new(&RESOURCE_NAME_TAKEN, text));
        }
        let base = match &standing {
            Some(instance) => {
                location::require_same(&instance.id, &instance.location, change.location.as_deref())?;
                TwinsInstance::clone(instance)
            }
            None => new(arm, &group, name, change.location.as_deref())?,
        };
        let mut instance = change.replace(&base);
        let before = base.identity.as_ref();
        instance.identity = managed_identity::apply(
            arm,
            permit.caller(),
            transaction,
            &base.id,
            before,
            change.identity.as_ref(),
            true,
        )?;
        instance.changed_at = arm.ground.now();
        transaction.put(&arm.estate.twins_instances, &key, instance.clone());
        Ok::<_, ServiceError>((if standing.is_some() { 200 } else { 201 }, instance))
    });
    let (status, instance) = made.await?;
    Ok(Answer::json(status, &document(arm, &instance)))
}

/// The instance that a first PUT starts from.
fn new(arm: &Arm, group: &ResourceGroup, name: &str, location: Option<&str>) -> Result<TwinsInstance, ServiceError> {
    if !names::is_twins_instance_name(name) {
        let text =
            format!("'{name}' cannot name a Digital Twins instance: 3 to 63 letters, digits and inner hyphens can.");
        return Err(ServiceError::new(&INVALID_RESOURCE_NAME, text));
    }
    let location = location::required(location, TwinsInstance::TYPE)?;
    let id = names::resource_id(group, TwinsInstance::TYPE, name);
    Ok(new_twins_instance(&arm.ground, arm.estate.tenant.cloud, id, location))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn an_instance_is_made_at_once_and_replaced() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        let body =
            json!({"location": "westeurope", "tags": {"a": "1"}, "properties": {"publicNetworkAccess": "Disabled"}});
        let first = world.put(&path, body).await.unwrap();
        assert_eq!((first.status, first.headers.len()), (201, 0));
        assert_eq!(json(&first)["properties"]["provisioningState"], "Succeeded");
        assert_eq!(json(&first)["properties"]["publicNetworkAccess"], "Disabled");
        let second =
            world.put(&path, json!({"location": "westeurope", "identity": {"type": "SystemAssigned"}})).await.unwrap();
        assert_eq!(second.status, 200);
        assert_eq!(json(&second)["tags"], json!({}));
        assert_eq!(json(&second)["properties"]["publicNetworkAccess"], "Enabled");
        let object_id = json(&second)["identity"]["principalId"].as_str().unwrap().to_owned();
        assert_eq!(world.arm.estate.principal(&object_id).unwrap().name, "twins1");
    }

    #[tokio::test]
    async fn a_bad_body_or_name_makes_nothing() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        let bodies = [
            (json!({}), "LocationRequired"),
            (json!({"location": "mars"}), "LocationNotAvailableForResourceType"),
            (json!({"location": "westeurope", "tags": [1]}), "InvalidRequestContent"),
            (json!({"location": "westeurope", "properties": {"publicNetworkAccess": "Maybe"}}), "BadRequest"),
            (json!({"location": "westeurope", "properties": {"publicNetworkAccess": 5}}), "InvalidRequestContent"),
            (
                json!({"location": "westeurope", "properties": {"privateEndpointConnections": 5}}),
                "InvalidRequestContent",
            ),
            (json!({"location": "westeurope", "identity": {"type": "Someone"}}), "FailedIdentityOperation"),
        ];
        for (body, code) in bodies {
            assert_eq!(world.put(&path, body).await.unwrap_err().code.name, code);
        }
        let odd = path.replace("twins1", "a_b");
        assert_eq!(
            world.put(&odd, json!({"location": "westeurope"})).await.unwrap_err().code.name,
            "InvalidResourceName"
        );
        assert_eq!(world.arm.estate.twins_instances.count(""), 0);
    }
}
