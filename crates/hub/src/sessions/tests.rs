//! Sessions from their beginning to their end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use iolite_identity::Credential;
use iolite_kernel::{Secret, SignedDuration};
use iolite_messaging::{CloseReason, Features, KeptSession, Message, SignedIn, ToDevice};
use serde_json::{Value, json};

use super::testing::{Ground, connect, connect_on, connection, heard, listening, permit};
use crate::errors;
use crate::fixture::{self, World, named, now};

async fn world() -> World {
    let world = World::new();
    world.put_device("dev1", named("dev1")).await;
    world
}

async fn closed(signed_in: &mut SignedIn) -> CloseReason {
    loop {
        match signed_in.inbox.recv().await {
            Some(ToDevice::Close(reason)) => return reason,
            Some(_) => {}
            None => panic!("the inbox ended without a reason"),
        }
    }
}

#[tokio::test]
async fn whoever_asks_sees_a_device_come_and_go() {
    let world = world().await;
    let signed_in = connect(&world, "dev1").await;
    let device = fixture::json(&world.call("Devices_GetIdentity", &[("id", "dev1")], &[], None).await.unwrap());
    assert_eq!(device["connectionState"], "Connected");
    assert_eq!(device["connectionStateUpdatedTime"], "2026-01-02T03:04:05.678Z");
    assert_eq!(device["lastActivityTime"], "2026-01-02T03:04:05.678Z");
    assert_eq!(world.twin("dev1").await["connectionState"], "Connected");
    let counts = fixture::json(&world.call("Statistics_GetServiceStatistics", &[], &[], None).await.unwrap());
    assert_eq!(counts, json!({"connectedDeviceCount": 1}));
    world.advance(60);
    drop(signed_in);
    let twin = world.twin("dev1").await;
    assert_eq!(
        (&twin["connectionState"], &twin["lastActivityTime"]),
        (&json!("Disconnected"), &device["lastActivityTime"])
    );
    let device = fixture::json(&world.call("Devices_GetIdentity", &[("id", "dev1")], &[], None).await.unwrap());
    assert_eq!(device["connectionStateUpdatedTime"], "2026-01-02T03:05:05.678Z");
}

#[tokio::test]
async fn a_second_connection_takes_over() {
    let world = world().await;
    let mut first = connect(&world, "dev1").await;
    let second = connect(&world, "dev1").await;
    assert_eq!(closed(&mut first).await, CloseReason::TakenOver);
    assert!(first.inbox.recv().await.is_none());
    drop(first);
    assert_eq!(world.twin("dev1").await["connectionState"], "Connected");
    assert!(second.session.send_event(Message::of("x")).is_ok());
}

#[tokio::test]
async fn a_session_that_was_ended_may_do_nothing() {
    let world = world().await;
    let first = connect(&world, "dev1").await;
    let _second = connect(&world, "dev1").await;
    let refused = first.session.send_event(Message::of("x")).err().unwrap();
    assert_eq!(refused.code, &errors::DEVICE_CONNECTION_CLOSED_REMOTELY);
    assert!(first.session.report("{}".into()).await.is_err() && first.session.twin().await.is_err());
}

#[tokio::test]
async fn a_session_that_was_taken_over_or_expired_leaves_its_will() {
    let world = world().await;
    let first = connect(&world, "dev1").await;
    let second = connect_on(&world, "dev1", Arc::default(), Some(now() + SignedDuration::from_hours(1))).await;
    assert!(first.session.send_will(Message::of("taken over")).is_ok());
    let watch = tokio::spawn(world.hub.clone().attend());
    world.advance(3600);
    tokio::task::yield_now().await;
    assert!(second.session.send_event(Message::of("too late")).is_err());
    assert!(second.session.send_will(Message::of("expired")).is_ok());
    watch.abort();
}

#[tokio::test]
async fn a_session_that_was_revoked_leaves_no_will() {
    let world = world().await;
    let grounds = Arc::new(Ground::default());
    grounds.gone.store(true, Ordering::SeqCst);
    let signed_in = connect_on(&world, "dev1", grounds, None).await;
    let refused = signed_in.session.send_will(Message::of("x")).err().unwrap();
    assert_eq!(refused.code, &errors::DEVICE_CONNECTION_CLOSED_REMOTELY);
}

#[tokio::test]
async fn a_session_that_is_not_the_one_connection_takes_nothing_over() {
    let world = world().await;
    let mut first = connect(&world, "dev1").await;
    let mut other = connection(Arc::default(), None);
    other.exclusive = false;
    let other = world.hub.connect(permit("dev1", None), other).await.unwrap();
    assert!(heard(&mut first).is_none());
    drop(first);
    assert_eq!(world.twin("dev1").await["connectionState"], "Disconnected");
    assert!(other.session.send_event(Message::of("x")).is_ok());
}

#[tokio::test]
async fn a_session_ends_with_its_credential_on_the_injected_clock() {
    let world = world().await;
    let watch = tokio::spawn(world.hub.clone().attend());
    let ends = now() + SignedDuration::from_hours(1);
    let mut signed_in = connect_on(&world, "dev1", Arc::default(), Some(ends)).await;
    world.advance(3599);
    tokio::task::yield_now().await;
    assert!(heard(&mut signed_in).is_none());
    world.advance(1);
    assert_eq!(closed(&mut signed_in).await, CloseReason::Expired);
    watch.abort();
}

#[tokio::test]
async fn a_renewed_session_lasts_as_long_as_the_newer_credential() {
    let world = world().await;
    let watch = tokio::spawn(world.hub.clone().attend());
    let (ends, later) = (now() + SignedDuration::from_hours(1), now() + SignedDuration::from_hours(2));
    let grounds = Arc::new(Ground { renewed_until: Some(later), ..Ground::default() });
    let mut signed_in = connect_on(&world, "dev1", grounds, Some(ends)).await;
    let sas = Credential::SharedAccessSignature(Secret::new("SharedAccessSignature …"));
    assert!(signed_in.session.renew(Credential::None).await.is_err());
    assert_eq!(signed_in.session.renew(sas).await.unwrap(), Some(later));
    world.advance(3601);
    tokio::task::yield_now().await;
    assert!(heard(&mut signed_in).is_none());
    world.advance(3600);
    assert_eq!(closed(&mut signed_in).await, CloseReason::Expired);
    watch.abort();
}

#[tokio::test]
async fn a_change_of_the_device_is_looked_at_and_one_of_another_is_not() {
    let world = world().await;
    world.put_device("dev2", named("dev2")).await;
    let watch = tokio::spawn(world.hub.clone().attend());
    tokio::task::yield_now().await;
    let (grounds, other) = (Arc::new(Ground::default()), Arc::new(Ground::default()));
    let mut first = connect_on(&world, "dev1", grounds.clone(), None).await;
    let mut second = connect_on(&world, "dev2", other.clone(), None).await;
    grounds.gone.store(true, Ordering::SeqCst);
    other.gone.store(true, Ordering::SeqCst);
    let body = json!({"deviceId": "dev1", "status": "disabled"});
    world.call("Devices_CreateOrUpdateIdentity", &[("id", "dev1")], &[("if-match", "*")], body).await.unwrap();
    assert_eq!(closed(&mut first).await, CloseReason::Revoked);
    assert!(heard(&mut second).is_none());
    watch.abort();
}

#[tokio::test]
async fn grounds_that_went_between_decision_and_session_end_it_at_once() {
    let world = world().await;
    let grounds = Arc::new(Ground::default());
    grounds.gone.store(true, Ordering::SeqCst);
    let mut signed_in = connect_on(&world, "dev1", grounds, None).await;
    assert_eq!(closed(&mut signed_in).await, CloseReason::Revoked);
    assert_eq!(world.twin("dev1").await["connectionState"], "Disconnected");
}

#[tokio::test]
async fn a_session_that_does_not_read_is_ended_and_hears_why() {
    let world = world().await;
    let mut signed_in = connect(&world, "dev1").await;
    signed_in.session.listen(listening());
    for version in 0..200 {
        let body = json!({"properties": {"desired": {"n": version}}});
        world.call("Devices_UpdateTwin", &[("id", "dev1")], &[], body).await.unwrap();
    }
    assert_eq!(closed(&mut signed_in).await, CloseReason::TooSlow);
    assert_eq!(world.twin("dev1").await["connectionState"], "Disconnected");
}

#[tokio::test]
async fn what_an_mqtt_session_leaves_behind_is_found_by_the_next() {
    let world = world().await;
    let first = connect(&world, "dev1").await;
    assert_eq!(first.session.kept(), None);
    first.session.keep(Some(KeptSession { subscriptions: 0b101 }));
    drop(first);
    let second = connect(&world, "dev1").await;
    assert_eq!(second.session.kept(), Some(KeptSession { subscriptions: 0b101 }));
    second.session.keep(None);
    assert_eq!(second.session.kept(), None);
}

#[tokio::test]
async fn a_model_that_is_announced_is_kept_in_the_twin() {
    let world = world().await;
    let mut details = connection(Arc::default(), None);
    details.model_id = Some("dtmi:com:example:Thermostat;1".to_owned());
    let _session = world.hub.connect(permit("dev1", None), details).await.unwrap();
    assert_eq!(world.twin("dev1").await["modelId"], "dtmi:com:example:Thermostat;1");
}

#[tokio::test]
async fn a_fault_that_a_device_asks_for_ends_its_connection_after_the_delay() {
    let world = world().await;
    let mut signed_in = connect(&world, "dev1").await;
    let fault = |kind: &str, delay: &str| Message {
        properties: vec![
            ("AzIoTHub_FaultOperationType".into(), Some(kind.into())),
            ("AzIoTHub_FaultOperationDelayInSecs".into(), Some(delay.into())),
            ("AzIoTHub_FaultOperationDurationInSecs".into(), Some("10".into())),
        ],
        ..Message::of("")
    };
    assert!(signed_in.session.send_event(fault("InvokeThrottling", "0")).is_ok());
    tokio::task::yield_now().await;
    let refused = signed_in.session.send_event(Message::of("x")).err().unwrap();
    assert_eq!(refused.code, &errors::THROTTLING);
    world.advance(11);
    assert!(signed_in.session.send_event(fault("KillTcp", "5")).is_ok());
    tokio::task::yield_now().await;
    assert!(heard(&mut signed_in).is_none());
    world.advance(5);
    assert_eq!(closed(&mut signed_in).await, CloseReason::InjectedCut);
}

#[tokio::test]
async fn a_session_is_told_of_a_property_that_is_unset_though_it_never_was_set() {
    let world = world().await;
    let mut signed_in = connect(&world, "dev1").await;
    signed_in.session.listen(listening());
    let body = json!({"properties": {"desired": {"never": null, "made": {"below": null}}}});
    world.call("Devices_UpdateTwin", &[("id", "dev1")], &[], body).await.unwrap();
    let Some(ToDevice::Desired(change)) = heard(&mut signed_in) else { panic!("nothing was told") };
    let patch: Value = serde_json::from_slice(&change.patch).unwrap();
    assert_eq!(patch, json!({"never": null, "made": {"below": null}, "$version": 2}));
    assert_eq!(world.twin("dev1").await["properties"]["desired"].get("never"), None);
}

#[tokio::test]
async fn nothing_is_told_to_a_session_that_does_not_listen() {
    let world = world().await;
    let mut signed_in = connect(&world, "dev1").await;
    signed_in.session.listen(Features { methods: true, ..Features::default() });
    let body = json!({"properties": {"desired": {"n": 1}}});
    world.call("Devices_UpdateTwin", &[("id", "dev1")], &[], body).await.unwrap();
    assert!(heard(&mut signed_in).is_none());
}
