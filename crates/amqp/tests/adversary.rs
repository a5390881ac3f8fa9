//! What hostile peers try (rows A1 to A4 and S4 of the adversary's list): each ends at most its own connection, within
//! bounds, with the condition of the standard.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod client;
mod doors;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use client::{Client, data, token};
use iolite_amqp::codec::{
    Attach, Begin, Disposition, Flow, Open, Outcome, Performative, Role, Transfer, Value, write_value,
};
use iolite_amqp::frame::{AMQP_HEADER, SASL_FRAME, SASL_HEADER, write_frame};
use iolite_kernel::{Ground, SeededEntropy, SignedDuration, SteerableClock, Timestamp};
use iolite_messaging::CloseReason;

const FAR: i64 = 4_000_000_000;

fn world() -> Arc<doors::World> {
    doors::World::new(Ground::system())
}

async fn device(world: &Arc<doors::World>) -> Client {
    let mut client = Client::begin(world).await;
    assert_eq!(client.put_token("localhost/devices/d1", &token(FAR)).await, 200);
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    client
}

fn transfer(id: u32) -> Transfer {
    Transfer { handle: 1, delivery_id: Some(id), delivery_tag: Some(Bytes::from_static(b"t")), ..Transfer::default() }
}

// A1: frames, headers, floods.

#[tokio::test]
async fn a1_a_frame_that_cannot_be_is_answered_with_a_framing_error() {
    for frame in [
        &[0, 0, 0, 0, 2, 0, 0, 0][..],
        &[0, 0, 0, 7, 2, 0, 0, 0],
        &[0, 1, 0, 1, 2, 0, 0, 0],
        &[0x80, 0, 0, 0, 2, 0, 0, 0],
        &[0, 0, 0, 8, 0, 0, 0, 0],
        &[0, 0, 0, 8, 1, 0, 0, 0],
        &[0, 0, 0, 8, 255, 0, 0, 0],
        &[0, 0, 0, 9, 2, 9, 0, 0, 0],
        // Channel 65535 is above the highest.
        &[0, 0, 0, 9, 2, 0, 255, 255, 0],
    ] {
        let mut client = Client::begin(&world()).await;
        client.write(frame).await;
        assert_eq!(client.ended().await, "amqp:connection:framing-error", "{frame:x?}");
    }
}

#[tokio::test]
async fn a1_what_is_no_performative_is_a_decode_error() {
    for body in [&[0, 0x53, 0x19, 0x45][..], &[0x40], &[0, 0x53, 0x10, 0x40], &[0, 0x53, 0x14, 0xc0, 1, 0]] {
        let mut client = Client::begin(&world()).await;
        let mut out = BytesMut::new();
        write_frame(&mut out, 0, 0, |out| out.extend_from_slice(body));
        client.write(&out).await;
        assert_eq!(client.ended().await, "amqp:decode-error", "{body:x?}");
    }
}

#[tokio::test]
async fn a1_another_protocol_is_answered_with_ours_and_hung_up_on() {
    for header in
        [&b"AMQP\x02\x01\x00\x00"[..], b"AMQP\x00\x00\x09\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02"]
    {
        let mut client = Client::connect(&world());
        client.write(header).await;
        client.expect_header(SASL_HEADER).await;
        client.gone().await;
    }
}

#[tokio::test]
async fn a1_sasl_out_of_order_or_endless_is_hung_up_on() {
    let world = world();
    let frame = |body: &[u8]| {
        let mut out = BytesMut::from(&SASL_HEADER[..]);
        write_frame(&mut out, SASL_FRAME, 0, |out| out.extend_from_slice(body));
        out
    };
    // An outcome from the client, a response nobody asked for, an AMQP frame, and a frame that claims a megabyte.
    for bytes in [
        frame(&[0, 0x53, 0x44, 0xc0, 3, 1, 0x50, 0]),
        frame(&[0, 0x53, 0x43, 0xc0, 4, 1, 0xa0, 1, 0]),
        BytesMut::from(&b"AMQP\x03\x01\x00\x00\x00\x00\x00\x09\x02\x00\x00\x00\x40"[..]),
        BytesMut::from(&b"AMQP\x03\x01\x00\x00\x00\x10\x00\x00\x02\x01\x00\x00"[..]),
    ] {
        let mut client = Client::connect(&world);
        client.write(&bytes).await;
        client.gone().await;
    }
}

#[tokio::test]
async fn a1_a_stranger_is_heard_64_kib_and_no_more() {
    let mut client = Client::begin(&world()).await;
    client.put_again_unanswered().await;
    let big = client::put_token("jwt", "x", &"x".repeat(20_000));
    for _ in 0..4 {
        client.transfer(100, &big).await;
    }
    assert_eq!(client.ended().await, "amqp:resource-limit-exceeded");
    client.gone().await;
}

#[tokio::test]
async fn a1_an_open_without_a_container_or_with_tiny_frames_is_refused() {
    for open in [
        Open { container_id: "".into(), ..Open::default() },
        Open { container_id: "c".into(), max_frame_size: Some(511), ..Open::default() },
    ] {
        let mut client = Client::connect(&world());
        client.write(&AMQP_HEADER).await;
        client.say(0, Performative::Open(Box::new(open))).await;
        client.expect_header(AMQP_HEADER).await;
        assert_eq!(client.ended().await, "amqp:invalid-field");
    }
}

#[tokio::test]
async fn a1_floods_of_sessions_and_links_are_bounded() {
    // A stranger gets few of either.
    let mut client = Client::begin(&world()).await;
    for channel in 1..20 {
        client.say(channel, client::begin()).await;
    }
    assert_eq!(client.ended().await, "amqp:resource-limit-exceeded");
    let mut client = Client::begin(&world()).await;
    for handle in 0..20 {
        client.say(0, Performative::Attach(Box::new(Attach::to(handle, Role::Sender, "$cbs")))).await;
    }
    assert_eq!(client.ended().await, "amqp:resource-limit-exceeded");
    // Whoever signed in gets more, and not 65,536.
    let world = world();
    let mut client = device(&world).await;
    for channel in 1..=4095 {
        client.say(channel, client::begin()).await;
    }
    assert_eq!(client.ended().await, "amqp:resource-limit-exceeded");
    let mut client = device(&world).await;
    client.say(0, Performative::Attach(Box::new(Attach::to(256, Role::Sender, "$cbs")))).await;
    assert_eq!(client.ended().await, "amqp:connection:framing-error", "a handle above the highest");
}

#[tokio::test]
async fn a1_handles_and_channels_are_used_once() {
    let mut client = device(&world()).await;
    client.say(0, Performative::Attach(Box::new(Attach::to(1, Role::Sender, "$cbs")))).await;
    assert_eq!(client.ended().await, "amqp:session:handle-in-use");
    let mut client = device(&world()).await;
    client.say(0, Performative::Begin(Box::default())).await;
    assert_eq!(client.ended().await, "amqp:illegal-state");
}

#[tokio::test(start_paused = true)]
async fn a1_who_dawdles_is_hung_up_on() {
    let world = world();
    let silent = Client::connect(&world);
    silent.gone().await;
    let mut client = Client::connect(&world);
    client.write(&AMQP_HEADER[..4]).await;
    client.gone().await;
    // Open, and nothing shown.
    let mut client = Client::begin(&world).await;
    assert_eq!(client.ended().await, "amqp:connection:forced");
    client.gone().await;
}

#[tokio::test(start_paused = true)]
async fn a1_silence_ends_a_connection_and_life_is_shown_to_those_who_ask() {
    let world = world();
    let mut client = device(&world).await;
    assert_eq!(client.ended().await, "amqp:connection:forced", "after twice the announced idle time");
    let mut client = Client::connect(&world);
    client.write(&AMQP_HEADER).await;
    let open = Open { idle_time_out: Some(4000), ..client::open() };
    client.say(0, Performative::Open(Box::new(open))).await;
    client.expect_header(AMQP_HEADER).await;
    client.hear().await;
    let before = tokio::time::Instant::now();
    assert_eq!(client.empty_frame().await, tokio::time::Instant::now());
    assert_eq!(before.elapsed(), Duration::from_secs(2), "at half of what the peer tolerates");
}

#[tokio::test]
async fn a1_a_connection_dribbled_byte_by_byte_is_served() {
    let world = world();
    let mut client = Client::connect(&world);
    let mut out = BytesMut::from(&AMQP_HEADER[..]);
    write_frame(&mut out, 0, 0, |out| client::open().write(out));
    write_frame(&mut out, 0, 0, |out| client::begin().write(out));
    for byte in out {
        client.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    client.expect_header(AMQP_HEADER).await;
    assert!(matches!(client.hear().await.performative, Performative::Open(_)));
    assert!(matches!(client.hear().await.performative, Performative::Begin(_)));
}

// A2: type bombs in performatives and in messages.

#[tokio::test]
async fn a2_type_bombs_are_decode_errors() {
    let mut nested = vec![0x45];
    for _ in 0..100 {
        let mut outer = vec![0xd0];
        outer.extend(u32::try_from(nested.len() + 4).unwrap().to_be_bytes());
        outer.extend(1_u32.to_be_bytes());
        outer.append(&mut nested);
        nested = outer;
    }
    let mut timestamp = BytesMut::new();
    write_value(&mut timestamp, &Value::Timestamp(i64::MAX));
    let bombs: [&[u8]; 8] = [
        &nested,
        &[0xd0, 0, 0, 0, 4, 255, 255, 255, 255],
        &[0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40],
        &[0; 5000],
        &[0xc1, 2, 1, 0x40],
        &[0xb3, 0, 0, 0, 1, 0xe9],
        &[0xa1, 2, 0xc3, 0x28],
        &[0xe0, 5, 2, 0, 0, 0, 0x40],
    ];
    for bomb in bombs {
        let world = world();
        // As a performative.
        let mut client = Client::begin(&world).await;
        let mut out = BytesMut::new();
        write_frame(&mut out, 0, 0, |out| out.extend_from_slice(bomb));
        client.write(&out).await;
        assert_eq!(client.ended().await, "amqp:decode-error", "{:x?}", &bomb[..8.min(bomb.len())]);
        // As a message: only that is rejected.
        let mut client = device(&world).await;
        client.say_with(0, Performative::Transfer(transfer(0)), bomb).await;
        let Outcome::Rejected(Some(error)) = client.outcome().await else { panic!("accepted") };
        assert_eq!(&*error.condition.0, "amqp:decode-error");
        client.transfer(1, &data("fine")).await;
        assert_eq!(client.outcome().await, Outcome::Accepted);
    }
    // A time that no calendar has is no reason to fail.
    let mut client = device(&world()).await;
    let mut message = data("x");
    message.properties = Some(iolite_amqp::codec::Properties {
        absolute_expiry_time: Some(i64::MAX),
        creation_time: Some(i64::MIN),
        ..Default::default()
    });
    client.transfer(1, &message).await;
    assert_eq!(client.outcome().await, Outcome::Accepted);
}

// A3: credit, windows, deliveries.

#[tokio::test]
async fn a3_sending_without_credit_ends_the_link() {
    let world = world();
    world.state.lock().unwrap().stuck_receipts = true;
    let mut client = device(&world).await;
    for id in 0..501 {
        client.say_with(0, Performative::Transfer(transfer(id)), &data("x").to_bytes()).await;
    }
    assert_eq!(client.ended().await, "amqp:link:transfer-limit-exceeded");
    assert_eq!(world.state.lock().unwrap().events.len(), 500);
    let mut client = device(&world).await;
    client.attach(2, Role::Receiver, "/devices/d1/twin").await.unwrap();
    client.say_with(0, Performative::Transfer(Transfer { handle: 2, ..transfer(0) }), b"").await;
    assert_eq!(client.ended().await, "amqp:not-allowed", "the link goes the other way");
}

#[tokio::test]
async fn a3_credit_of_any_size_costs_nothing() {
    let world = world();
    let mut client = device(&world).await;
    client.attach(2, Role::Receiver, "/devices/d1/messages/devicebound").await.unwrap();
    for credit in [0, u32::MAX, 1, u32::MAX] {
        client.credit(2, credit).await;
    }
    let wrapped = Flow {
        incoming_window: u32::MAX,
        next_incoming_id: Some(u32::MAX),
        handle: Some(2),
        delivery_count: Some(u32::MAX),
        link_credit: Some(u32::MAX),
        drain: Some(true),
        ..Flow::default()
    };
    client.say(0, Performative::Flow(wrapped)).await;
    client.transfer(1, &data("x")).await;
    assert_eq!(client.outcome().await, Outcome::Accepted);
}

#[tokio::test]
async fn a3_a_message_without_end_is_cut_off() {
    let mut client = device(&world()).await;
    let piece = vec![0; 60_000];
    for _ in 0..8 {
        client.say_with(0, Performative::Transfer(Transfer { more: Some(true), ..transfer(0) }), &piece).await;
    }
    assert_eq!(client.ended().await, "amqp:link:message-size-exceeded");
}

#[tokio::test]
async fn a3_an_aborted_delivery_is_forgotten_and_one_inside_another_is_refused() {
    let world = world();
    let mut client = device(&world).await;
    client.say_with(0, Performative::Transfer(Transfer { more: Some(true), ..transfer(0) }), b"half").await;
    client.say(0, Performative::Transfer(Transfer { aborted: Some(true), ..transfer(0) })).await;
    client.transfer(1, &data("whole")).await;
    assert_eq!(client.outcome().await, Outcome::Accepted);
    assert_eq!(world.state.lock().unwrap().events.len(), 1);
    client.say_with(0, Performative::Transfer(Transfer { more: Some(true), ..transfer(5) }), b"half").await;
    client.say_with(0, Performative::Transfer(transfer(6)), b"other").await;
    assert_eq!(client.ended().await, "amqp:illegal-state");
}

#[tokio::test]
async fn a3_dispositions_over_any_range_touch_only_what_lives() {
    let world = world();
    let mut client = device(&world).await;
    client.attach(2, Role::Receiver, "/devices/d1/messages/devicebound").await.unwrap();
    client.credit(2, 10).await;
    for body in ["a", "b", "c"] {
        world.send_to_device("d1", iolite_messaging::Message::of(body));
    }
    let mut last = 0;
    for _ in 0..3 {
        last = client.delivery().await.0.delivery_id.unwrap();
    }
    let range = |first, last| {
        Performative::Disposition(Disposition {
            role: Role::Receiver,
            first,
            last: Some(last),
            settled: Some(true),
            state: Some(Outcome::Accepted),
            ..Disposition::default()
        })
    };
    // Unknown ones mean nothing; half of all numbers at once is fast.
    for _ in 0..1000 {
        client.say(0, range(last + 1, last + 0x7000_0000)).await;
    }
    client.say(0, range(last - 1, last + 0x7000_0000)).await;
    client.transfer(1, &data("x")).await;
    client.outcome().await;
    assert_eq!(world.state.lock().unwrap().settled.len(), 2);
    client.say(0, range(0, u32::MAX)).await;
    assert_eq!(client.ended().await, "amqp:invalid-field");
}

#[tokio::test]
async fn a3_ids_and_counts_wrap() {
    let world = world();
    let mut client = Client::connect(&world);
    client.write(&AMQP_HEADER).await;
    client.say(0, Performative::Open(Box::new(client::open()))).await;
    let begin = Begin { next_outgoing_id: u32::MAX - 2, incoming_window: 9, outgoing_window: 9, ..Begin::default() };
    client.say(0, Performative::Begin(Box::new(begin))).await;
    client.expect_header(AMQP_HEADER).await;
    client.hear().await;
    client.hear().await;
    client.put_token("localhost/devices/d1", &token(FAR)).await;
    let late = Some((|attach| attach.initial_delivery_count = Some(u32::MAX - 1)) as fn(&mut Attach));
    client.attach_on(0, 1, Role::Sender, "/devices/d1/messages/events", late).await.unwrap();
    for id in [u32::MAX - 1, u32::MAX, 0, 1] {
        client.say_with(0, Performative::Transfer(transfer(id)), &data("x").to_bytes()).await;
        assert_eq!(client.outcome().await, Outcome::Accepted);
    }
}

#[tokio::test]
async fn a3_a_reader_that_does_not_read_holds_no_more_than_its_share() {
    let world = world();
    let mut sender = device(&world).await;
    let body: &'static str = Box::leak("y".repeat(50_000).into_boxed_str());
    for _ in 0..100 {
        sender.transfer(1, &data(body)).await;
        sender.outcome().await;
    }
    let mut reader = Client::begin(&world).await;
    reader.put_token("sb://localhost/hub1", &token(FAR)).await;
    reader.attach(1, Role::Receiver, "hub1/ConsumerGroups/$Default/Partitions/0").await.unwrap();
    reader.credit(1, u32::MAX).await;
    // It asks for all, sleeps on it, and then gets all, in order.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    for expected in 0..100 {
        let event = reader.message().await;
        assert_eq!(event.message_annotations.get("x-opt-sequence-number"), Some(&Value::Long(expected)));
    }
}

// A4: tokens.

#[tokio::test]
async fn a4_tokens_that_are_not_believed_get_401_and_open_nothing() {
    let world = world();
    let mut client = Client::begin(&world).await;
    assert_eq!(client.put_token("localhost/devices/d1", "SharedAccessSignature sr=x&sig=bad&se=4000000000").await, 401);
    assert_eq!(client.put_again("localhost/devices/d1", &token(1)).await, 401, "expired");
    client.ask(100, &client::put_token("kerberos", "localhost", &token(FAR))).await;
    assert_eq!(client.status().await, 401, "an unknown type");
    assert_eq!(
        client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap_err(),
        "amqp:unauthorized-access"
    );
    assert_eq!(client.attach(2, Role::Sender, "/messages/devicebound").await.unwrap_err(), "amqp:unauthorized-access");
}

#[tokio::test]
async fn a4_a_token_opens_no_other_devices_links() {
    let mut client = device(&world()).await;
    for address in
        ["/devices/d2/messages/events", "/devices/d10/messages/events", "/messages/devicebound", "/devices/d1/x"]
    {
        assert!(client.attach(9, Role::Sender, address).await.is_err(), "{address}");
        client.say(0, Performative::Detach(iolite_amqp::codec::Detach { handle: 9, ..Default::default() })).await;
    }
}

#[tokio::test]
async fn a4_a_link_ends_with_its_token() {
    let clock = Arc::new(SteerableClock::frozen_at(Timestamp::from_second(1000).unwrap()));
    let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    let world = doors::World::new(ground);
    let mut client = Client::begin(&world).await;
    client.put_token("localhost", &token(1100)).await;
    client.attach(1, Role::Sender, "/messages/devicebound").await.unwrap();
    clock.advance(SignedDuration::from_secs(101));
    assert_eq!(client.ended().await, "amqp:unauthorized-access");
    assert_eq!(client.attach(2, Role::Sender, "/messages/devicebound").await.unwrap_err(), "amqp:unauthorized-access");
    // Late is better than never.
    assert_eq!(client.put_again("localhost", &token(FAR)).await, 200);
    client.attach(3, Role::Sender, "/messages/devicebound").await.unwrap();
}

// S4: what a link was granted on is withdrawn.

#[tokio::test]
async fn s4_a_link_ends_when_its_grant_does() {
    let world = world();
    let mut client = device(&world).await;
    world.close("d1", CloseReason::Revoked);
    assert_eq!(client.ended().await, "amqp:unauthorized-access");
    let mut client = Client::begin(&world).await;
    client.put_token("localhost", &token(FAR)).await;
    client.attach(1, Role::Receiver, "/messages/serviceBound/feedback").await.unwrap();
    world.end_link("Feedback", iolite_messaging::LinkEnd::Closed(CloseReason::Revoked));
    assert_eq!(client.ended().await, "amqp:unauthorized-access");
}
