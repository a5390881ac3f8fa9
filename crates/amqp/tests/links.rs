//! The hub's and Event Hubs' links, spoken to as a client would, with a hub in memory behind the doors.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod client;
mod doors;

use std::sync::Arc;

use bytes::Bytes;
use client::{Client, data, token};
use iolite_amqp::codec::{
    AmqpError, Attach, Body, Described, Flow, Map, Outcome, Performative, Properties, Role, Value, WireMessage,
};
use iolite_identity::ClientCertificate;
use iolite_kernel::{Ground, SeededEntropy, SignedDuration, SteerableClock, Timestamp, Uuid};
use iolite_messaging::{CloseReason, LinkEnd, Message};

const FAR: i64 = 4_000_000_000;

fn world() -> Arc<doors::World> {
    doors::World::new(Ground::system())
}

fn frozen() -> (Arc<doors::World>, Arc<SteerableClock>) {
    let clock = Arc::new(SteerableClock::frozen_at(Timestamp::from_second(1000).unwrap()));
    let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    (doors::World::new(ground), clock)
}

async fn device(world: &Arc<doors::World>) -> Client {
    let mut client = Client::begin(world).await;
    assert_eq!(client.put_token("localhost%2Fdevices%2Fd1", &token(FAR)).await, 200);
    client
}

async fn back_end(world: &Arc<doors::World>) -> Client {
    let mut client = Client::begin(world).await;
    assert_eq!(client.put_token("localhost", &token(FAR)).await, 200);
    client
}

fn annotated(pairs: &[(&str, &str)], correlation_id: Value, body: &'static str) -> WireMessage {
    let mut message = data(body);
    message.properties = Some(Properties { correlation_id, ..Properties::default() });
    for (name, value) in pairs {
        message.message_annotations.annotate(name, Value::string(*value));
    }
    message
}

#[tokio::test]
async fn telemetry_is_accepted_and_read_with_what_the_hub_stamped() {
    let world = world();
    let mut device = device(&world).await;
    device.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    let mut message = data("23.5");
    message.application_properties.put("unit", Value::string("C"));
    device.transfer(1, &message).await;
    assert_eq!(device.outcome().await, Outcome::Accepted);

    let mut reader = back_end(&world).await;
    reader.put_again("sb://localhost/hub1", &token(FAR)).await;
    reader.attach(2, Role::Receiver, "amqps://localhost/hub1/ConsumerGroups/$Default/Partitions/0").await.unwrap();
    reader.credit(2, 5).await;
    let (transfer, event) = reader.delivery().await;
    assert_eq!(transfer.settled, Some(true));
    assert_eq!(event.body, Body::data("23.5"));
    assert_eq!(event.application_properties.text("unit"), Some("C"));
    assert_eq!(event.message_annotations.text("iothub-connection-device-id"), Some("d1"));
    assert_eq!(event.message_annotations.get("x-opt-sequence-number"), Some(&Value::Long(0)));
}

#[tokio::test]
async fn telemetry_waits_for_its_receipt() {
    let world = world();
    world.state.lock().unwrap().slow_receipts = true;
    let mut device = device(&world).await;
    device.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    device.transfer(1, &data("x")).await;
    assert_eq!(device.outcome().await, Outcome::Accepted);
}

#[tokio::test]
async fn a_message_above_256_kib_is_rejected_by_the_hub_and_a_larger_one_ends_the_link() {
    let world = world();
    let mut device = device(&world).await;
    device.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    let transfer = |id, more| {
        Performative::Transfer(iolite_amqp::codec::Transfer {
            handle: 1,
            delivery_id: Some(id),
            delivery_tag: Some(Bytes::from_static(b"t")),
            more: Some(more),
            ..Default::default()
        })
    };
    let whole = WireMessage { body: Body::data(vec![7; 257 * 1024]), ..WireMessage::default() }.to_bytes();
    let pieces: Vec<&[u8]> = whole.chunks(60_000).collect();
    for (index, piece) in pieces.iter().enumerate() {
        device.say_with(0, transfer(100, index + 1 < pieces.len()), piece).await;
    }
    let Outcome::Rejected(Some(error)) = device.outcome().await else { panic!("accepted") };
    assert_eq!(&*error.condition.0, "amqp:link:message-size-exceeded");
    for _ in 0..6 {
        device.say_with(0, transfer(101, true), pieces[0]).await;
    }
    assert_eq!(device.ended().await, "amqp:link:message-size-exceeded");
}

#[tokio::test]
async fn a_message_to_the_device_is_locked_delivered_and_settled() {
    let world = world();
    world.send_to_device("d1", Message::of("early"));
    let mut device = device(&world).await;
    device.attach(1, Role::Receiver, "/devices/d1/messages/devicebound").await.unwrap();
    device.credit(1, 1).await;
    let (transfer, message) = device.delivery().await;
    assert_eq!(message.body, Body::data("early"));
    assert_eq!(message.message_annotations.get("iothub-deliverycount"), Some(&Value::Ubyte(0)));
    assert_eq!(transfer.delivery_tag.unwrap().len(), 16, "the lock token's bytes");
    // Receiver settles second: abandon, and hear that it is settled.
    device.settle(transfer.delivery_id.unwrap(), Outcome::Released, false).await;
    assert_eq!(device.outcome().await, Outcome::Released);
    device.credit(1, 5).await;
    let (transfer, message) = device.delivery().await;
    assert_eq!(message.message_annotations.get("iothub-deliverycount"), Some(&Value::Ubyte(1)));
    device.settle(transfer.delivery_id.unwrap(), Outcome::Accepted, false).await;
    assert_eq!(device.outcome().await, Outcome::Accepted);
    world.send_to_device("d1", Message::of("late"));
    let (transfer, message) = device.delivery().await;
    assert_eq!(message.body, Body::data("late"));
    device.settle(transfer.delivery_id.unwrap(), Outcome::Rejected(None), false).await;
    assert_eq!(device.outcome().await, Outcome::Rejected(None));
    let settled: Vec<String> = world.state.lock().unwrap().settled.iter().map(|(_, how)| how.clone()).collect();
    assert_eq!(settled, ["Abandon", "Complete", "Reject"]);
}

#[tokio::test]
async fn what_is_settled_just_before_the_goodbye_is_settled() {
    let world = world();
    world.send_to_device("d1", Message::of("x"));
    let mut device = device(&world).await;
    device.attach(1, Role::Receiver, "/devices/d1/messages/devicebound").await.unwrap();
    device.credit(1, 1).await;
    let (transfer, _) = device.delivery().await;
    device.settle(transfer.delivery_id.unwrap(), Outcome::Accepted, true).await;
    device.say(0, Performative::Close(iolite_amqp::codec::Close::default())).await;
    device.gone().await;
    assert_eq!(world.state.lock().unwrap().settled[0].1, "Complete");
}

#[tokio::test]
async fn an_empty_queue_is_drained() {
    let world = world();
    let mut device = device(&world).await;
    device.attach(1, Role::Receiver, "/devices/d1/messages/devicebound").await.unwrap();
    let flow =
        Flow { incoming_window: 100, handle: Some(1), link_credit: Some(9), drain: Some(true), ..Flow::default() };
    device.say(0, Performative::Flow(flow)).await;
    let Performative::Flow(flow) = device.hear().await.performative else { panic!("no flow") };
    assert_eq!((flow.link_credit, flow.delivery_count, flow.drain), (Some(0), Some(9), Some(true)));
}

#[tokio::test]
async fn the_twin_is_read_reported_and_followed_on_a_pair_of_links() {
    let world = world();
    let mut device = device(&world).await;
    let pair = Some(
        (|attach| {
            let mut properties = Map::default();
            properties.annotate("com.microsoft:channel-correlation-id", Value::string("twin:1"));
            attach.properties = Some(properties);
        }) as fn(&mut Attach),
    );
    device.attach_on(0, 1, Role::Sender, "/devices/d1/twin", pair).await.unwrap();
    device.attach_on(0, 2, Role::Receiver, "/devices/d1/twin", pair).await.unwrap();
    device.credit(2, 50).await;
    device.transfer(1, &annotated(&[("operation", "GET")], Value::string("a"), " ")).await;
    let answer = device.message().await;
    assert_eq!(answer.properties.unwrap().correlation_id, Value::string("a"));
    assert_eq!(answer.message_annotations.get("status"), Some(&Value::Int(200)));
    let report =
        annotated(&[("operation", "PATCH"), ("resource", "/properties/reported")], Value::string("b"), r#"{"n":1}"#);
    device.transfer(1, &report).await;
    let answer = device.message().await;
    assert_eq!(answer.message_annotations.get("status"), Some(&Value::Int(204)));
    assert_eq!(answer.message_annotations.get("version"), Some(&Value::Long(2)));
    let subscribe = [("operation", "PUT"), ("resource", "/notifications/twin/properties/desired")];
    device.transfer(1, &annotated(&subscribe, Value::string("c"), " ")).await;
    assert_eq!(device.message().await.message_annotations.get("status"), Some(&Value::Int(200)));
    world.change_desired("d1", 7, r#"{"speed":1,"$version":7}"#);
    let change = device.message().await;
    assert!(change.properties.is_none_or(|properties| properties.correlation_id == Value::Null));
    assert_eq!(change.body, Body::data(r#"{"speed":1,"$version":7}"#));
    device.transfer(1, &annotated(&[("operation", "BREW")], Value::string("d"), " ")).await;
    assert_eq!(device.message().await.message_annotations.get("status"), Some(&Value::Int(400)));
}

#[tokio::test]
async fn a_method_is_called_and_answered() {
    let world = world();
    let mut device = device(&world).await;
    device.attach(1, Role::Receiver, "/devices/d1/methods/devicebound").await.unwrap();
    device.attach(2, Role::Sender, "/devices/d1/methods/devicebound").await.unwrap();
    device.credit(1, 10).await;
    let answered = world.call("d1", "reboot", r#"{"now":true}"#);
    let call = device.message().await;
    assert_eq!(call.application_properties.text("IoThub-methodname"), Some("reboot"));
    assert_eq!(call.body, Body::data(r#"{"now":true}"#));
    let correlation_id = call.properties.unwrap().correlation_id;
    assert!(matches!(correlation_id, Value::Uuid(_)), "a GUID, as one");
    let mut answer = annotated(&[], correlation_id, r#"{"ok":1}"#);
    answer.application_properties.put("IoThub-status", Value::Int(202));
    device.transfer(2, &answer).await;
    assert_eq!(answered.await.unwrap(), (202, Bytes::from_static(br#"{"ok":1}"#)));
}

#[tokio::test]
async fn a_back_end_sends_to_a_device_and_hears_the_feedback() {
    let world = world();
    let mut back_end = back_end(&world).await;
    back_end.attach(1, Role::Sender, "amqps://localhost/messages/devicebound").await.unwrap();
    back_end.attach(2, Role::Receiver, "/messages/serviceBound/feedback").await.unwrap();
    let to = |device: &str| {
        let to = Some(format!("/devices/{device}/messages/devicebound").into());
        WireMessage { properties: Some(Properties { to, ..Properties::default() }), ..data("hi") }
    };
    back_end.transfer(1, &to("unknown")).await;
    let Outcome::Rejected(Some(AmqpError { condition, info, .. })) = back_end.outcome().await else {
        panic!("accepted")
    };
    assert_eq!(&*condition.0, "amqp:not-found");
    assert!(info.unwrap().text("com.microsoft:tracking-id").is_some());
    back_end.transfer(1, &to("d1")).await;
    assert_eq!(back_end.outcome().await, Outcome::Accepted);
    assert_eq!(world.state.lock().unwrap().devices["d1"].queue[0].message.body, "hi");
    back_end.credit(2, 1).await;
    let (transfer, notice) = back_end.delivery().await;
    let content_type = notice.properties.unwrap().content_type.unwrap();
    assert_eq!(&*content_type.0, "application/vnd.microsoft.iothub.feedback.json");
    back_end.settle(transfer.delivery_id.unwrap(), Outcome::Accepted, true).await;
    back_end.transfer(1, &to("d1")).await;
    back_end.outcome().await;
    assert_eq!(world.state.lock().unwrap().settled[0].1, "Complete");
}

fn selector(clause: &str) -> Value {
    let clause = Value::Described(Box::new(Described { descriptor: Value::Null, value: Value::string(clause) }));
    let filter = Value::Map(Map(vec![(Value::symbol("apache.org:selector-filter:string"), clause)]));
    let address = Value::string("hub1/ConsumerGroups/$Default/Partitions/0");
    let mut fields = vec![Value::Null; 8];
    (fields[0], fields[7]) = (address, filter);
    Value::Described(Box::new(Described { descriptor: Value::Ulong(0x28), value: Value::List(fields) }))
}

#[tokio::test]
async fn a_reader_begins_where_its_selector_says_and_goes_on_with_a_newer_token() {
    let (world, clock) = frozen();
    let mut device = Client::begin(&world).await;
    device.put_token("localhost/devices/d1", &token(FAR)).await;
    device.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    for body in ["zero", "one", "two"] {
        device.transfer(1, &data(body)).await;
        device.outcome().await;
    }
    let mut reader = Client::begin(&world).await;
    reader.put_token("sb://localhost/hub1", &token(2000)).await;
    let from_one =
        Some((|attach| attach.source = selector("amqp.annotation.x-opt-sequence-number >= '1'")) as fn(&mut Attach));
    reader.attach_on(0, 1, Role::Receiver, "", from_one).await.unwrap();
    reader.credit(1, 10).await;
    assert_eq!(reader.message().await.body, Body::data("one"));
    assert_eq!(reader.message().await.body, Body::data("two"));
    assert_eq!(reader.put_again("sb://localhost/hub1", &token(3000)).await, 200);
    clock.advance(SignedDuration::from_secs(1500));
    device.transfer(1, &data("three")).await;
    assert_eq!(reader.message().await.body, Body::data("three"), "the link lives on, without a gap");
    clock.advance(SignedDuration::from_secs(1500));
    assert_eq!(reader.ended().await, "amqp:unauthorized-access");
    let bad = Some((|attach| attach.source = selector("colour > 'red'")) as fn(&mut Attach));
    reader.put_again("sb://localhost/hub1", &token(FAR)).await;
    assert_eq!(reader.attach_on(0, 2, Role::Receiver, "", bad).await.unwrap_err(), "com.microsoft:argument-error");
}

#[tokio::test]
async fn a_reader_of_a_higher_epoch_takes_the_link() {
    let world = world();
    let mut reader = back_end(&world).await;
    reader.put_again("sb://localhost/hub1", &token(FAR)).await;
    reader.attach(1, Role::Receiver, "hub1/ConsumerGroups/$Default/Partitions/0").await.unwrap();
    world.end_link("Events", LinkEnd::Stolen);
    assert_eq!(reader.ended().await, "amqp:link:stolen");
}

#[tokio::test]
async fn management_tells_the_facts_of_an_entity_and_of_a_partition() {
    let world = world();
    let mut client = Client::begin(&world).await;
    assert_eq!(client.attach(1, Role::Sender, "$management").await.unwrap_err(), "amqp:unauthorized-access");
    client.put_token("sb://localhost/hub1/$management", &token(FAR)).await;
    client.attach(2, Role::Sender, "$management").await.unwrap();
    client.attach(3, Role::Receiver, "$management").await.unwrap();
    client.credit(3, 10).await;
    let read = |kind: &str, entity: &str, partition: Option<&str>| {
        let mut message = client::put_token(kind, entity, "");
        message.application_properties.0[0].1 = Value::string("READ");
        if let Some(partition) = partition {
            message.application_properties.put("partition", Value::string(partition));
        }
        message
    };
    client.transfer(2, &read("com.microsoft:eventhub", "hub1", None)).await;
    let answer = client.message().await;
    let Body::Value(Value::Map(map)) = answer.body else { panic!("no map") };
    assert_eq!(map.get("partition_count"), Some(&Value::Int(2)));
    client.transfer(2, &read("com.microsoft:partition", "HUB1", Some("1"))).await;
    let Body::Value(Value::Map(map)) = client.message().await.body else { panic!("no map") };
    assert_eq!(map.get("is_partition_empty"), Some(&Value::Boolean(true)));
    client.transfer(2, &read("com.microsoft:partition", "hub1", Some("9"))).await;
    assert_eq!(client.status().await, 404);
    client.transfer(2, &read("com.microsoft:eventhub", "other", None)).await;
    assert_eq!(client.status().await, 401, "the token is for hub1");
}

#[tokio::test]
async fn the_hubs_own_events_are_redirected() {
    let world = world();
    let mut client = back_end(&world).await;
    client.say(0, Performative::Attach(Box::new(Attach::to(1, Role::Receiver, "/messages/events/$management")))).await;
    let error = loop {
        if let Performative::Detach(detach) = client.hear().await.performative {
            break detach.error.unwrap();
        }
    };
    assert_eq!(&*error.condition.0, "amqp:link:redirect");
    let info = error.info.unwrap();
    assert_eq!(info.text("hostname"), Some("localhost"));
    assert_eq!(info.text("address"), Some("amqps://localhost:5671/hub1/$management"));
}

#[tokio::test]
async fn plain_and_certificates_sign_in() {
    let world = world();
    let good = token(FAR);
    let mut client = Client::connect(&world);
    assert_eq!(client.sasl("PLAIN", &format!("\0service@sas.root.localhost\0{good}")).await, 0);
    client.open().await;
    client.attach(1, Role::Sender, "/messages/devicebound").await.unwrap();

    let mut client = Client::connect(&world);
    assert_eq!(client.sasl("PLAIN", &format!("\0d1@sas.localhost\0{good}")).await, 0);
    client.open().await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    let other = client.attach(2, Role::Sender, "/devices/d2/messages/events").await;
    assert_eq!(other.unwrap_err(), "amqp:unauthorized-access");

    let mut client = Client::connect(&world);
    assert_eq!(client.sasl("PLAIN", "\0service@sas.root.localhost\0SharedAccessSignature sig=bad").await, 1);
    client.gone().await;

    let certificate = Some(Arc::new(ClientCertificate { chain: vec![vec![1]] }));
    let mut client = Client::connect_with(&world, |context| context.arrival.certificate = certificate.clone());
    client.open().await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();

    let mut client = Client::connect(&world);
    assert_eq!(client.sasl("EXTERNAL", "").await, 1, "there is no certificate");
}

#[tokio::test]
async fn provisioning_is_refused_by_name() {
    let world = world();
    let mut client = Client::connect(&world);
    assert_eq!(client.sasl("PLAIN", "\x000ne1/registrations/r1\0SharedAccessSignature sr=x").await, 0);
    client.open().await;
    assert_eq!(client.attach(1, Role::Sender, "0ne1/registrations/r1").await.unwrap_err(), "amqp:not-implemented");
}

#[tokio::test]
async fn devices_share_a_connection_each_with_its_session() {
    let world = world();
    let mut client = Client::begin(&world).await;
    client.put_token("localhost/devices/d1", &token(FAR)).await;
    client.put_again("localhost/devices/d2", &token(FAR)).await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    client.attach(2, Role::Sender, "/devices/d2/messages/events").await.unwrap();
    world.close("d1", CloseReason::TakenOver);
    assert_eq!(client.ended().await, "amqp:link:stolen");
    client.transfer(2, &data("still here")).await;
    assert_eq!(client.outcome().await, Outcome::Accepted);
    client.attach(3, Role::Sender, "/devices/unknown/messages/events").await.unwrap_err();
    client.say(0, Performative::Close(iolite_amqp::codec::Close::default())).await;
    client.gone().await;
    let closed = world.state.lock().unwrap().sessions_closed.clone();
    assert_eq!(closed, [("d1".to_owned(), false), ("d2".to_owned(), true)]);
}

#[tokio::test]
async fn modules_have_links_of_their_own() {
    let world = world();
    let mut client = Client::begin(&world).await;
    client.put_token("localhost/devices/d1/modules/m", &token(FAR)).await;
    client.attach(1, Role::Sender, "/devices/d1/modules/m/messages/events").await.unwrap();
    client.transfer(1, &data("x")).await;
    assert_eq!(client.outcome().await, Outcome::Accepted);
    let events = &world.state.lock().unwrap().events;
    assert_eq!(events[0].event.origin.as_ref().unwrap().module_id.as_deref(), Some("m"));
}

#[tokio::test]
async fn a_newer_token_renews_the_session_and_a_bad_one_is_refused() {
    let world = world();
    let mut device = device(&world).await;
    device.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    assert_eq!(device.put_again("localhost/devices/d1", &token(FAR + 1)).await, 200);
    device.transfer(1, &data("x")).await;
    assert_eq!(device.outcome().await, Outcome::Accepted);
    assert_eq!(world.state.lock().unwrap().renewed, 1);
    assert_eq!(device.put_again("localhost/devices/d1", "SharedAccessSignature sig=bad&se=1").await, 401);
}

#[tokio::test]
async fn a_shutdown_closes_the_connection() {
    let world = world();
    let mut client = device(&world).await;
    client.drain.send(true).unwrap();
    assert_eq!(client.ended().await, "amqp:connection:forced");
    client.say(0, Performative::Close(iolite_amqp::codec::Close::default())).await;
    client.gone().await;
}

#[tokio::test]
async fn an_injected_fault_ends_the_connection_or_the_links() {
    let world = world();
    let mut client = device(&world).await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    world.close("d1", CloseReason::InjectedLinkFault);
    assert_eq!(client.ended().await, "amqp:link:detach-forced");
    let mut client = device(&world).await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    world.close("d1", CloseReason::InjectedSessionFault);
    assert_eq!(client.ended().await, "amqp:link:detach-forced");
    let mut client = device(&world).await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    world.close("d1", CloseReason::InjectedFault);
    assert_eq!(client.ended().await, "amqp:connection:forced");
    let mut client = device(&world).await;
    client.attach(1, Role::Sender, "/devices/d1/messages/events").await.unwrap();
    world.close("d1", CloseReason::InjectedCut);
    client.gone().await;
}

#[tokio::test]
async fn lock_tokens_are_guids_in_microsofts_order() {
    let world = world();
    world.send_to_device("d1", Message::of("x"));
    let mut device = device(&world).await;
    device.attach(1, Role::Receiver, "/devices/d1/messages/devicebound").await.unwrap();
    device.credit(1, 1).await;
    let (transfer, message) = device.delivery().await;
    let Some(Value::Uuid(token)) = message.message_annotations.get("x-opt-lock-token") else { panic!("no token") };
    assert_eq!(*transfer.delivery_tag.unwrap(), Uuid::from_bytes(*token).to_bytes_le());
}
