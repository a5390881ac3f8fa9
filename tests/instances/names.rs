//! Resources called by their own names, as by a client whose name server or hosts file sends it here.

use iolite_testkit::{Credential, Sent};
use serde_json::{Value, json};

use crate::plant::{GROUP, HUB_VERSION, Kind, call_on, marked};

#[tokio::test]
async fn every_resource_answers_to_its_own_name_on_the_shared_origin() {
    let emulator = marked().await;
    for (kind, name) in Kind::all() {
        let host = emulator.entry(name)["azure_host_name"].as_str().unwrap();
        assert!(host.starts_with(&format!("{name}.")), "{host}");
        let token = emulator.token("owner-app", kind.audience()).await;
        let (method, target, body) = kind.list();
        let mut session = emulator.client().connect_as(&emulator.origin(), host).await.unwrap();
        let reply = call_on(&mut session, method, &target, &token, &body).await;
        assert_eq!(kind.marks(&reply), [kind.shown(name)], "{host}");
        for spelling in [host.to_ascii_uppercase(), format!("{host}:443")] {
            let headers = [("host", spelling.as_str())];
            let sent = Sent::Whole(if body.is_null() { Vec::new() } else { body.to_string().into_bytes() });
            let reply = session.send(method, &target, &token, &headers, sent).await.unwrap();
            assert_eq!(kind.marks(&reply), [kind.shown(name)], "{spelling}");
        }
    }
}

#[tokio::test]
async fn resource_manager_and_the_tenant_answer_to_their_names() {
    let emulator = marked().await;
    let arm = emulator.token("owner-app", "arm").await;
    let mut session = emulator.client().connect_as(&emulator.origin(), "management.azure.com").await.unwrap();
    let reply = call_on(&mut session, "GET", &format!("{GROUP}?api-version=2021-04-01"), &arm, &Value::Null).await;
    assert_eq!((reply.status, &reply.body["name"]), (200, &json!("plant")));
    let none = Credential::none();
    let mut session = emulator.client().connect_as(&emulator.origin(), "login.microsoftonline.com").await.unwrap();
    let target =
        format!("/{}/v2.0/.well-known/openid-configuration", emulator.ready()["entra"]["tenant_id"].as_str().unwrap());
    let reply = call_on(&mut session, "GET", &target, &none, &Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body["token_endpoint"].is_string(), "{}", reply.body);
}

#[tokio::test]
async fn a_name_that_is_not_of_this_world_gets_no_certificate() {
    let emulator = marked().await;
    for host in ["stranger-hub.azure-devices.net", "alpha-hub.azure-devices-provisioning.net", "www.example.com"] {
        assert!(emulator.client().connect_as(&emulator.origin(), host).await.is_err(), "{host}");
    }
}

#[tokio::test]
async fn an_origin_of_one_resource_is_not_led_elsewhere_by_a_name() {
    let emulator = marked().await;
    let token = emulator.token("owner-app", "hub").await;
    let host = emulator.entry("zeta-hub")["azure_host_name"].as_str().unwrap();
    let mut session = emulator.client().connect_as(&emulator.origin_of("alpha-hub"), host).await.unwrap();
    let reply = call_on(&mut session, "GET", &format!("/devices?{HUB_VERSION}"), &token, &Value::Null).await;
    assert_eq!(Kind::Hub.marks(&reply), ["alpha-hub"]);
}
