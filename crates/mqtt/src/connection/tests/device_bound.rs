//! Cloud-to-device messages: subscription, delivery, acknowledgement, and what outlives a connection.

use iolite_messaging::{Features, KeptSession, Message, Settlement, SystemName, ToDevice};

use super::door::device_bound as locked;
use super::*;
use crate::testing::{DISCONNECT, puback, subscribe, unsubscribe};

const FILTER: &str = "devices/dev1/messages/devicebound/#";

async fn subscribed(hub: &TestHub, qos: u8) -> Peer {
    let mut peer = Peer::signed_in(hub, "dev1").await;
    peer.send(subscribe(1, &[(FILTER, qos)])).await;
    assert_eq!(peer.next().await, Some((0x90, vec![0, 1, qos.min(1)])));
    peer
}

/// Until so many messages are settled.
async fn settled(hub: &TestHub, count: usize) {
    while hub.state().settled.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_delivered_and_completed_by_its_acknowledgement() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    assert_eq!(hub.state().listening, [Features { device_bound: true, ..Features::default() }]);
    hub.enqueue(["one", "two"]).await;
    let (first, topic, one, body) = peer.published().await;
    assert_eq!(
        (first, topic.as_str(), one, &body[..]),
        (0x32, "devices/dev1/messages/devicebound/", Some(1), &b"one"[..])
    );
    let (_, _, two, _) = peer.published().await;
    assert_eq!(two, Some(2));
    peer.send([puback(2), puback(1)].concat()).await;
    settled(&hub, 2).await;
    let expected = [("lock-2".to_owned(), Settlement::Complete), ("lock-1".to_owned(), Settlement::Complete)];
    assert_eq!(hub.state().settled, expected);
}

#[tokio::test(start_paused = true)]
async fn at_qos_0_a_message_is_completed_when_it_is_sent() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 0).await;
    hub.enqueue(["one"]).await;
    let (first, _, id, _) = peer.published().await;
    assert_eq!((first, id), (0x30, None));
    settled(&hub, 1).await;
    assert_eq!(hub.state().settled, [("lock-1".to_owned(), Settlement::Complete)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_given_back_before_is_marked_as_sent_before() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    let mut again = locked(1, Message::of("x"));
    again.delivery_count = 1;
    hub.state().queue.push_back(again);
    hub.tell(ToDevice::DeviceBound).await;
    assert_eq!(peer.published().await.0, 0x3a);
}

#[tokio::test(start_paused = true)]
async fn unacknowledged_messages_go_back_when_the_connection_ends() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    hub.enqueue(["one", "two", "three"]).await;
    for _ in 0..3 {
        peer.published().await;
    }
    peer.send([puback(2), DISCONNECT.to_vec()].concat()).await;
    peer.ends().await;
    let state = hub.state();
    let mut settled = state.settled.clone();
    settled.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("lock-1", Settlement::Abandon), ("lock-2", Settlement::Complete), ("lock-3", Settlement::Abandon)];
    assert_eq!(settled, expected.map(|(lock, settlement)| (lock.to_owned(), settlement)));
}

#[tokio::test(start_paused = true)]
async fn row_m3_a_client_that_never_acknowledges_gets_no_more_than_the_window() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    hub.enqueue(std::iter::repeat_n("x", 80)).await;
    for id in 1..=50 {
        assert_eq!(peer.published().await.2, Some(id));
    }
    peer.lives().await;
    assert_eq!(hub.state().queue.len(), 30);
    peer.send(puback(17)).await;
    assert_eq!(peer.published().await.2, Some(51));
    peer.lives().await;
}

#[tokio::test(start_paused = true)]
async fn row_m3_an_acknowledgement_of_nothing_changes_nothing() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    peer.send(puback(999)).await;
    peer.lives().await;
    assert!(hub.state().settled.is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_unsubscribing_nothing_is_fetched() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    peer.send(unsubscribe(2, &[FILTER, "never/subscribed"])).await;
    assert_eq!(peer.next().await, Some((0xb0, vec![0, 2])));
    hub.enqueue(["one"]).await;
    peer.lives().await;
    let state = hub.state();
    assert_eq!((state.queue.len(), state.listening.last()), (1, Some(&Features::default())));
}

#[tokio::test(start_paused = true)]
async fn the_topic_is_spelled_as_it_was_subscribed_to() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "a@b").await;
    peer.send(subscribe(1, &[("devices/a%40b/messages/devicebound/#", 1)])).await;
    peer.next().await;
    hub.enqueue(["one"]).await;
    assert_eq!(peer.published().await.1, "devices/a%40b/messages/devicebound/");
}

#[tokio::test(start_paused = true)]
async fn a_module_gets_what_is_for_its_inputs() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1/mod1").await;
    peer.send(subscribe(1, &[("devices/dev1/modules/mod1/inputs/#", 1)])).await;
    peer.next().await;
    let mut message = Message::of("x");
    message.set_system(SystemName::InputName, "in1");
    hub.state().queue.extend([locked(1, message), locked(2, Message::of("not subscribed to"))]);
    hub.tell(ToDevice::DeviceBound).await;
    assert_eq!(peer.published().await.1, "devices/dev1/modules/mod1/inputs/in1/");
    settled(&hub, 1).await;
    assert_eq!(hub.state().settled, [("lock-2".to_owned(), Settlement::Abandon)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fits_no_subscription_waits_until_the_client_subscribes_to_more() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1/mod1").await;
    peer.send(subscribe(1, &[("devices/dev1/modules/mod1/inputs/#", 1)])).await;
    peer.next().await;
    hub.enqueue(["x"]).await;
    settled(&hub, 1).await;
    // Given back, it waits at the hub again, which says so.
    hub.enqueue(["x"]).await;
    peer.lives().await;
    assert_eq!(hub.state().settled, [("lock-1".to_owned(), Settlement::Abandon)]);
    peer.send(subscribe(2, &[("devices/dev1/modules/mod1/messages/devicebound/#", 1)])).await;
    assert_eq!(peer.next().await, Some((0x90, vec![0, 2, 1])));
    assert_eq!(peer.published().await.3, b"x");
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_properties_fit_no_topic_is_rejected() {
    let hub = TestHub::default();
    let mut peer = subscribed(&hub, 1).await;
    let mut message = Message::of("x");
    message.properties.push(("long".into(), Some("ü".repeat(20_000).into())));
    hub.state().queue.push_back(locked(1, message));
    hub.enqueue(["two"]).await;
    assert_eq!(peer.published().await.3, b"two");
    settled(&hub, 1).await;
    assert_eq!(hub.state().settled, [("lock-1".to_owned(), Settlement::Reject)]);
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_4_a_lasting_session_keeps_its_subscriptions() {
    let hub = TestHub::default();
    let (mut peer, present) = Peer::lasting(&hub, "dev1").await;
    assert!(!present);
    peer.send(subscribe(1, &[(FILTER, 1), ("$iothub/methods/POST/#", 0)])).await;
    peer.next().await;
    peer.send(DISCONNECT).await;
    peer.ends().await;
    let (mut peer, present) = Peer::lasting(&hub, "dev1").await;
    assert!(present);
    assert_eq!(hub.state().listening.last(), Some(&Features { device_bound: true, methods: true, desired: false }));
    hub.enqueue(["one"]).await;
    assert_eq!(peer.published().await.3, b"one");
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_6_a_clean_session_forgets_what_was_left() {
    let hub = TestHub::default();
    hub.state().kept = Some(KeptSession { subscriptions: 1 });
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    assert_eq!(hub.state().kept, None);
    assert!(hub.state().listening.is_empty());
    peer.send(subscribe(1, &[(FILTER, 1)])).await;
    peer.next().await;
    assert_eq!(hub.state().kept, None);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_to_messages_at_qos_0_does_not_outlive_its_connection() {
    let hub = TestHub::default();
    let (mut peer, _) = Peer::lasting(&hub, "dev1").await;
    peer.send(subscribe(1, &[(FILTER, 0)])).await;
    peer.next().await;
    assert_eq!(hub.state().kept, Some(KeptSession { subscriptions: 0 }));
}
