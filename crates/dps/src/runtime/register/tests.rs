use iolite_kernel::{Method, Scope};
use iolite_resources::{
    LinkAuthentication, ManagedIdentityKind, Principal, PrincipalKind, ProvisioningService, ResourceIdentity,
};
use serde_json::Value;

use super::*;
use crate::HubAuthorization;
use crate::registrations;
use crate::runtime::operation_status;
use crate::testing::{FIRST_HUB, SECOND_HUB, SERVICE, World, json, linked};

/// Registers and polls; the registration state as the device sees it.
async fn register(world: &World, id: &str) -> Value {
    let (status, accepted) =
        world.device(&OPERATION, run, id, "", json!({"registrationId": id, "payload": null})).await;
    assert_eq!((status, &accepted["status"]), (202, &json!("assigning")));
    let operation = accepted["operationId"].as_str().unwrap();
    let poll = &operation_status::OPERATION;
    let (_, ended) = world.device(poll, operation_status::run, id, operation, json!({})).await;
    assert_eq!(ended["status"], ended["registrationState"]["status"]);
    ended["registrationState"].clone()
}

fn keys(device: &Value) -> &Value {
    &device["identity"]["authentication"]["symmetricKey"]
}

#[tokio::test]
async fn a_device_gets_its_enrolments_keys_id_twin_and_capabilities() {
    let world = World::new();
    let made = world
        .put_enrollment(
            "dev-1",
            json!({
                "deviceId": "pump#7",
                "capabilities": {"iotEdge": true},
                "initialTwin": {"tags": {"site": "north"}, "properties": {"desired": {"interval": 5}}},
            }),
        )
        .await;
    let state = register(&world, "dev-1").await;
    assert_eq!(state["deviceId"], "pump#7");
    let device = world.hubs.device(FIRST_HUB, "pump%237").expect("the id is escaped in the path");
    assert_eq!(keys(&device), &made["attestation"]["symmetricKey"]);
    assert_eq!(device["identity"]["deviceId"], "pump#7");
    assert_eq!(device["identity"]["capabilities"]["iotEdge"], true);
    assert_eq!(device["twin"], json!({"tags": {"site": "north"}, "properties": {"desired": {"interval": 5}}}));
}

#[tokio::test]
async fn a_device_of_a_group_gets_its_derived_key() {
    let world = World::new();
    let key = "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==";
    let attestation = json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": key}});
    world.put_group("fleet", json!({"attestation": attestation})).await;
    let id = "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6";
    let state = register(&world, id).await;
    assert_eq!(state["symmetricKey"], json!({"enrollmentGroupId": "fleet"}));
    let device = world.hubs.device(FIRST_HUB, id).unwrap();
    assert_eq!(keys(&device)["primaryKey"], "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
}

#[tokio::test]
async fn a_refused_link_fails_the_registration_with_the_hubs_own_error() {
    let world = World::new();
    world.enroll("dev-1").await;
    let body = r#"{"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized","ExceptionMessage":"Tracking ID:1"}"#;
    world.hubs.refuse(Method::Put, 401, body);
    let state = register(&world, "dev-1").await;
    assert_eq!((&state["status"], &state["errorCode"]), (&json!("failed"), &json!(401_002)));
    assert_eq!(state["errorMessage"], body);
    assert!(state.get("assignedHub").is_none());
    let told = world.ok(&registrations::get::OPERATION, registrations::get::run, "id=dev-1", json!(null)).await;
    assert_eq!(told["errorMessage"], body);

    *world.hubs.refuse.lock().unwrap() = None;
    let state = register(&world, "dev-1").await;
    assert_eq!((&state["status"], &state["substatus"]), (&json!("assigned"), &json!("initialAssignment")));
}

#[tokio::test]
async fn a_link_by_connection_string_signs_with_its_policy() {
    let world = World::new();
    world.enroll("dev-1").await;
    register(&world, "dev-1").await;
    let calls = world.hubs.calls.lock().unwrap();
    let HubAuthorization::SharedAccessSignature(token) = &calls[0].authorization else { panic!("a signature") };
    assert!(token.reveal().starts_with("SharedAccessSignature sr=contoso-hub.azure-devices.net&sig="));
    assert!(token.reveal().contains("&skn=iothubowner"));
    assert_eq!(calls[0].path, "/devices/dev-1?api-version=2021-04-12");
    assert_eq!(calls[0].if_match, None);
}

#[tokio::test]
async fn a_link_by_identity_acts_as_the_provisioning_services_own() {
    let world = World::new();
    world
        .link(|service| {
            service.linked_hubs[0].authentication = LinkAuthentication::SystemAssigned;
            service.identity =
                Some(ResourceIdentity { system_assigned: Some("object-1".to_owned()), user_assigned: Vec::new() });
        })
        .await;
    world.enroll("dev-1").await;
    register(&world, "dev-1").await;
    let expected = HubAuthorization::ManagedIdentity { object_id: "object-1".to_owned() };
    assert_eq!(world.hubs.calls.lock().unwrap()[0].authorization, expected);
}

#[tokio::test]
async fn a_link_by_a_user_assigned_identity_is_looked_up_by_its_resource() {
    let world = World::new();
    let kind = "Microsoft.ManagedIdentity/userAssignedIdentities";
    let resource = Scope::resource("s", "g", kind, "dps-identity");
    let principal = Principal {
        object_id: "object-2".to_owned(),
        name: "dps-identity".to_owned(),
        enabled: true,
        kind: PrincipalKind::ManagedIdentity {
            client_id: "client-2".to_owned(),
            owner: ManagedIdentityKind::UserAssigned(resource.clone()),
        },
    };
    let principals = &world.dps.estate.principals;
    let store = world.dps.store();
    store
        .transact(|transaction| {
            transaction.put(principals, "object-2", principal.clone());
            Ok::<_, ServiceError>(())
        })
        .await
        .unwrap();
    let link = |owned: bool| {
        let resource = resource.clone();
        move |service: &mut ProvisioningService| {
            service.linked_hubs[0].authentication = LinkAuthentication::UserAssigned(resource.clone());
            let user_assigned = if owned { vec![resource.clone()] } else { Vec::new() };
            service.identity = Some(ResourceIdentity { system_assigned: None, user_assigned });
        }
    };
    world.link(link(true)).await;
    world.enroll("dev-1").await;
    assert_eq!(register(&world, "dev-1").await["status"], "assigned");
    let expected = HubAuthorization::ManagedIdentity { object_id: "object-2".to_owned() };
    assert_eq!(world.hubs.calls.lock().unwrap()[0].authorization, expected);

    world.link(link(false)).await;
    let state = register(&world, "dev-1").await;
    assert_eq!((&state["status"], &state["errorCode"]), (&json!("failed"), &json!(401_000)));
}

#[tokio::test]
async fn registering_again_keeps_the_device_and_renews_its_keys() {
    let world = World::new();
    world.put_enrollment("dev-1", json!({"initialTwin": {"tags": {"site": "north"}}})).await;
    register(&world, "dev-1").await;
    let place = (FIRST_HUB.to_owned(), "dev-1".to_owned());
    world.hubs.devices.lock().unwrap().get_mut(&place).unwrap()["twin"]["tags"]["site"] = json!("moved by hand");
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let attestation = json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": key}});
    world.put_enrollment("dev-1", json!({"attestation": attestation})).await;
    let state = register(&world, "dev-1").await;
    assert_eq!(state["substatus"], "reprovisionedToInitialAssignment");
    let device = world.hubs.device(FIRST_HUB, "dev-1").unwrap();
    assert_eq!(keys(&device)["primaryKey"], key);
    assert_eq!(device["twin"]["tags"]["site"], "moved by hand");
}

async fn two_hubs(policy: Value) -> World {
    let world = World::new();
    world.link(|service| service.linked_hubs.push(linked(SECOND_HUB))).await;
    let twin = json!({"tags": {"site": "north"}});
    let first = json!({
        "iotHubs": [FIRST_HUB], "allocationPolicy": "static", "initialTwin": twin, "reprovisionPolicy": policy,
    });
    world.put_enrollment("dev-1", first).await;
    assert_eq!(register(&world, "dev-1").await["assignedHub"], "localhost");
    let place = (FIRST_HUB.to_owned(), "dev-1".to_owned());
    world.hubs.devices.lock().unwrap().get_mut(&place).unwrap()["twin"] =
        json!({"tags": {"site": "changed"}, "properties": {"desired": {"a": 1, "$version": 3, "$metadata": {}}}});
    let then = json!({
        "iotHubs": [SECOND_HUB], "allocationPolicy": "static", "initialTwin": twin, "reprovisionPolicy": policy,
    });
    world.put_enrollment("dev-1", then).await;
    world
}

#[tokio::test]
async fn a_device_moves_to_another_hub_with_its_twin() {
    let world = two_hubs(json!({"updateHubAssignment": true, "migrateDeviceData": true})).await;
    let state = register(&world, "dev-1").await;
    assert_eq!((&state["assignedHub"], &state["substatus"]), (&json!(SECOND_HUB), &json!("deviceDataMigrated")));
    assert!(world.hubs.device(FIRST_HUB, "dev-1").is_none());
    let moved = world.hubs.device(SECOND_HUB, "dev-1").unwrap();
    assert_eq!(moved["twin"], json!({"tags": {"site": "changed"}, "properties": {"desired": {"a": 1}}}));
}

#[tokio::test]
async fn a_device_begins_anew_in_another_hub_where_its_data_is_reset() {
    let world = two_hubs(json!({"updateHubAssignment": true, "migrateDeviceData": false})).await;
    assert_eq!(register(&world, "dev-1").await["substatus"], "deviceDataReset");
    assert!(world.hubs.device(FIRST_HUB, "dev-1").is_none());
    assert_eq!(world.hubs.device(SECOND_HUB, "dev-1").unwrap()["twin"], json!({"tags": {"site": "north"}}));
}

#[tokio::test]
async fn a_device_stays_where_its_assignment_is_not_to_be_updated() {
    let world = two_hubs(json!({"updateHubAssignment": false, "migrateDeviceData": false})).await;
    let state = register(&world, "dev-1").await;
    assert_eq!(state["assignedHub"], "localhost");
    assert!(world.hubs.device(SECOND_HUB, "dev-1").is_none());
}

#[tokio::test]
async fn a_device_that_fails_to_move_is_known_to_be_where_it_was() {
    let world = two_hubs(json!(null)).await;
    world.hubs.refuse(Method::Put, 503, "busy");
    assert_eq!(register(&world, "dev-1").await["errorCode"], 503_000);
    *world.hubs.refuse.lock().unwrap() = None;
    assert_eq!(register(&world, "dev-1").await["substatus"], "deviceDataMigrated");
}

#[tokio::test]
async fn a_twin_that_cannot_be_started_leaves_no_device_behind() {
    let world = World::new();
    world.put_enrollment("dev-1", json!({"initialTwin": {"tags": {"site": "north"}}})).await;
    world.hubs.refuse(Method::Patch, 401, "{}");
    assert_eq!(register(&world, "dev-1").await["status"], "failed");
    assert!(world.hubs.device(FIRST_HUB, "dev-1").is_none());
}

#[tokio::test]
async fn custom_allocation_fails_by_its_name() {
    let world = World::new();
    let webhook = json!({"webhookUrl": "https://allocate.example", "apiVersion": "2021-10-01"});
    world.put_enrollment("dev-1", json!({"allocationPolicy": "custom", "customAllocationDefinition": webhook})).await;
    let state = register(&world, "dev-1").await;
    assert_eq!((&state["status"], &state["errorCode"]), (&json!("failed"), &json!(400_207)));
    assert!(state["errorMessage"].as_str().unwrap().starts_with("CustomAllocationFailed"));
    assert!(world.hubs.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_linked_hub_the_registration_fails() {
    let world = World::new();
    world.link(|service| service.linked_hubs.clear()).await;
    world.enroll("dev-1").await;
    assert_eq!(register(&world, "dev-1").await["errorCode"], 404_210);
}

#[tokio::test]
async fn a_disabled_enrolment_ends_disabled_should_the_door_let_it_pass() {
    let world = World::new();
    world.put_enrollment("dev-1", json!({"provisioningStatus": "disabled"})).await;
    assert_eq!(register(&world, "dev-1").await["status"], "disabled");
    assert!(world.hubs.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn old_operations_make_room_for_new_ones() {
    let world = World::new();
    world.enroll("dev-1").await;
    for _ in 0..KEPT_OPERATIONS + 3 {
        register(&world, "dev-1").await;
    }
    assert_eq!(world.dps.operations.count(""), KEPT_OPERATIONS);
    assert_eq!(world.dps.registrations.count(&format!("{SERVICE}/")), 1);
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let world = World::new();
    world.enroll("dev-1").await;
    for (member, value) in [("tpm", json!({"endorsementKey": "AToAAQ=="})), ("csr", json!("MIIB"))] {
        assert_eq!(world.device_refused(&OPERATION, run, "dev-1", "", json!({member: value})).await, 404_013);
    }
    let other = json!({"registrationId": "dev-2"});
    assert_eq!(world.device_refused(&OPERATION, run, "dev-1", "", other).await, 400_202);
    assert_eq!(world.dps.registrations.count(""), 0);
}
