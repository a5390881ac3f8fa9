//! The world as it is served after a start, checked for what is only half there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::child::Process;
use crate::ledger::{HUB, State, Thing};

const HUB_VERSION: &str = "api-version=2021-04-12";

/// Reads everything that writers change.
pub(crate) async fn observe(process: &Process) -> State {
    let mut state = State::new();
    devices(process, &mut state).await;
    enrolments(process, &mut state).await;
    assignments(process, &mut state).await;
    state
}

/// Devices and twins: never one without the other, and the statistics count them.
async fn devices(process: &Process, state: &mut State) {
    let token = process.token("hub").await;
    let listed = process.call("GET", &format!("/devices?top=1000&{HUB_VERSION}"), &token).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    let listed = listed.body.as_array().unwrap().clone();
    assert!(listed.len() < 1000, "the list does not show more devices than that");
    let query = json!({"query": "SELECT * FROM devices"});
    let twins = pages(process, "hub", &format!("/devices/query?{HUB_VERSION}"), &query).await;
    let ids = |list: &[Value]| list.iter().map(|one| text(&one["deviceId"]).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&listed), ids(&twins), "left: devices; right: twins");

    let statistics = process.call("GET", &format!("/statistics/devices?{HUB_VERSION}"), &token).await.body;
    let enabled = listed.iter().filter(|device| device["status"] == "enabled").count();
    let expected = json!({
        "totalDeviceCount": listed.len(),
        "enabledDeviceCount": enabled,
        "disabledDeviceCount": listed.len() - enabled,
    });
    assert_eq!(statistics, expected);

    for device in &listed {
        let turn: u64 = text(&device["statusReason"]).parse().unwrap();
        let status = if turn.is_multiple_of(2) { "enabled" } else { "disabled" };
        assert_eq!(device["status"], status, "half of a change is there: {device}");
        state.insert(Thing::Device(text(&device["deviceId"]).to_owned()), turn);
    }
    for twin in &twins {
        let (tag, desired) = (&twin["tags"]["turn"], &twin["properties"]["desired"]["turn"]);
        assert_eq!(tag, desired, "half of a change is there: {twin}");
        state.insert(Thing::Twin(text(&twin["deviceId"]).to_owned()), tag.as_u64().unwrap_or_default());
    }
}

async fn enrolments(process: &Process, state: &mut State) {
    let query = json!({"query": "SELECT * FROM enrollments"});
    for enrolment in pages(process, "dps", "/enrollments/query?api-version=2021-10-01", &query).await {
        let turn = enrolment["initialTwin"]["tags"]["turn"].as_u64().unwrap();
        assert_eq!(enrolment["deviceId"], format!("turn-{turn}"), "half of a change is there: {enrolment}");
        state.insert(Thing::Enrolment(text(&enrolment["registrationId"]).to_owned()), turn);
    }
}

/// The role assignments of the hub itself that writers made.
async fn assignments(process: &Process, state: &mut State) {
    let target = format!("{HUB}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
    let listed = process.call("GET", &target, &process.token("arm").await).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    for assignment in listed.body["value"].as_array().unwrap() {
        if let Some(turn) = assignment["properties"]["description"].as_str().filter(|turn| !turn.is_empty()) {
            state.insert(Thing::Assignment(text(&assignment["name"]).to_owned()), turn.parse().unwrap());
        }
    }
}

/// All pages of a query.
async fn pages(process: &Process, audience: &str, target: &str, query: &Value) -> Vec<Value> {
    let token = process.token(audience).await;
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let size = ("x-ms-max-item-count", "100");
        let headers = [size, ("x-ms-continuation", next.as_str())];
        let headers = if next.is_empty() { &headers[..1] } else { &headers[..] };
        let reply = process.ask("POST", target, &token, headers, query.clone()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        all.extend(reply.body.as_array().unwrap().iter().cloned());
        match reply.header("x-ms-continuation") {
            "" => return all,
            token => token.clone_into(&mut next),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
