//! rmqtt-codec reads the same bytes: what it refuses, we refuse, and what both take means the same. Where it is laxer than
//! the standard (see the decision on the codec), we may refuse more.

use bytes::BytesMut;
use proptest::prelude::*;
use rmqtt_codec::v3::{self, Packet as Other};
use tokio_util::codec::Decoder;

use super::*;
use crate::testing::{DISCONNECT, PINGREQ, connect_raw, connect_with, puback, subscribe, text, unsubscribe};

fn other(bytes: &[u8]) -> Result<Option<Other>, ()> {
    let mut codec = v3::Codec::new(300_000);
    codec.decode(&mut BytesMut::from(bytes)).map(|found| found.map(|(packet, _)| packet)).map_err(|_| ())
}

/// Whether the other codec's packet says what ours says.
fn alike(ours: Packet<'_>, theirs: &Other) -> bool {
    match (ours, theirs) {
        (Packet::Connect(a), Other::Connect(b)) => {
            a.client_id == &*b.client_id
                && (a.clean, a.keep_alive) == (b.clean_session, b.keep_alive)
                && a.user_name == b.username.as_deref()
                && a.password == b.password.as_deref()
                && match (a.will, &b.last_will) {
                    (None, None) => true,
                    (Some(a), Some(b)) => {
                        (a.topic, a.payload, a.qos, a.retain) == (&*b.topic, &b.message, b.qos as u8, b.retain)
                    }
                    _ => false,
                }
        }
        (Packet::Publish(a), Other::Publish(b)) => {
            (a.duplicate, a.qos, a.retain) == (b.dup, b.qos as u8, b.retain)
                && (a.topic, a.payload) == (&*b.topic, &b.payload)
                && a.packet_id == b.packet_id.map(Into::into)
        }
        (Packet::PubAck(a), Other::PublishAck { packet_id }) => a == packet_id.get(),
        (Packet::Subscribe(a), Other::Subscribe { packet_id, topic_filters }) => {
            a.packet_id == packet_id.get()
                && a.filters().eq(topic_filters.iter().map(|(filter, qos)| (&**filter, *qos as u8)))
        }
        (Packet::Unsubscribe(a), Other::Unsubscribe { packet_id, topic_filters }) => {
            a.packet_id == packet_id.get() && a.filters().eq(topic_filters.iter().map(|filter| &**filter))
        }
        (Packet::PingReq, Other::PingRequest) | (Packet::Disconnect, Other::Disconnect) => true,
        _ => false,
    }
}

fn check(bytes: &[u8]) {
    let theirs = other(bytes);
    match read(bytes) {
        // Other levels of the protocol are not the other codec's to read.
        Err(_) | Ok(Some(Packet::OtherProtocol)) => {}
        Ok(None) => assert!(matches!(theirs, Ok(None)), "not whole for us alone: {bytes:x?}"),
        // An empty client id is refused later here, with a return code (MQTT-3.1.3-8).
        Ok(Some(Packet::Connect(connect))) if connect.client_id.is_empty() => {}
        Ok(Some(packet)) => match theirs {
            Ok(Some(theirs)) => assert!(alike(packet, &theirs), "{packet:?} and {theirs:?}"),
            _ => panic!("taken by us alone: {bytes:x?}"),
        },
    }
}

fn packets() -> impl Strategy<Value = Vec<u8>> {
    let publish = ("[a-z/$+é]{0,20}", any::<u16>(), 0x30_u8..=0x3f, prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(topic, id, first, payload)| {
            let id = if first & 6 == 0 { vec![] } else { id.to_be_bytes().to_vec() };
            crate::testing::packet(first, &[&text(topic), &id, &payload])
        });
    let filters = prop::collection::vec(("[a/+#]{0,5}", 0_u8..5), 0..4);
    let subscribing = (any::<u16>(), filters).prop_map(|(id, filters)| {
        subscribe(id, &filters.iter().map(|(filter, qos)| (filter.as_str(), *qos)).collect::<Vec<_>>())
    });
    let connecting = (any::<u8>(), any::<u16>(), prop::collection::vec("[a-z\u{0}]{0,6}", 0..6)).prop_map(
        |(flags, keep_alive, texts)| {
            let texts: Vec<Vec<u8>> = texts.into_iter().map(text).collect();
            connect_raw(flags, keep_alive, &texts.iter().map(Vec::as_slice).collect::<Vec<_>>())
        },
    );
    prop_oneof![
        publish,
        subscribing,
        connecting,
        any::<u8>().prop_map(|flags| connect_with("dev1", flags, 60)),
        any::<u16>().prop_map(puback),
        (any::<u16>(), "[a/+#]{0,5}").prop_map(|(id, filter)| unsubscribe(id, &[&filter])),
        Just(PINGREQ.to_vec()),
        Just(DISCONNECT.to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_read_packets_alike(bytes in packets()) {
        check(&bytes);
    }

    #[test]
    fn both_read_mutated_packets_alike(mut bytes in packets(), at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<bool>()) {
        let at = at.index(bytes.len());
        bytes[at] = value;
        if cut {
            bytes.truncate(at + 1);
        }
        check(&bytes);
    }

    #[test]
    fn no_bytes_break_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        check(&bytes);
    }

    #[test]
    fn what_we_write_is_read_as_meant(topic in "[a-z$/?=&%]{1,200}", id in prop::option::of(1_u16..), payload in prop::collection::vec(any::<u8>(), 0..300), dup in any::<bool>()) {
        let mut out = Vec::new();
        prop_assert!(publish(&mut out, &topic, &payload, id, dup));
        let Ok(Some(Other::Publish(read))) = other(&out) else { panic!("{out:x?}") };
        prop_assert_eq!((&*read.topic, &read.payload[..], read.packet_id.map(Into::into)), (topic.as_str(), &payload[..], id));
        prop_assert_eq!((read.dup, read.retain), (dup && id.is_some(), false));
    }
}

#[test]
fn our_answers_are_read_as_meant() {
    let mut out = Vec::new();
    connack(&mut out, true, 0);
    assert!(
        matches!(other(&out), Ok(Some(Other::ConnectAck(ack))) if ack.session_present && u8::from(ack.return_code) == 0)
    );
    out.clear();
    connack(&mut out, true, 5);
    assert!(
        matches!(other(&out), Ok(Some(Other::ConnectAck(ack))) if !ack.session_present && u8::from(ack.return_code) == 5)
    );
    out.clear();
    suback(&mut out, 7, &[0, 1]);
    assert!(
        matches!(other(&out), Ok(Some(Other::SubscribeAck { packet_id, status })) if packet_id.get() == 7 && status.len() == 2)
    );
    out.clear();
    unsuback(&mut out, 8);
    assert!(matches!(other(&out), Ok(Some(Other::UnsubscribeAck { packet_id })) if packet_id.get() == 8));
    out.clear();
    super::puback(&mut out, 9);
    assert!(matches!(other(&out), Ok(Some(Other::PublishAck { packet_id })) if packet_id.get() == 9));
    out.clear();
    pingresp(&mut out);
    assert!(matches!(other(&out), Ok(Some(Other::PingResponse))));
}

#[test]
fn a_topic_that_no_packet_can_name_is_not_written() {
    let mut out = Vec::new();
    assert!(!publish(&mut out, &"x".repeat(65_536), b"", None, false));
    assert!(out.is_empty());
}
