//! Row S4 with links that are open: who was let in on a key, a status, a policy or a switch is out within five seconds of
//! its end, over MQTT and over AMQP.

use std::time::Duration;

use iolite_identity::sas::sign;
use iolite_kernel::{Secret, Timestamp};
use iolite_testkit::Credential;
use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};
use crate::wires::{Amqp, Mqtt};

/// How long what lasts may outlive what it stands on.
const SOON: Duration = Duration::from_secs(5);

/// A hub, and who may change it.
struct Stage {
    ground: Ground,
    manager: Credential,
}

impl Stage {
    async fn prepare() -> Self {
        let ground = Ground::prepare().await;
        let manager = ground.emulator.token("owner-app", "arm").await;
        Self { ground, manager }
    }

    fn port(&self, wire: &str) -> &str {
        self.ground.emulator.ready()["iot_hubs"][0][wire].as_str().unwrap()
    }

    async fn device(&self, id: &str) {
        let made = self.ground.call("PUT", &format!("/devices/{id}?{VERSION}"), json!({"deviceId": id})).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }

    async fn sas(&self, ask: Value) -> String {
        self.ground.emulator.sas(ask).await.value().unwrap().to_owned()
    }

    async fn over_mqtt(&self, id: &str) -> Option<Mqtt> {
        let sas = self.sas(json!({"device": id})).await;
        Mqtt::connect(self.ground.emulator.client().tls(), self.port("mqtt"), id, Some(&sas)).await
    }

    async fn over_amqp(&self, id: &str) -> Result<Amqp, String> {
        let sas = self.sas(json!({"device": id})).await;
        let (user, address) = (format!("{id}@sas.contoso-hub"), format!("/devices/{id}/messages/events"));
        Amqp::connect(self.ground.emulator.client().tls(), self.port("amqp"), &user, &sas, &address).await
    }

    async fn as_back_end(&self, policy: &str) -> Result<Amqp, String> {
        let sas = self.sas(json!({"policy": policy})).await;
        let user = format!("{policy}@sas.root.contoso-hub");
        let tls = self.ground.emulator.client().tls();
        Amqp::connect(tls, self.port("amqp"), &user, &sas, "/messages/devicebound").await
    }

    /// A back end that reads what devices send: its signature is for the Event Hubs endpoint.
    async fn as_reader(&self, policy: &str) -> Result<Amqp, String> {
        let policies = self.policies().await;
        let key = policies.iter().find(|found| found["keyName"] == policy).expect("it is there")["primaryKey"].clone();
        let (key, later) = (Secret::new(key.as_str().unwrap()), Timestamp::from_second(4_102_444_800).unwrap());
        let audience = "sb://localhost/contoso-hub";
        let sas = sign(audience, &key, later, Some(policy));
        let address = "contoso-hub/ConsumerGroups/$Default/Partitions/0";
        Amqp::read(self.ground.emulator.client().tls(), self.port("amqp"), audience, &sas, address).await
    }

    /// Changes the hub through Resource Manager.
    async fn change(&self, properties: Value) {
        let hub = self.ground.emulator.resource_id("iot_hubs");
        let body = json!({"properties": properties});
        let target = format!("{hub}?api-version=2023-06-30");
        let reply = self.ground.emulator.call("PATCH", &target, &self.manager, body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    async fn policies(&self) -> Vec<Value> {
        let hub = self.ground.emulator.resource_id("iot_hubs");
        let target = format!("{hub}/listkeys?api-version=2023-06-30");
        let reply = self.ground.emulator.call("POST", &target, &self.manager, Value::Null).await;
        reply.body["value"].as_array().unwrap().clone()
    }

    /// Changes a device by the registry; no body removes it.
    async fn change_device(&self, id: &str, body: Option<Value>) {
        let (method, status) = if body.is_some() { ("PUT", 200) } else { ("DELETE", 204) };
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let target = format!("/devices/{id}?{VERSION}");
        let reply = self.ground.send(method, &target, &[("if-match", "*")], body).await;
        assert_eq!(reply.status, status, "{}", reply.body);
    }
}

const KEY: &str = "bGV0IG1lIGluIGxldCBtZSBpbiBsZXQgbWUgaW4hISE=";

#[tokio::test]
async fn s4_a_device_that_is_rekeyed_disabled_or_gone_is_thrown_out_of_what_is_open() {
    let stage = Stage::prepare().await;
    let keys = json!({"type": "sas", "symmetricKey": {"primaryKey": KEY, "secondaryKey": KEY}});
    for (what, change) in [
        ("rekeyed", Some(json!({"authentication": keys}))),
        ("disabled", Some(json!({"status": "disabled"}))),
        ("gone", None),
    ] {
        let ids = [format!("{what}-mqtt"), format!("{what}-amqp")];
        for id in &ids {
            stage.device(id).await;
        }
        let mut over_mqtt = stage.over_mqtt(&ids[0]).await.expect("the hub accepts it over MQTT");
        let over_amqp = stage.over_amqp(&ids[1]).await.expect("the hub accepts it over AMQP");
        over_mqtt.is_answered().await;
        for id in &ids {
            let change = change.clone().map(|mut change| {
                change["deviceId"] = json!(id);
                change
            });
            stage.change_device(id, change).await;
        }
        over_mqtt.ends_within(SOON).await;
        over_amqp.ends_within(SOON).await;
    }
    // Somebody else's connection is none of this.
    stage.over_mqtt(DEVICE).await.expect("another device is let in").is_answered().await;
}

#[tokio::test]
async fn s4_a_switch_on_device_sas_ends_what_is_open() {
    let stage = Stage::prepare().await;
    stage.device("by-amqp").await;
    let over_mqtt = stage.over_mqtt(DEVICE).await.expect("the hub accepts it over MQTT");
    let over_amqp = stage.over_amqp("by-amqp").await.expect("the hub accepts it over AMQP");
    stage.change(json!({"disableDeviceSAS": true})).await;
    over_mqtt.ends_within(SOON).await;
    over_amqp.ends_within(SOON).await;
    assert!(stage.over_mqtt(DEVICE).await.is_none(), "nor is anybody let in again");
}

#[tokio::test]
async fn s4_a_back_end_is_out_with_its_policy_s_key_its_policy_and_the_switch() {
    let stage = Stage::prepare().await;
    let before = stage.policies().await;
    let is_service = |policy: &Value| policy["keyName"] == "service";
    let rekeyed: Vec<Value> = before
        .iter()
        .map(|policy| {
            let mut policy = policy.clone();
            if is_service(&policy) {
                policy["primaryKey"] = json!(KEY);
                policy["secondaryKey"] = json!(KEY);
            }
            policy
        })
        .collect();
    let removed: Vec<Value> = before.iter().filter(|policy| !is_service(policy)).cloned().collect();
    for (what, policy, change) in [
        ("the policy's key", "service", json!({"authorizationPolicies": rekeyed})),
        ("the policy", "service", json!({"authorizationPolicies": removed})),
        ("the switch", "iothubowner", json!({"disableLocalAuth": true})),
    ] {
        let links = [stage.as_back_end(policy).await, stage.as_reader(policy).await];
        let links = links.map(|link| link.unwrap_or_else(|condition| panic!("before {what}: {condition}")));
        stage.change(change).await;
        for link in links {
            link.ends_within(SOON).await;
        }
    }
    assert!(stage.as_back_end("iothubowner").await.is_err(), "nor is anybody let in again");
    assert!(stage.as_reader("iothubowner").await.is_err(), "to read neither");
}
