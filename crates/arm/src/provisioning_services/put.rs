//! Makes a provisioning service, or makes one that stands what the body says.
//! Source: 2022-12-12 and recorded answers. Azure works for minutes and answers 201 first; here the service is ready at once.
//! What the body leaves out goes back to its default, linked hubs included, but for the shared access policies, the identity
//! and the id scope: those stay.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::{ProvisioningService, ResourceGroup};
use iolite_store::Versioned;

use super::change::ServiceChange;
use super::create::new_provisioning_service;
use super::document::document;
use crate::arm::is_named_by;
use crate::errors::{
    ARGUMENT_INVALID, ARGUMENT_NULL, DEVICES_PRECONDITION_FAILED, PROVISIONING_SERVICE_NAME_NOT_AVAILABLE,
};
use crate::etag::{if_match, require};
use crate::{Arm, location, managed_identity, names};

/// `IotDpsResource_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_CreateOrUpdate",
    method: Method::Put,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/Write" },
    support: Support::Served,
    summary: "Makes or replaces a provisioning service, its linked hubs and policies included.",
};

/// Answers 201 for a new service and 200 for one that stood, with the service.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = ServiceChange::read(&request)?;
    let condition = if_match(&request)?;
    let name = request.param("provisioningServiceName");
    let key = name.to_ascii_lowercase();
    let made = arm.estate.store.transact(|transaction| {
        let group = arm.group(&request)?;
        let standing = transaction.get(&arm.estate.provisioning_services, &key);
        if standing.as_ref().is_some_and(|service| !is_named_by(&service.id, &request)) {
            let text = format!("Provisioning service name '{name}' is not available.");
            return Err(ServiceError::new(&PROVISIONING_SERVICE_NAME_NOT_AVAILABLE, text));
        }
        require(&condition, standing.as_ref().map(|service| service.revision), &DEVICES_PRECONDITION_FAILED)?;
        let base = match &standing {
            Some(service) => {
                location::require_same(&service.id, &service.location, change.location.as_deref())?;
                ProvisioningService::clone(service)
            }
            None => new(arm, &group, name, &change)?,
        };
        let before = base.identity.as_ref();
        let identity = managed_identity::apply(
            arm,
            permit.caller(),
            transaction,
            &base.id,
            before,
            change.identity.as_ref(),
            true,
        )?;
        let mut service = change.replace(&base, identity.as_ref(), arm)?;
        service.identity = identity;
        transaction.put(&arm.estate.provisioning_services, &key, service.clone());
        let written = Versioned { revision: transaction.revision(), value: Arc::new(service) };
        Ok((if standing.is_some() { 200 } else { 201 }, written))
    });
    let (status, service) = made.await?;
    Ok(Answer::json(status, &document(arm, &service)))
}

/// The service that a first PUT starts from.
fn new(
    arm: &Arm,
    group: &ResourceGroup,
    name: &str,
    change: &ServiceChange,
) -> Result<ProvisioningService, ServiceError> {
    if !names::is_provisioning_service_name(name) {
        let text =
            format!("'{name}' cannot name a provisioning service: 3 to 64 letters, digits and inner hyphens can.");
        return Err(ServiceError::new(&ARGUMENT_INVALID, text));
    }
    let location = location::required(change.location.as_deref(), ProvisioningService::TYPE)?;
    let Some(capacity) = change.capacity else { return Err(ServiceError::new(&ARGUMENT_NULL, "'sku' is missing.")) };
    let id = names::resource_id(group, ProvisioningService::TYPE, name);
    Ok(new_provisioning_service(&arm.ground, arm.estate.tenant.cloud, id, location, capacity))
}

#[cfg(test)]
mod tests {
    use iolite_resources::LinkAuthentication;
    use serde_json::{Value, json};

    use crate::testing::{GROUP, WORKLOAD, World, json};

    fn path() -> String {
        format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1")
    }

    fn with(links: Value, identity: Value) -> Value {
        json!({
            "location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "identity": identity,
            "properties": {"iotHubs": links},
        })
    }

    async fn with_hub() -> World {
        let world = World::new().await;
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&hub, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        world
    }

    const BY_KEY: &str = "HostName=localhost:8443;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0";

    #[tokio::test]
    async fn a_new_service_is_finished_at_once() {
        let world = World::new().await;
        let answer = world.put(&path(), with(json!([]), json!({"type": "None"}))).await.unwrap();
        assert_eq!((answer.status, answer.headers.len()), (201, 0));
        let service = json(&answer);
        assert_eq!(service["properties"]["provisioningState"], "Succeeded");
        assert_eq!(service["properties"]["allocationPolicy"], "Hashed");
        assert_eq!(service["identity"]["type"], "None");
    }

    #[tokio::test]
    async fn a_hub_is_linked_by_connection_string_under_its_own_name_and_the_key_is_masked() {
        let world = with_hub().await;
        let links = json!([{"connectionString": BY_KEY, "location": "westeurope", "allocationWeight": 5}]);
        let shown = json(&world.put(&path(), with(links, Value::Null)).await.unwrap());
        let link = &shown["properties"]["iotHubs"][0];
        assert_eq!(link["name"], "hub1.azure-devices.net");
        assert!(link["connectionString"].as_str().unwrap().ends_with("SharedAccessKey=****"));
        let again = json(&world.put(&path(), shown.clone()).await.unwrap());
        assert_eq!(again["properties"], shown["properties"]);
        let service = world.arm.estate.provisioning_service("dps1").unwrap();
        assert_eq!(
            service.linked_hubs[0].authentication,
            LinkAuthentication::ConnectionString(BY_KEY.to_owned().into())
        );
    }

    #[tokio::test]
    async fn a_hub_is_linked_by_the_identity_that_the_same_body_asks_for() {
        let world = with_hub().await;
        let link = json!([{"hostName": "hub1.azure-devices.net", "authenticationType": "SystemAssigned", "location": "westeurope"}]);
        let error = world.put(&path(), with(link.clone(), Value::Null)).await.unwrap_err();
        assert_eq!(error.code.number, 400_004);
        let shown = json(&world.put(&path(), with(link, json!({"type": "SystemAssigned"}))).await.unwrap());
        assert_eq!(shown["properties"]["iotHubs"][0]["authenticationType"], "SystemAssigned");
        let object_id = shown["identity"]["principalId"].as_str().unwrap();
        assert_eq!(world.arm.estate.principal(object_id).unwrap().name, "dps1");
    }

    #[tokio::test]
    async fn a_user_assigned_identity_must_be_the_services_own() {
        let world = with_hub().await;
        world.make_contributor(WORKLOAD).await;
        let link = json!([{
            "hostName": "hub1.azure-devices.net", "authenticationType": "UserAssigned", "location": "westeurope",
            "selectedUserAssignedIdentityResourceId": WORKLOAD,
        }]);
        assert!(world.put(&path(), with(link.clone(), Value::Null)).await.is_err());
        let identity = json!({"type": "UserAssigned", "userAssignedIdentities": {WORKLOAD: {}}});
        let shown = json(&world.put(&path(), with(link, identity)).await.unwrap());
        assert_eq!(
            shown["identity"]["userAssignedIdentities"][WORKLOAD]["principalId"],
            "55555555-5555-5555-5555-555555555555"
        );
        let nobody =
            json!({"type": "UserAssigned", "userAssignedIdentities": {WORKLOAD.replace("workload", "none"): {}}});
        let error = world.put(&path(), with(json!([]), nobody)).await.unwrap_err();
        assert_eq!(error.code.name, "FailedIdentityOperation");
    }

    /// Or a Contributor of the service alone could make devices in any hub where the identity has a role.
    #[tokio::test]
    async fn an_identity_is_given_only_by_who_may_assign_it_and_stays_whoever_writes() {
        let world = with_hub().await;
        let identity = json!({"type": "UserAssigned", "userAssignedIdentities": {WORKLOAD: {}}});
        let error = world.put(&path(), with(json!([]), identity.clone())).await.unwrap_err();
        assert_eq!((error.code.status, error.code.name), (403, "LinkedAuthorizationFailed"));
        assert!(error.message.contains("userAssignedIdentities/assign/action"), "{}", error.message);
        world.make_contributor(GROUP).await;
        assert!(world.put(&path(), with(json!([]), identity.clone())).await.is_ok());
        let assignment =
            format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/99999999-9999-9999-9999-999999999999");
        world.delete(&assignment).await.unwrap();
        assert!(world.put(&path(), with(json!([]), identity)).await.is_ok());
    }

    #[tokio::test]
    async fn a_refused_body_makes_no_service_and_no_identity() {
        let world = with_hub().await;
        let before = world.arm.estate.principals.count("");
        let cases = [
            json!([{"location": "westeurope"}]),
            json!([{"connectionString": "HostName=h", "location": "westeurope"}]),
            json!([{"connectionString": BY_KEY}]),
            json!([{"connectionString": BY_KEY, "location": "westeurope", "allocationWeight": 0}]),
            json!([{"connectionString": BY_KEY.replace("c2VjcmV0", "****"), "location": "westeurope"}]),
            json!([{"connectionString": BY_KEY, "location": "westeurope"}, {"connectionString": BY_KEY, "location": "westeurope"}]),
            json!([{"hostName": "h", "authenticationType": "Magic", "location": "westeurope"}]),
            json!({"not": "a list"}),
        ];
        for links in cases {
            let error = world.put(&path(), with(links.clone(), json!({"type": "SystemAssigned"}))).await.unwrap_err();
            assert_eq!(error.code.status, 400, "{links}");
        }
        assert!(world.arm.estate.provisioning_service("dps1").is_none());
        assert_eq!(world.arm.estate.principals.count(""), before);
    }

    #[tokio::test]
    async fn no_service_gets_a_property_that_none_can_have_and_nothing_is_changed() {
        let world = World::new().await;
        let body =
            |properties: Value| json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": properties});
        let rule = |member: &str, value: Value| {
            let mut rule =
                json!({"filterName": "a", "action": "Reject", "ipMask": "10.0.0.0/8", "target": "deviceApi"});
            rule[member] = value;
            json!({"ipFilterRules": [rule]})
        };
        world.put(&path(), body(rule("target", json!("DEVICEAPI")))).await.unwrap();
        let before = json(&world.get(&path()).await.unwrap());
        assert_eq!(before["properties"]["ipFilterRules"][0]["target"], "deviceApi");
        for (properties, number) in [
            (json!({"ipFilterRules": 5}), 0),
            (rule("filterName", json!(5)), 0),
            (rule("action", json!("Allow")), 400_004),
            (rule("ipMask", json!("nowhere")), 400_004),
            (rule("target", json!("everything")), 400_004),
            (json!({"publicNetworkAccess": "x"}), 400_004),
            (json!({"publicNetworkAccess": true}), 0),
            (json!({"enableDataResidency": "x"}), 0),
            (json!({"privateEndpointConnections": 5}), 0),
        ] {
            let changed = json!({"properties": properties});
            for refused in [world.put(&path(), body(properties.clone())).await, world.patch(&path(), changed).await] {
                let error = refused.unwrap_err();
                assert_eq!((error.code.status, error.code.number), (400, number), "{properties}: {}", error.message);
            }
        }
        assert_eq!(json(&world.get(&path()).await.unwrap()), before);
    }

    #[tokio::test]
    async fn links_left_out_of_a_put_are_gone_and_the_id_scope_stays() {
        let world = with_hub().await;
        let links = json!([{"connectionString": BY_KEY, "location": "westeurope"}]);
        let first = json(&world.put(&path(), with(links, Value::Null)).await.unwrap());
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        let second = json(&world.put(&path(), body).await.unwrap());
        assert_eq!(second["properties"]["iotHubs"], json!([]));
        assert_eq!(second["properties"]["idScope"], first["properties"]["idScope"]);
    }
}
