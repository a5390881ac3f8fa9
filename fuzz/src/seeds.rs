//! The seeds: a few small files for each target, made with our own encoder. Written by `examples/seeds.rs`.

use iolite_kernel::{Secret, Timestamp};
use iolite_mqtt::codec;

use crate::{Script, amqp_engine, mqtt_connection, spoilt};

/// A target, the name of a seed, and its bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// Every seed.
#[must_use]
pub fn all() -> Vec<Seed> {
    [mqtt(), amqp(), texts()].concat()
}

/// A packet of the client's that is shorter than 128 bytes.
fn packet(head: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[head, u8::try_from(body.len()).expect("a short packet")], &body[..]].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).expect("a short text").to_be_bytes(), text.as_bytes()].concat()
}

fn published(topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(codec::publish(&mut out, topic, payload, id, false));
    out
}

fn subscribed(id: u8, filters: &[&str]) -> Vec<u8> {
    let filters: Vec<u8> = filters.iter().flat_map(|filter| [text(filter), vec![1]].concat()).collect();
    packet(0x82, &[&[0, id], &filters])
}

fn mqtt() -> Vec<Seed> {
    let packets = [
        ("connect", mqtt_connection::connect(0)),
        ("event", published("devices/d/messages/events/k=v&%24.mid=1&n", Some(7), b"{}")),
        ("twin", published("$iothub/twin/GET/?$rid=1", None, b"")),
        ("report", published("$iothub/twin/PATCH/properties/reported/?$rid=2", None, b"{\"a\":1}")),
        ("answer", published("$iothub/methods/res/200/?$rid=1", None, b"{}")),
        ("subscribe", subscribed(1, &["devices/d/messages/devicebound/#", "$iothub/methods/POST/#"])),
        ("wishes", subscribed(2, &["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"])),
        ("puback", packet(0x40, &[&[0, 1]])),
        ("unsubscribe", packet(0xa2, &[&[0, 3], &text("$iothub/methods/POST/#")])),
        ("ping", packet(0xc0, &[])),
        ("goodbye", packet(0xe0, &[])),
    ];
    let stream: Vec<u8> = packets[1..].iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let will = {
        let user = text("localhost/d/?api-version=2021-04-12");
        let will = [text("devices/d/messages/events/a=b"), text("gone")].concat();
        packet(0x10, &[b"\0\x04MQTT\x04\xee\0\x01", &text("d"), &will, &user, &text("x")])
    };
    let events: Vec<u8> = ["later", "close", "refuse"]
        .iter()
        .flat_map(|body| published("devices/d/messages/events/", Some(9), body.as_bytes()))
        .collect();
    let subscribed_first = [
        subscribed(1, &["devices/d/messages/devicebound/#", "$iothub/methods/POST/#"]),
        subscribed(2, &["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"]),
    ]
    .concat();
    let module: Vec<u8> = [
        subscribed(1, &["devices/d/modules/m/#", "devices/d/modules/m/inputs/#"]),
        published("devices/d/modules/m/messages/events/%24.on=out", Some(2), b"later"),
    ]
    .concat();
    // Bits of the mode: 1 signed in, 2 as a module, 8 with a lasting session.
    let scripts = [
        ("whole", Script::write(0, &[], &[mqtt_connection::connect(0), stream.clone()].concat())),
        ("in-pieces", Script::write(1, &[0x41, 0x82, 0xc3, 0xff, 0x0f, 0xf1, 0xf2, 0xf3], &stream)),
        (
            "told",
            Script::write(
                9,
                &[0xfc, 0xfc, 1, 2, 3, 3, 3, 3, 3, 1],
                &[subscribed_first, packet(0x40, &[&[0, 1]])].concat(),
            ),
        ),
        ("module", Script::write(3, &[0xfc, 3, 3, 3, 3, 3, 3], &module)),
        ("will", Script::write(0, &[], &will)),
        ("events", Script::write(1, &[], &events)),
    ];
    let alone = packets.iter().map(|(name, bytes)| ("mqtt_packet", (*name).to_owned(), bytes.clone()));
    let all = ("mqtt_packet", "all".to_owned(), stream.clone());
    let scripts = scripts.into_iter().map(|(name, bytes)| ("mqtt_connection", name.to_owned(), bytes));
    alone.chain([all]).chain(scripts).collect()
}

fn amqp() -> Vec<Seed> {
    let conversation = spoilt::conversation();
    let pieces = [0xfc, 0xfc, 0xfd, 0xfc, 0xfc, 0xfd, 0xfe, 0xfc, 0xfd, 0xff, 0xfe, 0xfd];
    let mut seeds = vec![
        ("amqp_connection", "whole".to_owned(), Script::write(0, &[], &conversation)),
        ("amqp_connection", "in-pieces".to_owned(), Script::write(1, &pieces, &conversation)),
    ];
    // The engine trusts its peer (1), sends wherever it has credit (4), settles late (8), or refuses links (2).
    for mode in [amqp_engine::TRUSTS, 1 | 4, 1 | 4 | 8, 1 | 2] {
        seeds.push(("amqp_engine", format!("mode-{mode}"), Script::write(mode, &pieces, &conversation)));
    }
    seeds.push(("amqp_codec", "frames".to_owned(), conversation[38..].to_vec()));
    // The bodies of the first frames of each kind, and their payloads: performatives and messages.
    let mut rest = bytes::BytesMut::from(&conversation[8..]);
    for number in 0.. {
        if rest.starts_with(b"AMQP") {
            let _ = rest.split_to(8);
        }
        let Ok(Some(frame)) = iolite_amqp::frame::next_frame(&mut rest, 64 * 1024) else { break };
        let mut reader = iolite_amqp::codec::Reader::new(frame.body.clone());
        if iolite_amqp::codec::Performative::read(&mut reader).is_ok() {
            let payload = reader.rest();
            if !payload.is_empty() {
                seeds.push(("amqp_codec", format!("message-{number}"), payload.to_vec()));
            }
        }
        if number % 4 == 0 {
            seeds.push(("amqp_codec", format!("body-{number}"), frame.body.to_vec()));
        }
    }
    seeds
}

fn texts() -> Vec<Seed> {
    let key = Secret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let end = Timestamp::from_second(4_000_000_000).expect("a time");
    let credentials = [
        ("device", iolite_identity::sas::sign("localhost/devices/d 1", &key, end, None)),
        ("policy", iolite_identity::sas::sign("localhost", &key, end, Some("service"))),
        ("compact", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJhdWQiOiJ4In0.AAAA".to_owned()),
        ("bearer", "Bearer a.b.c".to_owned()),
        ("address", "amqps://localhost/messages/events".to_owned()),
    ];
    let queries = [
        ("all", "SELECT * FROM devices"),
        ("where", "SELECT TOP 3 deviceId AS id FROM devices WHERE tags.floor >= 2 AND NOT is_defined(tags.gone)"),
        ("group", "SELECT status, COUNT() AS n FROM devices GROUP BY status"),
        ("in", "properties.reported.nested.a.b = true OR tags.name IN ['é', 'b']"),
        ("modules", "SELECT * FROM devices.modules WHERE properties.desired.interval < 1e3"),
        ("route", "level = 'storage' AND number > 10 AND $body.tags.list[0] <> 2"),
        ("functions", "as_number(number) + 1 = 13.5 AND starts_with(upper(level), 'ST') AND $twin.tags.floor = 2"),
    ];
    let credentials = credentials.into_iter().map(|(name, text)| ("credentials", name.to_owned(), text.into_bytes()));
    let queries = queries.into_iter().map(|(name, text)| ("queries", name.to_owned(), text.as_bytes().to_vec()));
    credentials.chain(queries).collect()
}
