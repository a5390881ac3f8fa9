//! Links as the wire drives them: events that a device sent are read, and messages that a back end sends reach the device.

use std::sync::Arc;

use iolite_messaging::{CloseReason, EventWindow, LinkEnd, Message, Position, Settlement, SystemName, ToDevice};
use serde_json::{Value, json};

use super::reader::Reading;
use crate::errors;
use crate::fixture::{self, World, named};
use crate::service_links::EventEntity;
use crate::sessions::testing::{connect, heard, listening};

const WINDOW: EventWindow = EventWindow { events: 10, bytes: 1 << 20 };

async fn world() -> World {
    let world = World::new();
    world.put_hub_properties(json!({})).await;
    world.put_device("dev1", named("dev1")).await;
    world
}

fn entity(world: &World) -> EventEntity {
    world.hub.event_entity("CONTOSO-HUB").unwrap().unwrap()
}

fn reading(partition: u32, from: Position, epoch: Option<i64>) -> Reading {
    Reading { consumer_group: "$default".to_owned(), partition: partition.to_string(), from, epoch }
}

/// The partition that dev1's events go to.
fn partition() -> u32 {
    crate::telemetry::partition_of("dev1", 4)
}

#[tokio::test]
async fn an_event_is_read_as_it_was_sent_and_stamped() {
    let world = world().await;
    let device = connect(&world, "dev1").await;
    let mut message = Message::of("{}");
    message.set_system(SystemName::ContentType, "application/json");
    message.properties = vec![("a".into(), Some("b".into()))];
    assert!(device.session.send_event(message.clone()).unwrap().is_settled());
    let entity = entity(&world);
    let opened = world.hub.event_reader(&entity, &reading(partition(), Position::Earliest, None)).await.unwrap();
    let found = opened.reader.next(WINDOW).await.unwrap();
    assert_eq!((found.len(), found[0].sequence_number, found[0].enqueued_at), (1, 0, fixture::now()));
    let event = &found[0].event;
    assert_eq!((&event.message, &*event.source), (&message, "Telemetry"));
    let origin = event.origin.as_ref().unwrap();
    assert_eq!(&*origin.device_id, "dev1");
    let method: Value = serde_json::from_str(&origin.auth_method).unwrap();
    assert_eq!(
        (&method["scope"], &method["type"], &method["issuer"]),
        (&json!("device"), &json!("sas"), &json!("iothub"))
    );
    assert_eq!(opened.reader.facts().last_sequence_number, 0);
}

#[tokio::test]
async fn a_reader_waits_for_what_is_to_come_and_begins_where_it_is_told() {
    let world = world().await;
    let device = connect(&world, "dev1").await;
    let send = |text: &'static str| drop(device.session.send_event(Message::of(text)).unwrap());
    send("old");
    let entity = entity(&world);
    let latest = world.hub.event_reader(&entity, &reading(partition(), Position::Latest, None)).await.unwrap();
    let after =
        world.hub.event_reader(&entity, &reading(partition(), Position::Sequence(0, false), None)).await.unwrap();
    let at = world.hub.event_reader(&entity, &reading(partition(), Position::Sequence(0, true), None)).await.unwrap();
    send("new");
    let first = |found: Vec<iolite_messaging::FoundEvent>| found[0].event.message.body.clone();
    assert_eq!(first(latest.reader.next(WINDOW).await.unwrap()), "new");
    assert_eq!(first(after.reader.next(WINDOW).await.unwrap()), "new");
    assert_eq!(first(at.reader.next(WINDOW).await.unwrap()), "old");
}

#[tokio::test]
async fn what_an_entity_does_not_have_is_refused() {
    let world = world().await;
    let entity = entity(&world);
    let mut unknown_group = reading(0, Position::Earliest, None);
    unknown_group.consumer_group = "nobody".to_owned();
    for asked in [
        unknown_group,
        reading(4, Position::Earliest, None),
        Reading { partition: "00".to_owned(), ..reading(0, Position::Earliest, None) },
    ] {
        let refused = world.hub.event_reader(&entity, &asked).await.err().unwrap();
        assert_eq!(refused.code, &errors::GENERIC_NOT_FOUND, "{asked:?}");
    }
    assert!(world.hub.event_entity("elsewhere").unwrap().is_none());
}

#[tokio::test]
async fn a_higher_epoch_ends_a_lower_one() {
    let world = world().await;
    let entity = entity(&world);
    let open = |epoch| {
        let (hub, entity) = (world.hub.clone(), entity.clone());
        async move { hub.event_reader(&entity, &reading(0, Position::Earliest, epoch)).await.unwrap() }
    };
    let first = open(Some(1)).await;
    let second = open(Some(2)).await;
    assert!(matches!(first.end.await, LinkEnd::Stolen));
    let late = open(Some(1)).await;
    assert!(matches!(late.end.await, LinkEnd::Stolen));
    drop((first.reader, second, late.reader));
    open(None).await;
}

#[tokio::test]
async fn a_message_waits_for_its_device_and_its_sender_hears_what_became_of_it() {
    let world = world().await;
    let watch = tokio::spawn(world.hub.clone().attend());
    let mut message = Message::of("hello");
    message.set_system(SystemName::To, "/devices/dev1/messages/devicebound");
    message.set_system(SystemName::Ack, "full");
    message.set_system(SystemName::MessageId, "m-1");
    world.hub.send_to_device(World::KEY, message).await.unwrap();
    assert_eq!(world.twin("dev1").await["cloudToDeviceMessageCount"], 1);
    let mut device = connect(&world, "dev1").await;
    device.session.listen(listening());
    assert!(matches!(heard(&mut device), Some(ToDevice::DeviceBound)));
    let bound = device.session.receive().await.unwrap().unwrap();
    assert_eq!((&bound.message.body[..], bound.delivery_count), (&b"hello"[..], 0));
    assert_eq!(bound.message.system(SystemName::To), Some("/devices/dev1/messages/deviceBound"));
    assert!(device.session.receive().await.unwrap().is_none());
    device.session.settle(&bound.lock_token, Settlement::Complete).await.unwrap();
    let again = device.session.settle(&bound.lock_token, Settlement::Complete).await.unwrap_err();
    assert_eq!(again.code, &errors::DEVICE_MESSAGE_LOCK_LOST);
    assert_eq!(world.twin("dev1").await["cloudToDeviceMessageCount"], 0);
    let receiver = world.hub.notice_receiver(World::KEY, crate::notifications::NoticeQueue::Feedback);
    world.advance(15);
    let notice = receiver.next().await.unwrap();
    let records: Value = serde_json::from_slice(&notice.body).unwrap();
    assert_eq!(records[0]["originalMessageId"], "m-1");
    assert_eq!((&records[0]["statusCode"], &records[0]["deviceId"]), (&json!("Success"), &json!("dev1")));
    watch.abort();
}

#[tokio::test]
async fn fifty_messages_wait_and_no_more() {
    let world = world().await;
    let send = || {
        let mut message = Message::of("x");
        message.set_system(SystemName::To, "/devices/dev1/messages/deviceBound");
        world.hub.send_to_device(World::KEY, message)
    };
    for _ in 0..50 {
        send().await.unwrap();
    }
    assert_eq!(send().await.unwrap_err().code, &errors::DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED);
    assert_eq!(world.hub.purge("contoso-hub/dev1").await.unwrap(), 50);
    send().await.unwrap();
}

#[tokio::test]
async fn a_message_that_comes_back_too_often_is_dead_and_one_whose_lock_ends_is_not() {
    let world = world().await;
    let watch = tokio::spawn(world.hub.clone().attend());
    let mut message = Message::of("x");
    message.set_system(SystemName::To, "/devices/dev1/messages/deviceBound");
    world.hub.send_to_device(World::KEY, message).await.unwrap();
    let mut device = connect(&world, "dev1").await;
    device.session.listen(listening());
    assert!(heard(&mut device).is_some());
    device.session.receive().await.unwrap().unwrap();
    world.advance(60);
    assert!(matches!(device.inbox.recv().await, Some(ToDevice::DeviceBound)));
    for round in 0..10 {
        let bound = device.session.receive().await.unwrap().unwrap();
        assert_eq!(bound.delivery_count, round);
        device.session.settle(&bound.lock_token, Settlement::Abandon).await.unwrap();
    }
    assert!(device.session.receive().await.unwrap().is_none());
    assert_eq!(world.hub.waiting("contoso-hub/dev1"), 0);
    watch.abort();
}

#[tokio::test]
async fn a_message_runs_out_on_the_injected_clock() {
    let world = world().await;
    let watch = tokio::spawn(world.hub.clone().attend());
    let mut message = Message::of("x");
    message.set_system(SystemName::To, "/devices/dev1/messages/deviceBound");
    message.set_system(SystemName::Ack, "negative");
    world.hub.send_to_device(World::KEY, message.clone()).await.unwrap();
    message.set_system(SystemName::Expiry, "2026-01-02T03:04:05Z");
    assert_eq!(
        world.hub.send_to_device(World::KEY, message.clone()).await.unwrap_err().code,
        &errors::INVALID_MESSAGE_EXPIRY_TIME
    );
    message.set_system(SystemName::Expiry, "2026-01-05T00:00:00Z");
    assert!(world.hub.send_to_device(World::KEY, message).await.is_err());
    tokio::task::yield_now().await;
    world.advance(3600);
    let receiver = world.hub.notice_receiver(World::KEY, crate::notifications::NoticeQueue::Feedback);
    while world.hub.waiting("contoso-hub/dev1") > 0 {
        tokio::task::yield_now().await;
    }
    world.advance(15);
    let records: Value = serde_json::from_slice(&receiver.next().await.unwrap().body).unwrap();
    assert_eq!(records[0]["statusCode"], "Expired");
    watch.abort();
}

#[tokio::test]
async fn what_a_connection_held_is_the_next_one_s() {
    let world = world().await;
    let mut message = Message::of("x");
    message.set_system(SystemName::To, "/devices/dev1/messages/deviceBound");
    world.hub.send_to_device(World::KEY, message).await.unwrap();
    let mut first = connect(&world, "dev1").await;
    first.session.receive().await.unwrap().unwrap();
    let second = connect(&world, "dev1").await;
    assert!(matches!(heard(&mut first), Some(ToDevice::Close(CloseReason::TakenOver))));
    assert!(second.session.receive().await.unwrap().is_some());
    drop(Arc::clone(&world.hub));
}
