use super::*;
use crate::testing::{connect_raw, packet, puback, publish, subscribe, text, unsubscribe};

fn connect_of(name: &[u8], level: u8, flags: u8) -> Vec<u8> {
    packet(0x10, &[&text(name), &[level, flags], &[0, 60], &text("dev1")])
}

#[test]
fn mqtt_1_5_3_1_a_text_is_utf_8() {
    for bad in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"] {
        assert_eq!(clause(&packet(0x30, &[&text(bad), b"x"])), "MQTT-1.5.3-1");
        assert_eq!(clause(&connect_raw(2, 0, &[&text(bad)])), "MQTT-1.5.3-1");
    }
}

#[test]
fn mqtt_1_5_3_2_a_text_holds_no_u_0000() {
    assert_eq!(clause(&publish("a\0b", None, b"")), "MQTT-1.5.3-2");
    assert_eq!(clause(&subscribe(1, &[("a\0", 0)])), "MQTT-1.5.3-2");
}

#[test]
fn mqtt_1_5_3_3_a_byte_order_mark_is_kept() {
    let bytes = publish("\u{feff}a", None, b"");
    let Ok(Some(Packet::Publish(publish))) = read(&bytes) else { panic!() };
    assert_eq!(publish.topic, "\u{feff}a");
}

#[test]
fn mqtt_2_2_2_2_reserved_flags_are_as_they_must_be() {
    for first in [0x11, 0x41, 0xc1, 0xe8] {
        assert_eq!(clause(&[first]), "MQTT-2.2.2-2", "{first:x}");
    }
    assert_eq!(clause(&[0x80]), "MQTT-3.8.1-1");
    assert_eq!(clause(&[0xa0]), "MQTT-3.10.1-1");
}

#[test]
fn section_2_2_1_what_only_a_server_sends_and_what_is_reserved_is_refused() {
    for first in [0x00, 0x20, 0x90, 0xb0, 0xd0, 0xf0] {
        assert_eq!(clause(&[first, 0]), "2.2.1", "{first:x}");
    }
    for first in [0x50, 0x62, 0x70] {
        assert_eq!(clause(&[first, 2, 0, 1]), "MQTT-4.3.3-2", "{first:x}");
    }
}

#[test]
fn section_2_2_3_a_length_takes_four_bytes_at_most() {
    assert_eq!(clause(&[0x30, 0x80, 0x80, 0x80, 0x80]), "2.2.3");
    assert_eq!(clause(&[0x30, 0xff, 0xff, 0xff, 0xff, 0x7f]), "2.2.3");
    assert_eq!(read(&[0x30, 0x80, 0x80, 0x80]), Ok(None));
    // Too long is too long as soon as it is said, whatever follows.
    assert_eq!(clause(&[0x30, 0xff, 0xff, 0xff, 0x7f]), "2.2.3");
}

#[test]
fn section_2_2_3_a_packet_ends_where_its_content_ends() {
    for bytes in [
        packet(0xc0, &[b"x"]),
        packet(0xe0, &[b"x"]),
        packet(0x40, &[b"\0\x01x"]),
        packet(0x40, &[b"\0"]),
        connect_raw(2, 0, &[&text("dev1"), b"x"]),
        connect_raw(0x82, 0, &[&text("dev1")]),
        packet(0x10, &[&text("MQTT"), &[4, 2, 0]]),
        packet(0x30, &[b"\0\x05a"]),
        packet(0x32, &[&text("a"), b"\0"]),
        packet(0x82, &[b"\0\x01", &text("a")]),
    ] {
        assert_eq!(clause(&bytes), "2.2.3", "{bytes:x?}");
    }
}

#[test]
fn mqtt_2_3_1_1_no_packet_identifier_is_zero() {
    for bytes in [publish("a", Some(0), b""), puback(0), subscribe(0, &[("a", 0)]), unsubscribe(0, &["a"])] {
        assert_eq!(clause(&bytes), "MQTT-2.3.1-1");
    }
}

#[test]
fn mqtt_3_1_2_1_the_protocol_is_called_mqtt() {
    for name in ["mqtt", "MQTTX", "", "MQ"] {
        assert_eq!(clause(&connect_of(name.as_bytes(), 4, 2)), "MQTT-3.1.2-1");
    }
}

#[test]
fn mqtt_3_1_2_2_another_level_is_known_as_such() {
    for (name, level) in [("MQIsdp", 3), ("MQTT", 3), ("MQTT", 5), ("MQTT", 255), ("MQTT", 0x84)] {
        assert_eq!(read(&connect_of(name.as_bytes(), level, 2)), Ok(Some(Packet::OtherProtocol)));
    }
}

#[test]
fn mqtt_3_1_2_3_the_reserved_connect_flag_is_zero() {
    assert_eq!(clause(&connect_raw(3, 0, &[&text("dev1")])), "MQTT-3.1.2-3");
}

#[test]
fn mqtt_3_1_2_11_to_15_a_wills_flags_need_a_will() {
    for flags in [0x0a, 0x12, 0x22] {
        assert_eq!(clause(&connect_raw(flags, 0, &[&text("dev1")])), "MQTT-3.1.2-11");
    }
    assert_eq!(clause(&connect_raw(0x1e, 0, &[&text("d"), &text("t"), &text("p")])), "MQTT-3.1.2-14");
}

#[test]
fn mqtt_3_1_2_22_a_password_needs_a_user_name() {
    assert_eq!(clause(&connect_raw(0x42, 0, &[&text("dev1"), &text("secret")])), "MQTT-3.1.2-22");
}

#[test]
fn mqtt_3_1_3_1_the_fields_of_connect_come_in_their_order() {
    let bytes = connect_raw(0xee, 7, &[&text("c"), &text("t"), &text([1, 0]), &text("u"), &text([0xff])]);
    let Ok(Some(Packet::Connect(connect))) = read(&bytes) else { panic!() };
    let will = Will { topic: "t", payload: &[1, 0], qos: 1, retain: true };
    let expected = Connect {
        client_id: "c",
        clean: true,
        keep_alive: 7,
        will: Some(will),
        user_name: Some("u"),
        password: Some(&[0xff]),
    };
    assert_eq!(connect, expected);
}

#[test]
fn mqtt_3_3_1_2_a_message_of_qos_0_is_not_sent_again() {
    assert_eq!(clause(&packet(0x38, &[&text("a")])), "MQTT-3.3.1-2");
}

#[test]
fn mqtt_3_3_1_4_there_is_no_qos_3() {
    assert_eq!(clause(&packet(0x36, &[&text("a"), b"\0\x01"])), "MQTT-3.3.1-4");
}

#[test]
fn mqtt_3_3_2_2_a_topic_holds_no_wildcard() {
    for topic in ["a/+", "#", "a+b", "a/#/b"] {
        assert_eq!(clause(&publish(topic, None, b"")), "MQTT-3.3.2-2");
        let will = connect_raw(0x06, 0, &[&text("dev1"), &text(topic), &text("")]);
        assert_eq!(clause(&will), "MQTT-3.3.2-2");
    }
}

#[test]
fn mqtt_3_8_3_3_subscribe_names_a_filter() {
    assert_eq!(clause(&subscribe(1, &[])), "MQTT-3.8.3-3");
    assert_eq!(clause(&unsubscribe(1, &[])), "MQTT-3.10.3-2");
}

#[test]
fn mqtt_3_8_3_4_a_requested_qos_is_0_to_2() {
    for qos in [3, 4, 0x80, 0xfd] {
        assert_eq!(clause(&subscribe(1, &[("a", 1), ("b", qos)])), "MQTT-3.8.3-4");
    }
}

#[test]
fn mqtt_4_7_1_2_and_3_wildcards_stand_alone() {
    for filter in ["a/#/b", "a#", "#/a", "a/b#", "##"] {
        assert_eq!(clause(&subscribe(1, &[(filter, 0)])), "MQTT-4.7.1-2", "{filter}");
        assert_eq!(clause(&unsubscribe(1, &[filter])), "MQTT-4.7.1-2", "{filter}");
    }
    for filter in ["a+", "+a/b", "a/++"] {
        assert_eq!(clause(&subscribe(1, &[(filter, 0)])), "MQTT-4.7.1-3", "{filter}");
    }
    let bytes = subscribe(9, &[("+/a/#", 1), ("#", 0), ("/", 2), ("+", 0)]);
    let Ok(Some(Packet::Subscribe(taken))) = read(&bytes) else { panic!() };
    assert_eq!(taken.filters().collect::<Vec<_>>(), [("+/a/#", 1), ("#", 0), ("/", 2), ("+", 0)]);
}

#[test]
fn mqtt_4_7_3_1_topics_and_filters_are_not_empty() {
    assert_eq!(clause(&publish("", None, b"")), "MQTT-4.7.3-1");
    assert_eq!(clause(&subscribe(1, &[("", 0)])), "MQTT-4.7.3-1");
    assert_eq!(clause(&connect_raw(0x06, 0, &[&text("d"), &text(""), &text("")])), "MQTT-4.7.3-1");
}

#[test]
fn a_packet_longer_than_the_limit_is_refused_by_its_header_alone() {
    assert!(frame(&[0x30, 0x81, 0x20], 4096).is_err());
    assert_eq!(frame(&[0x30, 0x80, 0x20], 4096), Ok(None));
}
