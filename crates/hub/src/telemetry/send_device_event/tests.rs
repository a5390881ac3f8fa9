//! Telemetry over HTTPS as the SDKs send it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_messaging::{HubEvent, SystemName};
use iolite_store::streams::Position;
use serde_json::json;

use super::*;
use crate::errors;
use crate::fixture::{self, World, named};
use crate::sessions::testing::permit;
use crate::telemetry::partition_of;

async fn send(
    world: &World,
    headers: &[(&'static str, &str)],
    body: impl Into<Vec<u8>>,
) -> Result<Answer, ServiceError> {
    run(&world.hub, permit("dev1", None), fixture::request(&[("id", "dev1")], headers, body)).await
}

async fn kept(world: &World) -> Vec<HubEvent> {
    let stream = world.hub.own_stream(World::KEY).unwrap();
    let partition = partition_of("dev1", stream.partitions());
    let records = stream.read(partition, Position::Earliest, 100, 1 << 20).await.unwrap();
    records.into_iter().map(|record| HubEvent::decode(record.body).unwrap()).collect()
}

async fn world() -> World {
    let world = World::new();
    world.put_device("dev1", named("dev1")).await;
    world
}

#[tokio::test]
async fn a_message_is_kept_with_its_properties() {
    let world = world().await;
    let headers = [
        ("iothub-to", "/devices/dev1/messages/events"),
        ("iothub-messageid", "m-1"),
        ("iothub-contenttype", "application/json"),
        ("iothub-app-alert", "yes"),
        ("user-agent", "x"),
    ];
    assert_eq!(send(&world, &headers, "{}").await.unwrap().status, 204);
    let [event] = &kept(&world).await[..] else { panic!("one event") };
    assert_eq!((&event.message.body[..], event.message.system(SystemName::MessageId)), (&b"{}"[..], Some("m-1")));
    assert_eq!(event.message.properties, vec![("alert".into(), Some("yes".into()))]);
    assert_eq!(event.message.system(SystemName::ContentType), Some("application/json"));
    assert_eq!(world.twin("dev1").await["lastActivityTime"], "2026-01-02T03:04:05.678Z");
}

#[tokio::test]
async fn a_batch_is_as_many_messages() {
    let world = world().await;
    let body = json!([
        {"body": STANDARD.encode("one"), "properties": {"iothub-app-a": "1", "iothub-messageid": "m"}},
        {"body": "two", "base64Encoded": false},
    ]);
    let headers = [("content-type", "application/vnd.microsoft.iothub.json")];
    send(&world, &headers, body.to_string()).await.unwrap();
    let events = kept(&world).await;
    let bodies: Vec<&[u8]> = events.iter().map(|event| &event.message.body[..]).collect();
    assert_eq!(bodies, [b"one", b"two"]);
    assert_eq!(events[0].message.property("a"), Some("1"));
    let refused = send(&world, &headers, "[{}]").await.unwrap_err();
    assert_eq!(refused.code, &errors::IOT_HUB_FORMAT_ERROR);
}

#[tokio::test]
async fn a_message_over_256_kilobytes_is_refused() {
    let world = world().await;
    let refused = send(&world, &[], vec![0; 256 * 1024 + 1]).await.unwrap_err();
    assert_eq!(refused.code, &errors::MESSAGE_TOO_LARGE);
    assert!(kept(&world).await.is_empty());
    send(&world, &[], vec![0; 256 * 1024]).await.unwrap();
}
