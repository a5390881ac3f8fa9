//! Packets that no good client sends end their own connection, without an answer, and nobody else's. Rows M1 and M3.

use proptest::prelude::*;

use super::*;
use crate::testing::{PINGREQ, packet, puback, publish, subscribe, text, unsubscribe};

/// What must end a signed-in device's connection.
fn faults() -> Vec<Vec<u8>> {
    let own = "devices/dev1/messages/events/";
    let mut faults = vec![
        // A length in five bytes, a length of 256 MB, and types that are the server's or nobody's.
        vec![0x30, 0x80, 0x80, 0x80, 0x80, 0x01],
        vec![0x30, 0xff, 0xff, 0xff, 0x7f],
        vec![0x00, 0],
        vec![0xf0, 0],
        vec![0x20, 2, 0, 0],
        vec![0x90, 3, 0, 1, 0],
        vec![0xd0, 0],
        vec![0x50, 2, 0, 1],
        vec![0x62, 2, 0, 1],
        vec![0xc0, 1, 0],
        // QoS 2 and 3, no topic, no identifier, a wildcard, a bag that is none.
        packet(0x34, &[&text(own), &[0, 1], b"x"]),
        packet(0x36, &[&text(own), &[0, 1], b"x"]),
        packet(0x38, &[&text(own), b"x"]),
        publish("", Some(1), b"x"),
        publish(own, Some(0), b"x"),
        publish("devices/+/messages/events/", Some(1), b"x"),
        publish(&format!("{own}a=%zz"), Some(1), b"x"),
        publish(&format!("{own}a=%ff"), Some(1), b"x"),
        publish(&format!("{own}=b"), Some(1), b"x"),
        // Topics of others, and of nobody.
        publish("devices/dev2/messages/events/", Some(1), b"x"),
        publish("devices/dev1/modules/mod1/messages/events/", Some(1), b"x"),
        publish("devices/dev1/messages/devicebound/", Some(1), b"x"),
        publish("$iothub/twin/GET/", Some(1), b""),
        publish("$iothub/methods/POST/reboot/?$rid=1", Some(1), b""),
        publish("free/topic", None, b"x"),
        // More than 256 KiB.
        publish(own, Some(1), &vec![0; 512 * 1024]),
        subscribe(0, &[("$iothub/twin/res/#", 0)]),
        subscribe(1, &[]),
        subscribe(1, &[("$iothub/twin/res/#", 3)]),
        subscribe(1, &[("a/#/b", 0)]),
        unsubscribe(1, &[]),
        puback(0),
        connect("dev1"),
    ];
    faults.extend([0x81, 0x80, 0xa0, 0x41, 0xc1, 0xe1].map(|first| vec![first, 2, 0, 1]));
    faults
}

#[tokio::test(start_paused = true)]
async fn row_m1_and_m3_a_fault_ends_its_own_connection_only() {
    let hub = TestHub::default();
    let mut other = Peer::signed_in(&hub, "other").await;
    for fault in faults() {
        let mut peer = Peer::signed_in(&hub, "dev1").await;
        peer.try_send(&fault).await;
        peer.ends().await;
        other.lives().await;
    }
    assert!(hub.state().events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn row_m1_before_sign_in_a_packet_is_at_most_four_kibibytes() {
    let hub = TestHub::default();
    let mut peer = Peer::new(&hub);
    // CONNECT that says it is 4,097 bytes long, and no byte more.
    peer.send([0x10, 0x81, 0x20]).await;
    peer.ends().await;
    // CONNECT of 256 MB, announced only.
    let mut peer = Peer::new(&hub);
    peer.send([0x10, 0xff, 0xff, 0xff, 0x7f]).await;
    peer.ends().await;
}

#[tokio::test(start_paused = true)]
async fn row_m3_the_longest_event_is_taken() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    let body = vec![7; 256 * 1024];
    peer.send(publish("devices/dev1/messages/events/", Some(1), &body)).await;
    assert_eq!(peer.next().await, Some((0x40, vec![0, 1])));
    assert_eq!(hub.state().events[0].1.body, body);
}

#[tokio::test(start_paused = true)]
async fn row_m1_a_hundred_packets_in_one_segment_are_a_hundred_packets() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    peer.send(PINGREQ.repeat(100)).await;
    for _ in 0..100 {
        assert_eq!(peer.next().await, Some((0xd0, vec![])));
    }
    peer.lives().await;
}

/// A device's whole conversation, to be broken.
fn conversation() -> Vec<u8> {
    [
        connect("dev1"),
        subscribe(1, &[("devices/dev1/messages/devicebound/#", 1), ("$iothub/twin/res/#", 0)]),
        publish("devices/dev1/messages/events/a=b&%24.ct=text", Some(2), b"hello"),
        publish("$iothub/twin/GET/?$rid=1", None, b" "),
        publish("$iothub/twin/PATCH/properties/reported/?$rid=2", Some(3), b"{}"),
        puback(1),
        unsubscribe(4, &["$iothub/twin/res/#"]),
        PINGREQ.to_vec(),
    ]
    .concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn row_m1_no_mutation_breaks_more_than_its_connection(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let hub = TestHub::default();
            let mut other = Peer::signed_in(&hub, "other").await;
            let mut bytes = conversation();
            for (at, value) in edits {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(at) = cut {
                bytes.truncate(at.index(bytes.len()));
            }
            let mut peer = Peer::new(&hub);
            peer.try_send(&bytes).await;
            let Peer { mut stream, serving, draining: _draining } = peer;
            stream.shutdown().await.unwrap();
            let mut answers = Vec::new();
            let _ = stream.read_to_end(&mut answers).await;
            drop(stream);
            // A panic would come out here.
            serving.await.unwrap();
            other.lives().await;
        });
    }
}
