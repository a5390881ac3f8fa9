//! Makes a hub, or makes one that stands what the body says.
//! Source: 2023-06-30 and recorded answers. Azure works for minutes and answers 201 first; here the hub is ready at once, which
//! the management clients take as the end of the long-running operation. What the body leaves out goes back to its default,
//! but for the shared access policies and the identity: those stay.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_kernel::{
    Answer, ApiVersions, Method, Need, Operation, Request, ResourceId, Service, ServiceError, Support, Uuid,
};
use iolite_resources::{Hub, ResourceGroup};
use iolite_store::Versioned;

use super::change::HubChange;
use super::create::new_hub;
use super::document::document;
use crate::arm::is_named_by;
use crate::errors::{ARGUMENT_INVALID, ARGUMENT_NULL, DEVICES_PRECONDITION_FAILED, HUB_NAME_NOT_AVAILABLE};
use crate::etag::{if_match, require};
use crate::{Arm, location, managed_identity, names};

/// `IotHubResource_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_CreateOrUpdate",
    method: Method::Put,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/Write" },
    support: Support::Served,
    summary: "Makes or replaces a hub, its policies and switches included.",
};

/// Answers 201 for a new hub and 200 for one that stood, with the hub.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = HubChange::read(&request)?;
    let condition = if_match(&request)?;
    let name = request.param("resourceName");
    let key = name.to_ascii_lowercase();
    let made = arm.estate.store.transact(|transaction| {
        let group = arm.group(&request)?;
        let standing = transaction.get(&arm.estate.hubs, &key);
        if let Some(other) = standing.as_ref().filter(|hub| !is_named_by(&hub.id, &request)) {
            return Err(taken(&other.id));
        }
        require(&condition, standing.as_ref().map(|hub| hub.revision), &DEVICES_PRECONDITION_FAILED)?;
        let base = match &standing {
            Some(hub) => {
                location::require_same(&hub.id, &hub.location, change.location.as_deref())?;
                Hub::clone(hub)
            }
            None => new(arm, &group, name, &change)?,
        };
        let mut hub = change.replace(&base, arm)?;
        let identity = base.identity.as_ref();
        hub.identity = managed_identity::apply(
            arm,
            permit.caller(),
            transaction,
            &hub.id,
            identity,
            change.identity.as_ref(),
            true,
        )?;
        if let Some(before) = &standing {
            tell(arm, before, &hub, permit.decision());
        }
        transaction.put(&arm.estate.hubs, &key, hub.clone());
        let written = Versioned { revision: transaction.revision(), value: Arc::new(hub) };
        Ok((if standing.is_some() { 200 } else { 201 }, written))
    });
    let (status, hub) = made.await?;
    Ok(Answer::json(status, &document(arm, &hub)))
}

/// Tells the witness where `disableLocalAuth` changes; called last, when nothing else can refuse the change.
pub(crate) fn tell(arm: &Arm, before: &Hub, after: &Hub, decision: Uuid) {
    if before.disable_local_auth != after.disable_local_auth {
        arm.surroundings.witness.local_auth_about_to_change(before, after.disable_local_auth, decision);
    }
}

/// The hub that a first PUT starts from.
fn new(arm: &Arm, group: &ResourceGroup, name: &str, change: &HubChange) -> Result<Hub, ServiceError> {
    if !names::is_hub_name(name) {
        let text = format!(
            "'{name}' cannot name a hub: 3 to 50 letters, digits and hyphens can, neither first nor last a hyphen."
        );
        return Err(ServiceError::new(&ARGUMENT_INVALID, text));
    }
    let location = location::required(change.location.as_deref(), Hub::TYPE)?;
    let Some(sku) = change.sku.clone() else { return Err(ServiceError::new(&ARGUMENT_NULL, "'sku' is missing.")) };
    let id = names::resource_id(group, Hub::TYPE, name);
    let mut hub = new_hub(&arm.ground, arm.estate.tenant.cloud, id, location, sku);
    change.settle(&mut hub);
    Ok(hub)
}

fn taken(by: &ResourceId) -> ServiceError {
    ServiceError::new(&HUB_NAME_NOT_AVAILABLE, format!("IotHub name '{}' is not available.", by.name()))
}

#[cfg(test)]
mod tests {
    use iolite_kernel::{Bytes, Method};
    use serde_json::{Value, json};

    use crate::testing::{CALLER, GROUP, World, json};

    fn path() -> String {
        format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1")
    }

    fn body() -> Value {
        json!({"location": "westeurope", "sku": {"name": "S1", "capacity": 1}})
    }

    async fn standing() -> World {
        let world = World::new().await;
        world.put(&path(), body()).await.unwrap();
        world
    }

    fn with(properties: Value) -> Value {
        let mut body = body();
        body["properties"] = properties;
        body
    }

    #[tokio::test]
    async fn a_new_hub_is_finished_at_once_and_has_the_five_policies() {
        let world = World::new().await;
        let answer = world.put(&path(), body()).await.unwrap();
        assert_eq!(answer.status, 201);
        assert!(answer.headers.is_empty(), "no header that makes a client poll");
        assert_eq!(json(&answer)["properties"]["provisioningState"], "Succeeded");
        assert_eq!(world.arm.estate.hub("hub1").unwrap().policies.len(), 5);
    }

    #[tokio::test]
    async fn a_second_put_keeps_the_keys_and_answers_200() {
        let world = standing().await;
        let before = world.arm.estate.hub("hub1").unwrap();
        let answer = world.put(&path(), with(json!({"disableLocalAuth": true}))).await.unwrap();
        assert_eq!(answer.status, 200);
        let after = world.arm.estate.hub("hub1").unwrap();
        assert_eq!(after.policies, before.policies);
        assert!(after.disable_local_auth);
    }

    #[tokio::test]
    async fn policies_in_the_body_replace_those_that_stand_and_a_key_left_out_stays() {
        let world = standing().await;
        let before = world.arm.estate.hub("hub1").unwrap();
        let fresh = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let policies = json!([
            {"keyName": "iothubowner", "primaryKey": fresh,
             "rights": "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect"},
            {"keyName": "mine", "rights": "ServiceConnect"},
        ]);
        world.put(&path(), with(json!({"authorizationPolicies": policies}))).await.unwrap();
        let after = world.arm.estate.hub("hub1").unwrap();
        assert_eq!(after.policies.len(), 2);
        assert_eq!(after.policies[0].primary_key.reveal(), fresh);
        assert_eq!(after.policies[0].secondary_key, before.policies[0].secondary_key);
        assert_eq!(after.policies[1].rights.to_string(), "ServiceConnect");
        assert!(!after.policies[1].primary_key.reveal().is_empty());
    }

    #[tokio::test]
    async fn an_etag_that_has_gone_by_is_refused_and_changes_nothing() {
        let world = standing().await;
        let etag = json(&world.get(&path()).await.unwrap())["etag"].as_str().unwrap().to_owned();
        let put = |body| {
            let headers = [("if-match", etag.as_str())];
            let world = &world;
            async move { world.call(Method::Put, &path(), &headers, Some(body)).await }
        };
        put(with(json!({"disableDeviceSAS": true}))).await.unwrap();
        let error = put(with(json!({"disableDeviceSAS": false}))).await.unwrap_err();
        assert_eq!(error.code.status, 412);
        assert!(world.arm.estate.hub("hub1").unwrap().disable_device_sas);
    }

    #[tokio::test]
    async fn the_witness_hears_of_the_switch_only_when_it_changes() {
        let world = World::new().await;
        world.put(&path(), with(json!({"disableLocalAuth": false}))).await.unwrap();
        world.put(&path(), with(json!({"disableLocalAuth": true}))).await.unwrap();
        world.put(&path(), with(json!({"disableLocalAuth": true}))).await.unwrap();
        world.put(&path(), body()).await.unwrap();
        let told = world.told.switched.lock().clone();
        assert_eq!(told, [("hub1".to_owned(), true), ("hub1".to_owned(), false)]);
    }

    #[tokio::test]
    async fn a_refused_change_is_not_told() {
        let world = standing().await;
        let change = with(json!({"disableLocalAuth": true, "eventHubEndpoints": {"events": {"partitionCount": 8}}}));
        let error = world.put(&path(), change).await.unwrap_err();
        assert_eq!(error.code.number, 400_016);
        assert!(world.told.switched.lock().is_empty());
    }

    #[tokio::test]
    async fn unknown_properties_are_kept_and_secrets_in_them_masked() {
        let world = standing().await;
        let routing = json!({"endpoints": {"eventHubs": [{"name": "e", "connectionString": "Endpoint=sb://e;SharedAccessKey=k"}]}});
        let answer =
            world.put(&path(), with(json!({"routing": routing, "comments": "kept", "novel": 1}))).await.unwrap();
        let shown = json(&answer);
        assert_eq!(shown["properties"]["comments"], "kept");
        assert_eq!(shown["properties"]["novel"], 1);
        let endpoint = &shown["properties"]["routing"]["endpoints"]["eventHubs"][0];
        assert_eq!(endpoint["connectionString"], "Endpoint=sb://e;SharedAccessKey=****");
        let again = world.put(&path(), shown.clone()).await.unwrap();
        assert_eq!(json(&again)["properties"], shown["properties"]);
        let kept = &world.arm.estate.hub("hub1").unwrap().other_properties["routing"];
        assert_eq!(kept, &routing);
    }

    #[tokio::test]
    async fn a_system_assigned_identity_comes_and_goes_with_the_block() {
        let world = standing().await;
        let mut body = body();
        body["identity"] = json!({"type": "SystemAssigned"});
        let shown = json(&world.put(&path(), body.clone()).await.unwrap());
        let object_id = shown["identity"]["principalId"].as_str().unwrap().to_owned();
        assert_eq!(world.arm.estate.principal(&object_id).unwrap().name, "hub1");
        let again = json(&world.put(&path(), body.clone()).await.unwrap());
        assert_eq!(again["identity"]["principalId"], object_id.as_str());
        body["identity"] = json!({"type": "None"});
        world.put(&path(), body).await.unwrap();
        assert!(world.arm.estate.principal(&object_id).is_none());
    }

    #[tokio::test]
    async fn a_bad_body_is_refused_and_nothing_is_made() {
        let cases = [
            (json!({"sku": {"name": "S1"}}), "LocationRequired"),
            (json!({"location": "westeurope"}), "ArgumentNull"),
            (json!({"location": "mars", "sku": {"name": "S1"}}), "LocationNotAvailableForResourceType"),
            (json!({"location": "westeurope", "sku": {"name": "S9"}}), "ArgumentInvalid"),
            (json!({"location": "westeurope", "sku": {"name": "S3", "capacity": 11}}), "ArgumentInvalid"),
            (json!({"location": "westeurope", "sku": {"name": "S1", "capacity": "many"}}), "InvalidRequestContent"),
            (json!({"location": 7, "sku": {"name": "S1"}}), "InvalidRequestContent"),
            (with(json!({"disableLocalAuth": "yes"})), "InvalidRequestContent"),
            (with(json!({"minTlsVersion": "0.9"})), "InvalidMinTlsVersion"),
            (with(json!({"eventHubEndpoints": {"events": {"partitionCount": 1000}}})), "PartitionCountOutOfRange"),
            (with(json!({"authorizationPolicies": [{"keyName": "a", "rights": "EnrollmentRead"}]})), "ArgumentInvalid"),
            (with(json!({"authorizationPolicies": [{"keyName": "a", "rights": "All"}]})), "ArgumentInvalid"),
            (
                with(
                    json!({"authorizationPolicies": [{"keyName": "a", "rights": "ServiceConnect", "primaryKey": "?"}]}),
                ),
                "ArgumentInvalid",
            ),
            (json!([1]), "InvalidRequestContent"),
        ];
        let world = World::new().await;
        for (body, code) in cases {
            let error = world.put(&path(), body.clone()).await.unwrap_err();
            assert_eq!(error.code.name, code, "{body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let broken = [Bytes::from_static(b"{"), Bytes::new(), Bytes::from_static(b"{\"a\": \"\xff\"}"), deep.into()];
        for bytes in broken {
            let error = world.raw(CALLER, Method::Put, &path(), &[], bytes).await.unwrap_err();
            assert_eq!(error.code.name, "InvalidRequestContent");
        }
        let xml = [("content-type", "application/xml")];
        let error = world.raw(CALLER, Method::Put, &path(), &xml, Bytes::from_static(b"<a/>")).await.unwrap_err();
        assert_eq!(error.code.status, 415);
        assert!(world.arm.estate.hub("hub1").is_none());
    }

    #[tokio::test]
    async fn a_name_is_taken_once_for_all_groups() {
        let world = standing().await;
        let other = format!("/subscriptions/{}/resourcegroups/other", crate::testing::SUBSCRIPTION);
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        let error = world.put(&format!("{other}/providers/Microsoft.Devices/IotHubs/HUB1"), body()).await.unwrap_err();
        assert_eq!(error.code.number, 409_004);
    }

    #[tokio::test]
    async fn a_hub_does_not_move() {
        let world = standing().await;
        let mut body = body();
        body["location"] = json!("West Europe");
        assert!(world.put(&path(), body.clone()).await.is_ok());
        body["location"] = json!("northeurope");
        assert_eq!(world.put(&path(), body).await.unwrap_err().code.name, "InvalidResourceLocation");
    }

    #[tokio::test]
    async fn names_follow_the_rules() {
        let world = World::new().await;
        for name in ["ab", "-abc", "abc-", "a_bc", &"a".repeat(51)] {
            let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/{name}");
            assert_eq!(world.put(&path, body()).await.unwrap_err().code.name, "ArgumentInvalid", "{name}");
        }
    }

    #[tokio::test]
    async fn rules_that_no_door_could_read_are_refused() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        for (properties, number) in [
            (json!({"ipFilterRules": [{"filterName": "a", "action": "Accept", "ipMask": "nowhere"}]}), 400_004),
            (json!({"networkRuleSets": {"ipRules": [{"filterName": "a", "ipMask": "1.1.1.1/40"}]}}), 400_004),
            (json!({"publicNetworkAccess": "Sometimes"}), 400_004),
            (json!({"minTlsVersion": "1.4"}), 400_089),
        ] {
            let mut hub = body();
            hub["properties"] = properties.clone();
            assert_eq!(world.put(&path, hub).await.unwrap_err().code.number, number, "{properties}");
        }
        let mut hub = body();
        hub["properties"] = json!({
            "minTlsVersion": "1.2", "publicNetworkAccess": "Enabled",
            "ipFilterRules": [{"filterName": "a", "action": "Reject", "ipMask": "10.0.0.0/8"}],
        });
        let answer = json(&world.put(&path, hub).await.unwrap());
        assert_eq!(answer["properties"]["ipFilterRules"][0]["ipMask"], "10.0.0.0/8");
    }
}
