//! Events in, acknowledgements out, and how a session ends.

use iolite_kernel::ServiceError;
use iolite_messaging::{CloseReason, SystemName, ToDevice};

use super::door::THROTTLED;
use super::*;
use crate::testing::{DISCONNECT, PINGREQ, connect_raw, packet, publish, text};

const EVENTS: &str = "devices/dev1/messages/events/";

#[tokio::test(start_paused = true)]
async fn an_event_carries_its_body_and_its_properties() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    let topic = format!("{EVENTS}%24.ct=application%2Fjson&%24.ce=utf-8&level=high&flag");
    peer.send(publish(&topic, Some(5), br#"{"t":1}"#)).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 5])));
    let (id, message) = hub.state().events[0].clone();
    assert_eq!((id.as_str(), &message.body[..]), ("dev1/", &br#"{"t":1}"#[..]));
    assert_eq!(message.system(SystemName::ContentType), Some("application/json"));
    assert_eq!(message.properties, [("level".into(), Some("high".into())), ("flag".into(), None)]);
}

#[tokio::test(start_paused = true)]
async fn qos_0_is_taken_and_not_acknowledged() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send(publish(EVENTS, None, b"x")).await;
    peer.lives().await;
    assert_eq!(hub.state().events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_retained_says_so() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send(packet(0x31, &[&text(EVENTS), b"x"])).await;
    peer.lives().await;
    assert_eq!(hub.state().events[0].1.property("mqtt-retain"), Some("true"));
}

#[tokio::test(start_paused = true)]
async fn a_message_sent_again_is_taken_again() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    let again = packet(0x3a, &[&text(EVENTS), &[0, 9], b"x"]);
    peer.send([publish(EVENTS, Some(9), b"x"), again].concat()).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 9])));
    assert_eq!(peer.next().await, Some((0x40, vec![0, 9])));
    assert_eq!(hub.state().events.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn mqtt_4_6_0_2_acknowledgements_keep_the_order_and_wait_for_the_disk() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    hub.state().hold = true;
    for id in [1, 2] {
        peer.send(publish(EVENTS, Some(id), b"x")).await;
    }
    peer.lives().await;
    hub.state().hold = false;
    peer.send(publish(EVENTS, Some(3), b"x")).await;
    peer.lives().await;
    hub.settle_held(1);
    assert_eq!(peer.next().await, Some((0x40, vec![0, 1])));
    peer.lives().await;
    hub.settle_held(1);
    assert_eq!(peer.next().await, Some((0x40, vec![0, 2])));
    assert_eq!(peer.next().await, Some((0x40, vec![0, 3])));
}

#[tokio::test(start_paused = true)]
async fn reading_pauses_while_too_many_events_wait_for_the_disk() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    hub.state().hold = true;
    let batch: Vec<u8> = (1..=1024_u16).flat_map(|id| publish(EVENTS, Some(id), b"x")).collect();
    for _ in 0..4 {
        peer.send(&batch).await;
    }
    tokio::task::yield_now().await;
    let waiting = hub.state().held.len();
    // One stack buffer's worth more than the limit at most.
    assert!((1024..1024 + 300).contains(&waiting), "{waiting}");
    for _ in 0..4096 {
        while hub.state().held.is_empty() {
            tokio::task::yield_now().await;
        }
        hub.settle_held(1);
    }
    for round in 0..4 {
        for id in 1..=1024_u16 {
            assert_eq!(peer.next().await, Some((0x40, id.to_be_bytes().to_vec())), "{round}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_kept_is_not_acknowledged() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    hub.state().hold = true;
    peer.send(publish(EVENTS, Some(1), b"x")).await;
    peer.lives().await;
    let held = hub.state().held.pop_front().unwrap();
    held.send(Err(ServiceError::new(&THROTTLED, "no"))).unwrap();
    peer.ends().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_hub_refuses_ends_the_connection() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    hub.state().refuse_event = Some(ServiceError::new(&THROTTLED, "no"));
    peer.send([publish(EVENTS, Some(1), b"x"), publish(EVENTS, Some(2), b"x")].concat()).await;
    peer.ends().await;
    assert!(hub.state().events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_before_a_fault_is_still_said() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send([publish(EVENTS, Some(1), b"x"), vec![0xf0, 0]].concat()).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 1])));
    peer.ends().await;
}

fn connect_with_will(client_id: &str) -> Vec<u8> {
    let (topic, user) = (format!("devices/{client_id}/messages/events/why=gone"), format!("h/{client_id}"));
    let fields = [text(client_id), text(topic), text("bye"), text(user), text("x")];
    connect_raw(0xc6, 60, &fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

async fn with_will(hub: &TestHub) -> Peer {
    let mut peer = Peer::new(hub);
    peer.send(connect_with_will("dev1")).await;
    peer.next().await;
    peer
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_8_a_will_is_sent_when_the_client_is_gone() {
    let hub = TestHub::default();
    let Peer { stream, serving, draining: _draining } = with_will(&hub).await;
    drop(stream);
    serving.await.unwrap();
    let (_, will) = hub.state().wills[0].clone();
    assert_eq!((&will.body[..], will.property("why")), (&b"bye"[..], Some("gone")));
    assert_eq!(will.system(SystemName::MessageType), Some("Will"));
    assert_eq!(hub.state().closed, [false]);
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_8_a_will_is_sent_when_the_client_breaks_the_rules_or_is_silent() {
    let hub = TestHub::default();
    let mut peer = with_will(&hub).await;
    peer.send([0xf0, 0]).await;
    peer.ends().await;
    let silent = with_will(&hub).await;
    silent.ends().await;
    assert_eq!(hub.state().wills.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_8_a_will_is_sent_when_the_client_connects_anew() {
    let hub = TestHub::default();
    let first = with_will(&hub).await;
    let mut second = Peer::signed_in(&hub, "dev1").await;
    first.ends().await;
    assert_eq!(hub.state().wills.len(), 1);
    second.lives().await;
    assert_eq!(hub.state().wills.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_reason_the_hub_has_the_will_is_its_to_take() {
    for reason in [CloseReason::Expired, CloseReason::TooSlow, CloseReason::InjectedFault, CloseReason::Revoked] {
        let hub = TestHub::default();
        let peer = with_will(&hub).await;
        hub.tell(ToDevice::Close(reason)).await;
        peer.ends().await;
        let state = hub.state();
        assert_eq!((state.wills.len(), state.events.len()), (1, 0), "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_14_4_3_a_client_that_says_goodbye_leaves_no_will() {
    let hub = TestHub::default();
    let mut peer = with_will(&hub).await;
    peer.send(DISCONNECT).await;
    peer.ends().await;
    let state = hub.state();
    assert!(state.wills.is_empty() && state.events.is_empty());
    assert_eq!(state.closed, [true]);
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_14_4_2_nothing_after_goodbye_is_looked_at() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send([DISCONNECT.to_vec(), publish(EVENTS, Some(1), b"x"), PINGREQ.to_vec()].concat()).await;
    peer.ends().await;
    assert!(hub.state().events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn row_s4_the_hub_ends_a_session_at_once() {
    for reason in [CloseReason::Revoked, CloseReason::Expired, CloseReason::InjectedFault, CloseReason::TooSlow] {
        let hub = TestHub::default();
        let peer = Peer::signed_in(&hub, "dev1").await;
        let asked = Instant::now();
        hub.tell(ToDevice::Close(reason)).await;
        peer.ends().await;
        assert!(asked.elapsed() < std::time::Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_draining_process_ends_every_connection() {
    let hub = TestHub::default();
    let (open, waiting) = (Peer::signed_in(&hub, "dev1").await, Peer::new(&hub));
    open.draining.send(true).unwrap();
    waiting.draining.send(true).unwrap();
    open.ends().await;
    waiting.ends().await;
}
