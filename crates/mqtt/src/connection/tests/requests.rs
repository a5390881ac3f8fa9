//! Subscriptions, twin requests, desired properties and direct methods.

use iolite_messaging::{DesiredChange, Features, MethodCall, ToDevice};

use super::*;
use crate::testing::{DISCONNECT, publish, subscribe};

const ANSWERS: &str = "$iothub/twin/res/#";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const METHODS: &str = "$iothub/methods/POST/#";

async fn subscribed(hub: &TestHub, filters: &[(&str, u8)]) -> Peer {
    let mut peer = Peer::signed_in(hub, "dev1").await;
    peer.send(subscribe(1, filters)).await;
    assert_eq!(peer.next().await.unwrap().0, 0x90);
    peer
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_8_4_5_every_filter_is_granted_in_turn_and_qos_2_as_1() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send(subscribe(258, &[(ANSWERS, 0), (DESIRED, 2), (METHODS, 1)])).await;
    assert_eq!(peer.next().await, Some((0x90, vec![1, 2, 0, 1, 1])));
    assert_eq!(hub.state().listening, [Features { methods: true, desired: true, device_bound: false }]);
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_8_4_3_a_subscription_made_again_takes_no_second_place() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    for id in 1..20 {
        peer.send(subscribe(
            id,
            &[(ANSWERS, 0), (DESIRED, 0), (METHODS, 1), ("devices/dev1/messages/devicebound/#", 1)],
        ))
        .await;
        assert_eq!(peer.next().await.unwrap().0, 0x90);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sixth_subscription_ends_the_connection() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1/mod1").await;
    let branch = "devices/dev1/modules/mod1";
    let (all, inputs) = (format!("{branch}/#"), format!("{branch}/inputs/#"));
    peer.send(subscribe(1, &[ANSWERS, DESIRED, METHODS, &all, &inputs].map(|filter| (filter, 1)))).await;
    assert_eq!(peer.next().await.unwrap().0, 0x90);
    peer.send(subscribe(2, &[(&format!("{branch}/messages/devicebound/#"), 1)])).await;
    peer.ends().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_filter_ends_the_connection() {
    for filter in
        ["#", "devices/+/messages/devicebound/#", "devices/dev2/messages/devicebound/#", "$iothub/streams/POST/#"]
    {
        let hub = TestHub::default();
        let mut peer = Peer::signed_in(&hub, "dev1").await;
        peer.send(subscribe(1, &[(ANSWERS, 0), (filter, 0)])).await;
        peer.ends().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_twin_is_read_and_reported_in_the_order_asked() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, &[(ANSWERS, 0)]).await;
    let reported = "$iothub/twin/PATCH/properties/reported/?$rid=";
    let batch = [
        publish("$iothub/twin/GET/?$rid=g1", None, b" "),
        publish(&format!("{reported}p1"), Some(4), b"{\"a\":1}"),
        publish("$iothub/twin/GET/?$rid=g2", Some(5), b""),
    ];
    peer.send(batch.concat()).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 4])));
    assert_eq!(peer.next().await, Some((0x40, vec![0, 5])));
    let (first, topic, _, body) = peer.published().await;
    assert_eq!((first, topic.as_str()), (0x30, "$iothub/twin/res/200/?$rid=g1"));
    assert_eq!(body, br#"{"desired":{"$version":1},"reported":{"$version":0}}"#);
    let (_, topic, _, body) = peer.published().await;
    assert_eq!((topic.as_str(), body.len()), ("$iothub/twin/res/204/?$rid=p1&$version=1", 0));
    let (_, topic, _, body) = peer.published().await;
    assert_eq!(
        (topic.as_str(), &body[..]),
        ("$iothub/twin/res/200/?$rid=g2", &br#"{"desired":{"$version":1},"reported":{"$version":1}}"#[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_report_is_answered_with_its_status_and_reason() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, &[(ANSWERS, 1)]).await;
    peer.send(publish("$iothub/twin/PATCH/properties/reported/?$rid=1", None, b"nonsense")).await;
    let (_, topic, _, body) = peer.published().await;
    assert_eq!(topic, "$iothub/twin/res/400/?$rid=1");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["errorCode"], &body["message"]), (&400_004.into(), &"not an \"object\"".into()));
    assert!(body["trackingId"].as_str().unwrap().contains("-G2:-TimeStamp:"));
}

#[tokio::test(start_paused = true)]
async fn without_a_subscription_there_is_no_answer() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send(publish("$iothub/twin/PATCH/properties/reported/?$rid=1", None, b"{}")).await;
    while hub.state().reported.is_empty() {
        tokio::task::yield_now().await;
    }
    peer.lives().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_before_goodbye_is_still_done() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    let report = publish("$iothub/twin/PATCH/properties/reported/?$rid=1", Some(1), b"{}");
    peer.send([report.clone(), report, DISCONNECT.to_vec()].concat()).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 1])));
    assert_eq!(peer.next().await, Some((0x40, vec![0, 1])));
    peer.ends().await;
    assert_eq!(hub.state().reported.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn desired_changes_reach_the_device() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, &[(DESIRED, 1)]).await;
    let patch = br#"{"interval":null,"$version":9}"#;
    hub.tell(ToDevice::Desired(Box::new(DesiredChange { version: 9, patch: patch.to_vec().into() }))).await;
    let (first, topic, _, body) = peer.published().await;
    assert_eq!(
        (first, topic.as_str(), &body[..]),
        (0x30, "$iothub/twin/PATCH/properties/desired/?$version=9", &patch[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_method_is_called_and_its_answer_passed_on() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, &[(METHODS, 0)]).await;
    let call = MethodCall { request_id: "r-1".to_owned(), name: "reboot".to_owned(), payload: "{\"s\":3}".into() };
    hub.tell(ToDevice::Method(Box::new(call))).await;
    let (first, topic, _, body) = peer.published().await;
    assert_eq!((first, topic.as_str(), &body[..]), (0x30, "$iothub/methods/POST/reboot/?$rid=r-1", &b"{\"s\":3}"[..]));
    peer.send(publish("$iothub/methods/res/200/?$rid=r-1", Some(3), b"null")).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 3])));
    assert_eq!(hub.state().answers, [("r-1".to_owned(), 200, "null".into())]);
}
