//! `disableLocalAuth`: who is warned, who loses access at once, what breaks behind it, and how it is put right.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod stage;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_testkit::Sent;
use serde_json::{Value, json};

use stage::{DEVICE, HUB, Stage, VERSION};

/// The warning names whoever used SAS, every linked provisioning service with its enrolments, and the way out.
fn assert_warns(lines: &Value) {
    let lines: Vec<&str> = lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let has = |parts: &[&str]| lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(has(&["Loses access", "policy service", "press-line/1.0", "2 times"]), "{lines:#?}");
    assert!(has(&["Loses access", "policy iothubowner", "DeviceProvisioningService"]), "{lines:#?}");
    assert!(has(&["Breaks", "string-dps", "2 individual enrolments and 1 enrolment groups"]), "{lines:#?}");
    assert!(has(&["press-1", "press-2", "all-presses"]), "{lines:#?}");
    assert!(has(&["Survives", "identity-dps"]), "{lines:#?}");
    assert!(has(&["Instead of SAS", "https://iothubs.azure.net"]), "{lines:#?}");
    assert!(has(&["IoT Hub Data Contributor"]), "{lines:#?}");
}

/// What the warnings tell of: two calls by a policy, two enrolments and a group, and a device provisioned by SAS.
async fn busy_stage() -> Stage {
    let stage = Stage::set().await;
    let sas = stage.hub_sas("service").await;
    for _ in 0..2 {
        let agent = [("user-agent", "press-line/1.0")];
        let twin = stage.emulator.call_with("GET", &format!("/twins/{DEVICE}?{VERSION}"), &sas, &agent, "").await;
        assert_eq!(twin.status, 200, "{}", twin.body);
    }
    stage.enrol("string-dps", "press-1").await;
    stage.enrol("string-dps", "press-2").await;
    stage.enrol_group("string-dps", "all-presses").await;
    stage.enrol("identity-dps", "press-3").await;
    assert_eq!(stage.register("string-dps", "press-1").await["status"], "assigned");
    stage
}

#[tokio::test]
async fn a_patch_through_resource_manager_is_accepted_and_warns_in_its_decision() {
    let stage = busy_stage().await;
    let body = json!({"properties": {"disableLocalAuth": true}});
    let reply = stage.arm("PATCH", HUB, body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["properties"]["disableLocalAuth"], true);
    let decision = stage.emulator.decision(&reply).await;
    assert_warns(&decision["notes"]);
    let told = decision["explanation"].as_array().unwrap();
    assert!(told.iter().any(|line| line.as_str().unwrap().contains("string-dps")), "explain shows the warning as well");
}

#[tokio::test]
async fn a_put_of_the_document_that_was_read_is_accepted_and_warns_in_its_decision() {
    let stage = busy_stage().await;
    let mut document = stage.arm("GET", HUB, Value::Null).await.body;
    document["properties"]["disableLocalAuth"] = json!(true);
    let reply = stage.arm("PUT", HUB, document).await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.body);
    assert_warns(&stage.emulator.decision(&reply).await["notes"]);
    let sas = stage.hub_sas("service").await;
    assert_eq!(stage.twin(&sas).await.status, 401);
    let mut document = stage.arm("GET", HUB, Value::Null).await.body;
    assert_eq!(document["properties"]["disableLocalAuth"], true);
    document["properties"].as_object_mut().unwrap().remove("disableLocalAuth");
    assert!(
        matches!(stage.arm("PUT", HUB, document).await.status, 200 | 201),
        "a PUT without it puts the default back"
    );
    assert_eq!(stage.twin(&sas).await.status, 200);
}

#[tokio::test]
async fn the_control_api_rehearses_first_and_then_throws_the_switch() {
    let stage = busy_stage().await;
    let rehearsed = stage.emulator.control("GET", "/hubs/contoso-hub/local-auth", Value::Null).await.body;
    assert_eq!(rehearsed["disabled"], false);
    assert_warns(&rehearsed["rehearsal"]["lines"]);
    let users = rehearsed["rehearsal"]["sasUsers"].as_array().unwrap();
    let service = users.iter().find(|user| user["policy"] == "service").unwrap();
    assert_eq!(service["count"], 2);
    let linked = rehearsed["rehearsal"]["linkedServices"].as_array().unwrap();
    let named = |name: &str| linked.iter().find(|service| service["name"] == name).unwrap();
    assert_eq!(named("string-dps")["link"], "connectionString");
    assert_eq!(named("string-dps")["breaks"], true);
    assert_eq!(named("string-dps")["individualEnrollments"], 2);
    assert_eq!(named("string-dps")["enrollmentGroups"], 1);
    assert_eq!(named("identity-dps")["link"], "identity");
    assert_eq!(named("identity-dps")["breaks"], false);
    let sas = stage.hub_sas("service").await;
    assert_eq!(stage.twin(&sas).await.status, 200, "to rehearse changes nothing");
    let thrown = stage.deny_sas(true).await;
    assert_eq!(thrown["disabled"], true);
    assert_eq!(stage.twin(&sas).await.status, 401);
    assert_eq!(stage.deny_sas(false).await["disabled"], false);
    assert_eq!(stage.twin(&sas).await.status, 200);
}

#[tokio::test]
async fn a_policy_s_token_is_refused_at_once_on_a_connection_that_is_open() {
    let stage = Stage::set().await;
    let target = format!("/twins/{DEVICE}?{VERSION}");
    let (sas, entra) = (stage.hub_sas("service").await, stage.emulator.token("owner-app", "hub").await);
    let mut session = stage.emulator.client().connect(&stage.emulator.origin()).await.unwrap();
    for (denied, status) in [(false, 200), (true, 401), (false, 200), (true, 401)] {
        stage.deny_sas(denied).await;
        let reply = session.send("GET", &target, &sas, &[], Sent::Whole(Vec::new())).await.unwrap();
        assert_eq!(reply.status, status, "SAS with disableLocalAuth {denied}: {}", reply.body);
        if denied {
            assert_eq!(reply.header("iothub-errorcode"), "IotHubUnauthorizedAccess");
            let decision = stage.emulator.decision(&reply).await;
            assert!(decision["reason"].as_str().unwrap().contains("localAuthDisabled"), "{decision:#}");
            let remedy = decision["remedies"][0].as_str().unwrap();
            assert!(remedy.contains("iolite allow-sas contoso-hub"), "{remedy}");
        }
        let reply = session.send("GET", &target, &entra, &[], Sent::Whole(Vec::new())).await.unwrap();
        assert_eq!(reply.status, 200, "an Entra token does not mind");
    }
}

#[tokio::test]
async fn every_policy_is_refused_and_devices_keep_their_own_keys() {
    let stage = Stage::set().await;
    let device_target = format!("/devices/{DEVICE}/messages/deviceBound?{VERSION}");
    let module_target = format!("/devices/{DEVICE}/modules/press/messages/events?{VERSION}");
    let owner = stage.hub_sas("iothubowner").await;
    let device = stage.emulator.sas(json!({"device": DEVICE})).await;
    let module = stage.emulator.sas(json!({"device": DEVICE, "module": "press"})).await;
    let policy_as_device = stage.hub_sas("device").await;
    assert!(stage.is_let_in("GET", &device_target, &policy_as_device).await);
    stage.deny_sas(true).await;
    for (method, target) in [("GET", "/devices"), ("GET", "/statistics/devices"), ("POST", "/devices/query")] {
        assert!(!stage.is_let_in(method, &format!("{target}?{VERSION}"), &owner).await, "{target}");
    }
    assert!(!stage.is_let_in("GET", &device_target, &policy_as_device).await, "a policy speaks for no device either");
    assert!(stage.is_let_in("GET", &device_target, &device).await);
    assert!(stage.is_let_in("POST", &module_target, &module).await);

    stage.arm("PATCH", HUB, json!({"properties": {"disableDeviceSAS": true}})).await;
    let reply = stage.emulator.call("GET", &device_target, &device, Value::Null).await;
    let reason = stage.emulator.decision(&reply).await["reason"].clone();
    assert_eq!(reply.status, 401);
    assert!(reason.as_str().unwrap().contains("deviceSasDisabled"), "{reason}");
    assert!(stage.is_let_in("POST", &module_target, &module).await, "modules have a switch of their own");

    stage.arm("PATCH", HUB, json!({"properties": {"disableModuleSAS": true}})).await;
    let reply = stage.emulator.call("POST", &module_target, &module, Value::Null).await;
    let reason = stage.emulator.decision(&reply).await["reason"].clone();
    assert_eq!(reply.status, 401);
    assert!(reason.as_str().unwrap().contains("moduleSasDisabled"), "{reason}");

    let off = json!({"disableLocalAuth": false, "disableDeviceSAS": false, "disableModuleSAS": false});
    stage.arm("PATCH", HUB, json!({"properties": off})).await;
    assert!(stage.is_let_in("GET", &device_target, &device).await);
    assert!(stage.is_let_in("POST", &module_target, &module).await);
    assert!(stage.is_let_in("GET", &format!("/devices?{VERSION}"), &owner).await);
}

#[tokio::test]
async fn provisioning_through_a_connection_string_fails_with_the_hub_s_own_error_inside() {
    let stage = Stage::set().await;
    stage.enrol("string-dps", "press-1").await;
    stage.enrol("string-dps", "press-2").await;
    assert_eq!(stage.register("string-dps", "press-1").await["status"], "assigned");
    stage.deny_sas(true).await;
    for (registration, known) in [("press-1", true), ("press-2", false)] {
        let failed = stage.register("string-dps", registration).await;
        assert_eq!(failed["status"], "failed", "{failed}");
        assert_eq!(failed["errorCode"], 401_002);
        let inside: Value = serde_json::from_str(failed["errorMessage"].as_str().unwrap()).unwrap();
        assert_eq!(inside["Message"], "ErrorCode:IotHubUnauthorizedAccess;Unauthorized");
        assert!(inside["ExceptionMessage"].as_str().unwrap().starts_with("Tracking ID:"));
        assert_eq!(stage.device(registration).await.status, if known { 200 } else { 404 });
    }
    let last = stage.emulator.control(
        "GET",
        "/decisions/last?outcome=denied&operation=Devices_CreateOrUpdateIdentity",
        Value::Null,
    );
    let last = last.await.body;
    assert_eq!(last["client"]["agent"], "DeviceProvisioningService", "the refusal is on record as any other: {last}");
    stage.deny_sas(false).await;
    for registration in ["press-1", "press-2"] {
        assert_eq!(
            stage.register("string-dps", registration).await["status"],
            "assigned",
            "on again, without a restart"
        );
        assert_eq!(stage.device(registration).await.status, 200);
    }
}

#[tokio::test]
async fn provisioning_through_an_identity_survives_with_the_role_and_names_it_without() {
    let stage = Stage::set().await;
    stage.enrol("identity-dps", "press-3").await;
    stage.deny_sas(true).await;
    let failed = stage.register("identity-dps", "press-3").await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(failed["errorCode"], 401_003);
    let inside: Value = serde_json::from_str(failed["errorMessage"].as_str().unwrap()).unwrap();
    let message = inside["Message"].as_str().unwrap();
    let wanted = "Principal identity-dps is not authorized for PUT on /devices/press-3 due to no assigned permissions";
    assert!(message.contains(wanted), "{message}");

    let query = "/decisions/last?outcome=denied&principal=identity-dps";
    let decision = stage.emulator.control("GET", query, Value::Null).await.body;
    assert_eq!(decision["suggestion"]["role"], "IoT Hub Registry Contributor", "{decision:#}");
    let command = decision["suggestion"]["command"].as_str().unwrap();
    assert!(command.starts_with("az role assignment create") && command.contains("IoT Hub Registry Contributor"));

    let query = "/decisions/last?operation=RuntimeRegistration_RegisterDevice";
    let registration = stage.emulator.control("GET", query, Value::Null).await.body;
    let notes = registration["notes"].to_string();
    assert!(notes.contains("IoT Hub Registry Contributor"), "the registration's own decision names the role: {notes}");
    assert!(notes.contains(decision["id"].as_str().unwrap()), "and leads to the hub's: {notes}");

    stage.assign("IoT Hub Data Contributor", stage::IDENTITY).await;
    let assigned = stage.register("identity-dps", "press-3").await;
    assert_eq!(assigned["status"], "assigned", "{assigned}");
    assert_eq!(stage.device("press-3").await.status, 200);
}

#[tokio::test]
async fn a_regenerated_key_breaks_the_link_as_the_switch_does() {
    let stage = Stage::set().await;
    stage.enrol("string-dps", "press-1").await;
    let sas = stage.hub_sas("iothubowner").await;
    let (primary, secondary) = ("TheFirstOfTwoFreshKeys==".to_owned(), "TheSecondOfTwoFreshKeys=".to_owned());
    let policy = json!({"keyName": "iothubowner", "rights": "RegistryWrite, ServiceConnect, DeviceConnect",
        "primaryKey": STANDARD.encode(primary), "secondaryKey": STANDARD.encode(secondary)});
    let policies = json!([policy]);
    let reply = stage.arm("PATCH", HUB, json!({"properties": {"authorizationPolicies": policies}})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let reply = stage.twin(&sas).await;
    assert_eq!(reply.status, 401, "a token by the old key is good for nothing, and at once");
    let reason = stage.emulator.decision(&reply).await["reason"].clone();
    assert!(reason.as_str().unwrap().contains("badSignature"), "{reason}");
    assert_eq!(stage.register("string-dps", "press-1").await["errorCode"], 401_002);
    assert_eq!(stage.twin(&stage.hub_sas("iothubowner").await).await.status, 200);
}
