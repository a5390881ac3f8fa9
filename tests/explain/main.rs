//! Why: every decision can be fetched by the id on the wire, says what was looked at and what would help, and holds no
//! secret.

#![expect(clippy::unwrap_used, reason = "a test may")]

use iolite_testkit::{Credential, Reply, TestEmulator};
use serde_json::{Value, json};

const DEVICE: &str = "/devices/press-1?api-version=2021-04-12";
const READ: &str = "Microsoft.Devices/IotHubs/devices/read";

async fn decision(emulator: &TestEmulator, reply: &Reply) -> Value {
    let id = reply.header("x-iolite-decision");
    assert_eq!(reply.header("x-ms-request-id"), id, "the id on the wire is the decision's");
    emulator.control("GET", &format!("/decisions/{id}"), Value::Null).await.body
}

fn explanation(decision: &Value) -> String {
    decision["explanation"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn owner_without_a_data_role_is_told_which_role_and_which_command() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("subscription-owner", "hub").await;
    let reply = emulator.call("GET", DEVICE, &token, Value::Null).await;
    assert_eq!(reply.status, 401);
    let decision = decision(&emulator, &reply).await;
    assert_eq!(decision["outcome"], "denied");
    assert_eq!(decision["evaluations"][0]["considered"][0]["why"]["why"], "controlPlaneOnly");
    assert_eq!(decision["suggestion"]["role"], "IoT Hub Data Reader");
    let command = decision["suggestion"]["command"].as_str().unwrap();
    assert!(command.starts_with("az role assignment create ") && command.ends_with(&emulator.resource_id("iot_hubs")));
    assert!(explanation(&decision).contains("it has no data action at all"));
    assert!(explanation(&decision).lines().all(|line| line == line.trim_end()), "a line ends in blanks");
}

#[tokio::test]
async fn each_flaw_of_a_token_is_named() {
    let emulator = TestEmulator::start().await;
    for (flaw, reason) in [
        ("expired", "expired"),
        ("not-yet-valid", "notYetValid"),
        ("wrong-audience", "wrongAudience"),
        ("wrong-issuer", "wrongIssuer"),
        ("bad-signature", "badSignature"),
        ("unsigned", "algorithmNotAllowed"),
        ("unknown-key", "unknownKey"),
    ] {
        let token = emulator.flawed_token("owner-app", "hub", flaw).await;
        let reply = emulator.call("GET", DEVICE, &token, Value::Null).await;
        assert_eq!(reply.status, 401, "{flaw}");
        let decision = decision(&emulator, &reply).await;
        assert!(
            decision["reason"].as_str().unwrap().contains(&format!("({reason})")),
            "{flaw}: {}",
            decision["reason"]
        );
        assert!(!decision["remedies"].as_array().unwrap().is_empty(), "{flaw}");
        let checks = decision["checks"].as_array().unwrap();
        assert!(checks.iter().any(|check| check["passed"] == false), "{flaw}");
    }
}

#[tokio::test]
async fn a_policy_without_the_right_is_named_with_the_right() {
    let emulator = TestEmulator::start().await;
    let sas = emulator.hub_sas("service").await;
    let reply = emulator.call("GET", DEVICE, &sas, Value::Null).await;
    assert_eq!(reply.status, 401);
    let decision = decision(&emulator, &reply).await;
    assert!(explanation(&decision).contains("RegistryRead"), "{}", explanation(&decision));
    assert_eq!(decision["principal"], "service");
}

#[tokio::test]
async fn what_was_allowed_is_explained_too() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("operator", "hub").await;
    let reply = emulator.call("GET", "/devices?api-version=2021-04-12", &token, Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let decision = decision(&emulator, &reply).await;
    assert_eq!(decision["outcome"], "allowed");
    let granting = &decision["evaluations"][0]["considered"][0];
    assert_eq!((&granting["role"], &granting["why"]["why"]), (&json!("IoT Hub Data Reader"), &json!("grants")));
}

#[tokio::test]
async fn no_secret_reaches_a_decision() {
    let emulator = TestEmulator::start().await;
    let sas = emulator.hub_sas("iothubowner").await;
    let token = emulator.token("owner-app", "hub").await;
    let arm = emulator.token("owner-app", "arm").await;
    let keys = format!("{}/listkeys?api-version=2023-06-30", emulator.resource_id("iot_hubs"));
    emulator.call("PUT", DEVICE, &sas, json!({"deviceId": "press-1"})).await;
    emulator.call("GET", DEVICE, &token, Value::Null).await;
    emulator.call("POST", &keys, &arm, Value::Null).await;
    let raw = Credential::raw(
        "SharedAccessSignature sr=localhost&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D&se=99999999999&skn=iothubowner",
    );
    emulator.call("GET", DEVICE, &raw, Value::Null).await;
    // Who forgets to make a token of it sends the key itself.
    let connection_string = emulator.ready()["iot_hubs"][0]["service_connection_string"].as_str().unwrap();
    let key = connection_string.split("SharedAccessKey=").nth(1).unwrap();
    emulator.call("GET", DEVICE, &Credential::raw(key), Value::Null).await;
    let log = emulator.control("GET", "/decisions?limit=100", Value::Null).await;
    let text = String::from_utf8(log.bytes.to_vec()).unwrap();
    assert!(log.body["value"].as_array().unwrap().len() >= 5);
    let signature = |credential: &Credential| {
        let text = credential.value().unwrap().to_owned();
        text.rsplit(['.', '&']).find(|part| part.len() > 40).map(str::to_owned).unwrap_or(text)
    };
    for secret in [&key[..12], "owner-app-secret", "c2VjcmV0", &signature(&token), &signature(&sas)] {
        assert!(!text.contains(secret), "a decision holds {secret}");
    }
}

#[tokio::test]
async fn a_check_answers_with_a_role_more_or_less() {
    let emulator = TestEmulator::start().await;
    let ask = |extra: Value| {
        let mut ask = json!({"principal": "subscription-owner", "action": READ, "resource": "hub:contoso-hub"});
        ask.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ask
    };
    let plain = emulator.control("POST", "/check", ask(json!({}))).await;
    assert_eq!(plain.body["allowed"], false);
    assert!(plain.body["command"].as_str().unwrap().contains("IoT Hub Data Reader"));
    let more = emulator.control("POST", "/check", ask(json!({"addRole": "IoT Hub Data Reader"}))).await;
    assert_eq!(more.body["allowed"], true);
    let less = json!({"principal": "owner-app", "action": READ, "resource": "hub:contoso-hub", "withoutRole": "IoT Hub Data Contributor"});
    assert_eq!(emulator.control("POST", "/check", less).await.body["allowed"], false);
    let unknown = json!({"principal": "nobody", "action": READ, "resource": "hub:contoso-hub"});
    assert_eq!(emulator.control("POST", "/check", unknown).await.status, 400);
}

#[tokio::test]
async fn a_check_says_what_the_request_would_meet() {
    let emulator = TestEmulator::start_world(
        "name='w'\n[tenant]\nid='c0ffee00-0000-4000-8000-000000000001'\ndomain='w.example'\n[[subscriptions]]\n\
         id='c0ffee00-0000-4000-8000-000000000002'\nname='s'\n[[resource_groups]]\nname='g'\n[[iot_hubs]]\n\
         name='one-hub'\nresource_group='g'\n[[principals]]\nname='app'\nkind='service-principal'\n\
         client_secret='x'\nroles=[{role='IoT Hub Data Contributor',scope='group:g'}]\n[[principals]]\nname='left'\n\
         kind='service-principal'\nclient_secret='x'\nenabled=false\n\
         roles=[{role='IoT Hub Data Contributor',scope='group:g'}]\n[[deny_assignments]]\nname='kept'\n\
         scope='hub:one-hub'\nprincipals=['app']\ndata_actions=['*/delete']\n",
    )
    .await;
    let check = async |principal: &str, operation: &str| {
        let ask = json!({"principal": principal, "operation": operation, "resource": "hub:one-hub"});
        emulator.control("POST", "/check", ask).await
    };
    let token = emulator.token("app", "hub").await;
    let event = "/devices/press-1/messages/events?api-version=2021-04-12";
    assert_eq!(emulator.call("POST", event, &token, json!({})).await.status, 401);
    let device = check("app", "Device_SendDeviceEvent").await.body;
    assert_eq!(device["allowed"], false, "a device API takes no Entra token: {device}");
    assert!(explanation(&device).contains("never an Entra token"), "{device}");

    let left = emulator.token("left", "hub").await;
    assert_eq!(emulator.call("GET", "/devices?api-version=2021-04-12", &left, Value::Null).await.status, 401);
    let disabled = check("left", "Devices_GetDevices").await.body;
    assert!(disabled["allowed"] == false && explanation(&disabled).contains("disabled"), "{disabled}");

    let denied = check("app", "Devices_DeleteIdentity").await.body;
    assert!(denied["allowed"] == false && explanation(&denied).contains("kept"), "{denied}");
    assert_eq!(denied["command"], Value::Null, "no role stands above a deny assignment");

    assert_eq!(check("app", "Devices_GetDevices").await.body["allowed"], true);
    assert_eq!(check("app", "Resources_List").await.body["allowed"], true);
    assert_eq!(check("nobody", "Resources_List").await.status, 400);
    let alien = check("app", "DigitalTwinModels_List").await;
    assert_eq!(alien.status, 400, "an operation of Digital Twins is none of a hub: {}", alien.body);
}

#[tokio::test]
async fn a_registration_is_signed_for_at_the_first_provisioning_service() {
    let emulator = TestEmulator::start().await;
    let owner = emulator.token("owner-app", "dps").await;
    let enrolment = json!({"registrationId": "press-7", "attestation": {"type": "symmetricKey"}});
    let target = "/enrollments/press-7?api-version=2021-10-01";
    assert_eq!(emulator.call("PUT", target, &owner, enrolment).await.status, 200);
    let signed = emulator.control("POST", "/sas", json!({"registration": "press-7"})).await.body;
    assert_eq!(signed["resourceUri"], "0ne00C0FFEE/registrations/press-7");
    let astray = emulator.control("POST", "/sas", json!({"registration": "press-7", "hub": "contoso-hub"})).await;
    assert_eq!(astray.status, 400, "{}", astray.body);
}

#[tokio::test]
async fn a_token_is_for_a_service_or_a_uri_and_never_for_a_misspelling() {
    let emulator = TestEmulator::start().await;
    let ask = async |audience: &str| {
        emulator.control("POST", "/token", json!({"principal": "owner-app", "audience": audience})).await
    };
    assert_eq!(ask("central").await.body["resource"], "https://apps.azureiotcentral.com");
    assert_eq!(ask("api://c-1").await.body["resource"], "api://c-1");
    let misspelt = ask("twin").await;
    assert_eq!(misspelt.status, 400);
    assert!(misspelt.body["error"]["message"].as_str().unwrap().contains("twins"), "{}", misspelt.body);
}

#[tokio::test]
async fn decisions_are_listed_by_outcome_principal_and_operation() {
    let emulator = TestEmulator::start().await;
    let none = emulator.control("GET", "/decisions/last", Value::Null).await;
    assert_eq!(none.status, 404);
    assert!(none.body["error"]["message"].as_str().unwrap().contains("since the start"), "{}", none.body);
    let reader = emulator.token("reader-app", "hub").await;
    emulator.call("GET", "/devices?api-version=2021-04-12", &reader, Value::Null).await;
    emulator.call("PUT", DEVICE, &reader, json!({"deviceId": "press-1"})).await;
    let count = async |query: &str| {
        let list = emulator.control("GET", &format!("/decisions?{query}"), Value::Null).await;
        list.body["value"].as_array().unwrap().len()
    };
    assert_eq!(count("principal=reader-app&outcome=denied").await, 1);
    assert_eq!(count("principal=reader-app&outcome=refused").await, 1, "as the explanation calls it");
    assert_eq!(count("principal=reader-app&outcome=allowed").await, 1);
    assert_eq!(count("operation=Devices_CreateOrUpdateIdentity").await, 1);
    assert_eq!(count("principal=reader-app&limit=1").await, 1);
    let last = emulator.control("GET", "/decisions/last", Value::Null).await;
    assert_eq!(last.body["operation"], "Devices_CreateOrUpdateIdentity");
}

/// Closes a resource by a PATCH of its properties.
async fn patch(emulator: &TestEmulator, list: &str, api_version: &str, properties: Value) {
    let owner = emulator.token("owner-app", "arm").await;
    let target = format!("{}?api-version={api_version}", emulator.resource_id(list));
    let changed = emulator.call("PATCH", &target, &owner, json!({"properties": properties})).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
}

#[tokio::test]
async fn an_address_that_a_provisioning_service_rejects_is_told_the_rule_at_the_api_that_it_names() {
    let emulator = TestEmulator::start().await;
    let owner = emulator.token("owner-app", "dps").await;
    let scope = emulator.entry("contoso-dps")["id_scope"].as_str().unwrap().to_owned();
    let enrollment = "/enrollments/nope?api-version=2021-10-01";
    let registration = format!("/{scope}/registrations/nope/operations/1?api-version=2021-06-01");
    for (target, closed) in [("serviceApi", "service"), ("deviceApi", "device"), ("all", "service device")] {
        let rule = json!({"filterName": "nobody", "action": "Reject", "ipMask": "0.0.0.0/0", "target": target});
        patch(&emulator, "provisioning_services", "2022-12-12", json!({"ipFilterRules": [rule]})).await;
        let by_service = emulator.call("GET", enrollment, &owner, Value::Null).await;
        let by_device = emulator.call("GET", &registration, &Credential::none(), Value::Null).await;
        for (reply, api) in [(&by_service, "service"), (&by_device, "device")] {
            let decision = decision(&emulator, reply).await;
            let explanation = explanation(&decision);
            let is_closed = closed.contains(api);
            assert_eq!(explanation.contains("the IP filter rule `nobody` of contoso-dps"), is_closed, "{explanation}");
            assert_eq!(explanation.contains("az iot dps update --name contoso-dps"), is_closed, "{explanation}");
            if is_closed {
                assert_eq!((reply.status, &reply.body["errorCode"]), (401, &json!(401_002)), "{}", reply.body);
                assert!(!reply.body.to_string().contains("nobody"), "the wire does not mention the rule");
            }
        }
        assert_eq!(by_service.status, if closed.contains("service") { 401 } else { 404 }, "{}", by_service.body);
    }
    patch(&emulator, "provisioning_services", "2022-12-12", json!({"ipFilterRules": []})).await;
    assert_eq!(emulator.call("GET", enrollment, &owner, Value::Null).await.status, 404);
}

#[tokio::test]
async fn twins_without_public_access_forbid_everybody_and_the_command_is_named() {
    let emulator = TestEmulator::start().await;
    let owner = emulator.token("owner-app", "twins").await;
    let models = "/models?api-version=2023-10-31";
    assert_eq!(emulator.call("GET", models, &owner, Value::Null).await.status, 200);
    patch(&emulator, "digital_twins", "2023-01-31", json!({"publicNetworkAccess": "Disabled"})).await;
    let refused = emulator.call("GET", models, &owner, Value::Null).await;
    assert_eq!((refused.status, &refused.body), (403, &Value::Null));
    let explanation = explanation(&emulator.decision(&refused).await);
    let command = format!("az resource update --ids {}", emulator.resource_id("digital_twins"));
    assert!(explanation.contains(&command) && explanation.contains("publicNetworkAccess"), "{explanation}");
    patch(&emulator, "digital_twins", "2023-01-31", json!({"publicNetworkAccess": "Enabled"})).await;
    assert_eq!(emulator.call("GET", models, &owner, Value::Null).await.status, 200);
}

#[tokio::test]
async fn what_an_operation_answered_whoever_was_let_in_is_told() {
    let emulator = TestEmulator::start().await;
    let tenant = emulator.ready()["entra"]["tenant_id"].as_str().unwrap();
    let form = "grant_type=client_credentials&client_id=c0ffee00-0000-4000-8000-0000000000ff&client_secret=no-such-secret\
                &scope=https%3A%2F%2Fiothubs.azure.net%2F.default";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let target = format!("/{tenant}/oauth2/v2.0/token");
    let reply = emulator.call_with("POST", &target, &Credential::none(), &headers, form).await;
    assert!(matches!(reply.status, 400 | 401), "{}", reply.body);
    let told = explanation(&emulator.decision(&reply).await);
    let code = format!("AADSTS{}", reply.body["error_codes"][0]);
    assert!(told.contains(&code) && told.contains(&format!("answered {}", reply.status)), "{code}: {told}");
    assert!(!told.contains("no-such-secret"), "{told}");

    let owner = emulator.token("owner-app", "hub").await;
    let reply = emulator.call("GET", "/devices/not-there?api-version=2021-04-12", &owner, Value::Null).await;
    assert_eq!(reply.status, 404);
    let told = explanation(&emulator.decision(&reply).await);
    assert!(told.starts_with("ALLOWED") && told.contains("answered 404 DeviceNotFound"), "{told}");
}

#[tokio::test]
async fn a_role_that_a_group_holds_is_told_with_the_group() {
    let emulator = TestEmulator::start().await;
    let token = emulator.token("operator", "hub").await;
    let reply = emulator.call("GET", "/devices?api-version=2021-04-12", &token, Value::Null).await;
    let decision = emulator.decision(&reply).await;
    assert_eq!(decision["evaluations"][0]["considered"][0]["group"], "operators");
    let told = explanation(&decision);
    assert!(told.contains("\"IoT Hub Data Reader\" through the group operators at "), "{told}");
    let ask = |principal: &str| json!({"principal": principal, "action": READ, "resource": "hub:contoso-hub"});
    let checked = emulator.control("POST", "/check", ask("operator")).await.body;
    assert!(explanation(&checked).contains("through the group operators"), "{checked}");
    let own = emulator.control("POST", "/check", ask("reader-app")).await.body;
    assert_eq!(own["evaluations"][0]["considered"][0]["group"], Value::Null);
    assert!(!explanation(&own).contains("group operators"), "{own}");
}

#[tokio::test]
async fn an_id_on_an_answer_without_a_decision_is_explained_as_such() {
    let emulator = TestEmulator::start().await;
    let owner = emulator.token("owner-app", "hub").await;
    for (method, target) in [("GET", "/devices"), ("DELETE", "/devices?api-version=2021-04-12")] {
        let reply = emulator.call(method, target, &owner, Value::Null).await;
        assert!(reply.status >= 400);
        let id = reply.header("x-iolite-decision");
        let found = emulator.control("GET", &format!("/decisions/{id}"), Value::Null).await;
        assert_eq!(found.status, 404);
        let message = found.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("api-version is not known"), "{message}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_is() {
    let emulator = TestEmulator::start().await;
    let asked = async |path: &str, body: Value, names: &[&str]| {
        let reply = emulator.control("POST", path, body.clone()).await;
        assert_eq!(reply.status, 400, "{path} {body}: {}", reply.body);
        let message = reply.body["error"]["message"].as_str().unwrap();
        for name in names {
            assert!(message.contains(name), "{path} {body}: {name} is missing in {message}");
        }
    };
    let check = |principal: &str, resource: &str| json!({"principal": principal, "action": READ, "resource": resource});
    asked("/sas", json!({"hub": "no-hub"}), &["no-hub", "contoso-hub"]).await;
    asked("/sas", json!({"dps": "no-dps"}), &["no-dps", "contoso-dps"]).await;
    asked("/sas", json!({"policy": "none"}), &["iothubowner"]).await;
    asked("/token", json!({"principal": "nobody", "audience": "hub"}), &["nobody", "owner-app", "operator"]).await;
    asked("/check", check("nobody", "hub:contoso-hub"), &["nobody", "owner-app"]).await;
    asked("/check", check("owner-app", "hub:no-hub"), &["no-hub", "contoso-hub"]).await;
    asked("/check", check("owner-app", "group:none"), &["none", "contoso"]).await;
    asked("/check", check("owner-app", "subscription:none"), &["none", "c0ffee00-"]).await;
    let written_out = emulator.resource_id("iot_hubs").replace("contoso-hub", "contoso-hbu");
    asked("/check", check("owner-app", &written_out), &["`contoso-hbu`", "contoso-hub"]).await;
    let elsewhere = emulator.resource_id("iot_hubs").replace("resourceGroups/contoso", "resourceGroups/other");
    asked("/check", check("owner-app", &elsewhere), &["`other`", "contoso"]).await;
    let tenant = json!({"principal": "owner-app", "operation": "Resources_List", "resource": written_out});
    asked("/check", tenant, &["`contoso-hbu`"]).await;

    let made = json!({"principal": "owner-app", "action": "Microsoft.Devices/IotHubs/write", "resource": written_out});
    let made = emulator.control("POST", "/check", made).await.body;
    assert_eq!(made["allowed"], true, "what is not there yet can be made: {made}");
    assert!(explanation(&made).contains("there is no hub `contoso-hbu`"), "{made}");
}

#[tokio::test]
async fn a_filter_without_a_value_lets_everything_through() {
    let emulator = TestEmulator::start().await;
    let reader = emulator.token("reader-app", "hub").await;
    emulator.call("GET", "/devices?api-version=2021-04-12", &reader, Value::Null).await;
    emulator.call("PUT", DEVICE, &reader, json!({"deviceId": "press-1"})).await;
    let list = emulator.control("GET", "/decisions?outcome=&principal=&operation=&limit=", Value::Null).await;
    assert_eq!(list.status, 200, "{}", list.body);
    assert_eq!(list.body["value"].as_array().unwrap().len(), 2, "{}", list.body);
    assert_eq!(emulator.control("GET", "/decisions?limit=some", Value::Null).await.status, 400);
}

#[tokio::test]
async fn a_caller_s_decisions_are_found_by_every_name_it_has() {
    let emulator = TestEmulator::start().await;
    for name in ["operator", "owner-app"] {
        let token = emulator.token(name, "hub").await;
        emulator.call("GET", "/devices?api-version=2021-04-12", &token, Value::Null).await;
    }
    let of = async |principal: &str| {
        let list = emulator.control("GET", &format!("/decisions?principal={principal}"), Value::Null).await;
        let found = list.body["value"].as_array().unwrap().clone();
        found.iter().map(|decision| decision["principal"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let principals = emulator.ready()["principals"].as_array().unwrap();
    let entry = |name: &str| principals.iter().find(|entry| entry["name"] == name).unwrap();
    let (operator, owner) = (entry("operator"), entry("owner-app"));
    for name in ["Operator", operator["username"].as_str().unwrap(), operator["object_id"].as_str().unwrap()] {
        assert_eq!(of(name).await, [operator["username"].as_str().unwrap()], "{name}");
    }
    for name in ["owner-app", owner["client_id"].as_str().unwrap(), owner["object_id"].as_str().unwrap()] {
        assert_eq!(of(name).await, ["owner-app"], "{name}");
    }
    assert_eq!(of("nobody").await, [""; 0]);
    let last = emulator.control("GET", "/decisions/last?principal=operator", Value::Null).await;
    assert_eq!(last.body["principal"], operator["username"]);
}
