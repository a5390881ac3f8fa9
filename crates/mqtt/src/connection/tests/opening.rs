//! CONNECT, from the first byte to the door and back. Row M2 of the fault matrix.

use iolite_identity::Credential;
use iolite_kernel::{Secret, ServiceError};

use super::door::{INVALID, THROTTLED, UNAUTHORIZED};
use super::*;
use crate::testing::{DISCONNECT, PINGREQ, connect_raw, packet, publish, subscribe, text};

/// Sends a first packet, and wants this return code and the end.
async fn refused(first: Vec<u8>, code: u8) {
    let hub = TestHub::default();
    let mut peer = Peer::new(&hub);
    peer.send(&first).await;
    assert_eq!(peer.next().await, Some((0x20, vec![0, code])), "{first:x?}");
    peer.ends().await;
    assert!(hub.state().claims.is_empty());
}

/// Sends first bytes, and wants the end without an answer.
async fn cut_off(first: Vec<u8>) {
    let hub = TestHub::default();
    let mut peer = Peer::new(&hub);
    peer.send(&first).await;
    peer.ends().await;
    assert!(hub.state().claims.is_empty());
}

fn connect_as(client_id: &str, user: &str) -> Vec<u8> {
    connect_raw(0xc2, 60, &[&text(client_id), &text(user), &text("x")])
}

#[tokio::test(start_paused = true)]
async fn what_connect_says_reaches_the_door() {
    let hub = TestHub::default();
    let _peer = Peer::signed_in(&hub, "dev1/mod1").await;
    let claim = hub.state().claims[0].clone();
    assert_eq!(
        (claim.host.as_str(), claim.device_id.as_str(), claim.module_id.as_deref()),
        ("localhost", "dev1", Some("mod1"))
    );
    assert_eq!((claim.api_version.as_str(), claim.client_type.as_str(), claim.exclusive), ("2021-04-12", "test", true));
    let sas = Secret::new("SharedAccessSignature sr=localhost&sig=x&se=1");
    assert_eq!(claim.credential, Credential::SharedAccessSignature(sas));
}

#[tokio::test(start_paused = true)]
async fn without_a_password_the_certificate_is_left() {
    let hub = TestHub::default();
    let mut peer = Peer::new(&hub);
    peer.send(connect_raw(0x82, 60, &[&text("dev1"), &text("h/dev1/?api-version=2021-04-12")])).await;
    assert_eq!(peer.next().await, Some((0x20, vec![0, 0])));
    assert_eq!(hub.state().claims[0].credential, Credential::None);
}

#[tokio::test(start_paused = true)]
async fn a_bearer_token_is_no_password() {
    let hub = TestHub::default();
    let mut peer = Peer::new(&hub);
    peer.send(connect_raw(0xc2, 60, &[&text("dev1"), &text("h/dev1"), &text("Bearer a.b.c")])).await;
    peer.next().await;
    assert_eq!(hub.state().claims[0].credential, Credential::Unknown { scheme: "Bearer".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_0_1_the_first_packet_is_connect() {
    for first in [
        PINGREQ.to_vec(),
        DISCONNECT.to_vec(),
        publish("devices/dev1/messages/events/", None, b"x"),
        subscribe(1, &[("a", 0)]),
    ] {
        cut_off(first).await;
    }
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_0_2_connect_comes_once() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send(connect("dev1")).await;
    peer.ends().await;
    let state = hub.state();
    assert_eq!((state.claims.len(), state.closed.as_slice()), (1, &[false][..]));
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_2_other_levels_are_answered_1() {
    for (name, level) in [("MQIsdp", 3), ("MQTT", 3), ("MQTT", 5), ("MQTT", 255)] {
        refused(packet(0x10, &[&text(name), &[level, 2, 0, 60], &text("dev1")]), 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_2_3_and_others_a_malformed_connect_is_not_answered() {
    cut_off(connect_raw(0xc3, 60, &[&text("dev1"), &text("h/dev1"), &text("x")])).await;
    cut_off(connect_raw(0x42, 60, &[&text("dev1"), &text("x")])).await;
    cut_off(connect_raw(0x82, 60, &[&text("dev1"), &text("h/dev\u{0}1")])).await;
    cut_off(connect_raw(0x82, 60, &[&text(b"\xc0\xaf"), &text("h/dev1")])).await;
    cut_off(connect_raw(0x82, 60, &[&text("dev1"), &text("h/dev1"), b"more"])).await;
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_3_8_an_empty_client_id_is_answered_2() {
    refused(connect_raw(0xc0, 60, &[&text(""), &text("h/dev1"), &text("x")]), 2).await;
    refused(connect_raw(0xc2, 60, &[&text(""), &text("h/dev1"), &text("x")]), 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_id_that_is_not_the_user_names_is_answered_2() {
    for (client_id, user) in [
        ("dev2", "h/dev1"),
        ("DEV1", "h/dev1"),
        ("dev1", "h/dev1/mod1"),
        ("dev1/mod2", "h/dev1/mod1/?api-version=1"),
        ("+", "h/dev1"),
        ("#", "h/dev1"),
        ("../dev1", "h/dev1"),
    ] {
        refused(connect_as(client_id, user), 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_name_that_is_none_is_answered_4() {
    refused(connect_raw(0x02, 60, &[&text("dev1")]), 4).await;
    for user in ["", "dev1", "h/", "h/dev1/mod1/more"] {
        refused(connect_as("dev1", user), 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_provisioning_device_is_answered_3() {
    refused(connect_as("reg1", "0ne00000000/registrations/reg1/api-version=2019-03-31&ClientVersion=x"), 3).await;
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_the_door_has_its_code() {
    let error = |code| ServiceError::new(code, "no");
    for (refusal, code) in [
        (SignInError::Unauthorized(error(&UNAUTHORIZED)), 5),
        (SignInError::NotFound(error(&UNAUTHORIZED)), 5),
        (SignInError::Forbidden(error(&UNAUTHORIZED)), 5),
        (SignInError::Forbidden(error(&THROTTLED)), 3),
        (SignInError::Malformed(error(&INVALID)), 4),
        (SignInError::Unavailable(error(&THROTTLED)), 3),
    ] {
        let hub = TestHub::default();
        hub.state().refuse = Some(refusal);
        let mut peer = Peer::new(&hub);
        // A client need not wait for CONNACK; what it sent on comes to nothing.
        peer.send([connect("dev1"), publish("devices/dev1/messages/events/", Some(1), b"x")].concat()).await;
        assert_eq!(peer.next().await, Some((0x20, vec![0, code])));
        peer.ends().await;
        assert!(hub.state().events.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn mqtt_3_1_4_what_follows_connect_at_once_is_done_after_it() {
    let hub = TestHub::default();
    let mut peer = Peer::new(&hub);
    let events = publish("devices/dev1/messages/events/", Some(7), b"x");
    peer.send([connect("dev1"), events, PINGREQ.to_vec()].concat()).await;
    assert_eq!(peer.next().await, Some((0x20, vec![0, 0])));
    assert_eq!(peer.next().await, Some((0x40, vec![0, 7])));
    assert_eq!(peer.next().await, Some((0xd0, vec![])));
}

#[tokio::test(start_paused = true)]
async fn a_will_outside_the_clients_own_events_is_refused() {
    for topic in ["devices/dev2/messages/events/", "$iothub/twin/GET/?$rid=1", "lastwill"] {
        let will = [&text("dev1")[..], &text(topic), &text("bye"), &text("h/dev1"), &text("x")];
        refused(connect_raw(0xc6, 60, &will), 5).await;
    }
    let twice = [&text("dev1")[..], &text("devices/dev1/messages/events/"), &text("bye"), &text("h/dev1"), &text("x")];
    cut_off(connect_raw(0xd6, 60, &twice)).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_ends_the_first() {
    let hub = TestHub::default();
    let first = Peer::signed_in(&hub, "dev1").await;
    let mut other = Peer::signed_in(&hub, "dev2").await;
    let mut second = Peer::signed_in(&hub, "dev1").await;
    first.ends().await;
    second.lives().await;
    other.lives().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_takeovers_leave_one_session() {
    let hub = TestHub::default();
    let mut last = Peer::signed_in(&hub, "dev1").await;
    for _ in 0..1000 {
        let next = Peer::signed_in(&hub, "dev1").await;
        std::mem::replace(&mut last, next).ends().await;
    }
    last.lives().await;
    assert_eq!(hub.state().closed.len(), 1000);
}
