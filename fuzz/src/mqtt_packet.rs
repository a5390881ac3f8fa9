//! The packet decoder: whole packets off the front of any bytes.

use iolite_mqtt::codec::{self, Packet};

/// Longer packets are refused unread.
const LONGEST: usize = 64 * 1024;

/// Reads packets until something is malformed or not whole.
pub fn try_on(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(frame)) = codec::frame(rest, LONGEST) {
        assert!(frame.length >= 2 && frame.length <= rest.len() && frame.body.len() <= LONGEST);
        let Ok(packet) = codec::decode(frame) else { return };
        look_at(&packet);
        rest = &rest[frame.length..];
    }
}

fn look_at(packet: &Packet<'_>) {
    match packet {
        Packet::Publish(publish) => {
            assert!(
                publish.qos <= 2 && publish.packet_id.is_some() == (publish.qos > 0) && publish.packet_id != Some(0)
            );
            assert!(!publish.topic.is_empty() && !publish.topic.contains(['\0', '+', '#']));
            if publish.qos < 2 {
                comes_back(publish);
            }
        }
        Packet::Subscribe(subscribe) => {
            assert!(subscribe.filters().count() > 0 && subscribe.packet_id != 0);
            assert!(subscribe.filters().all(|(filter, qos)| !filter.is_empty() && qos <= 2));
        }
        Packet::Unsubscribe(unsubscribe) => {
            assert!(unsubscribe.filters().count() > 0 && unsubscribe.filters().all(|filter| !filter.is_empty()));
        }
        Packet::PubAck(id) => assert_ne!(*id, 0),
        Packet::Connect(_) | Packet::OtherProtocol | Packet::PingReq | Packet::Disconnect => {}
    }
}

/// What was read and is written again is read as the same.
fn comes_back(publish: &codec::Publish<'_>) {
    let mut out = Vec::new();
    assert!(codec::publish(&mut out, publish.topic, publish.payload, publish.packet_id, false));
    let frame = codec::frame(&out, out.len()).expect("a frame").expect("a whole one");
    let Ok(Packet::Publish(again)) = codec::decode(frame) else { panic!("{out:?}") };
    assert_eq!((again.topic, again.payload, again.packet_id), (publish.topic, publish.payload, publish.packet_id));
}
