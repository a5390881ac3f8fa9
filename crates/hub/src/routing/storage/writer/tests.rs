//! Tests of the writer over a blob service in memory and a clock that is moved by hand.

use iolite_kernel::{SeededEntropy, SteerableClock};
use iolite_messaging::{Message, SystemName};
use iolite_resources::StorageContainerEndpoint;
use serde_json::Value;

use super::*;
use crate::blobs::BlobError;
use crate::blobs::memory::MemoryBlobs;
use crate::routing::Source;

struct Bench {
    writer: StorageWriter,
    blobs: Arc<MemoryBlobs>,
    health: Arc<HealthBook>,
    clock: Arc<SteerableClock>,
}

fn bench() -> Bench {
    let clock = Arc::new(SteerableClock::frozen_at("2026-01-02T03:04:05Z".parse().unwrap()));
    let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    let (blobs, health) = (Arc::new(MemoryBlobs::default()), Arc::new(HealthBook::default()));
    let storage = Storage { blobs: blobs.clone(), tokens: Arc::new(Tokens) };
    Bench { writer: StorageWriter::new(ground, storage, health.clone(), Arc::default()), blobs, health, clock }
}

/// Tokens that say whose they are.
struct Tokens;

impl StorageTokens for Tokens {
    fn token<'a>(
        &'a self,
        hub: &'a str,
        user_assigned: Option<&'a str>,
    ) -> futures_util::future::BoxFuture<'a, Result<iolite_kernel::Secret, String>> {
        let token = format!("{hub} {}", user_assigned.unwrap_or("itself"));
        Box::pin(std::future::ready(Ok(iolite_kernel::Secret::new(token))))
    }
}

fn target(encoding: &str) -> Arc<StorageTarget> {
    let properties = StorageContainerEndpoint {
        connection_string: Some(iolite_kernel::Secret::new("UseDevelopmentStorage=true")),
        container_name: "events".to_owned(),
        file_name_format: Some("{iothub}/{partition}/{YYYY}/{MM}/{DD}/{HH}/{mm}.x".to_owned()),
        batch_frequency_seconds: Some(60),
        encoding: Some(encoding.to_owned()),
        ..StorageContainerEndpoint::default()
    };
    Arc::new(StorageTarget::new("contoso-hub", "cold", &properties).unwrap())
}

impl Bench {
    fn send(&self, target: &Arc<StorageTarget>, partition: u32, body: &'static str) {
        let mut message = Message::of(body);
        message.set_system(SystemName::ContentType, "application/json");
        message.set_system(SystemName::ContentEncoding, "utf-8");
        message.properties.push(("level".into(), Some("cold".into())));
        let origin = crate::routing::fixture::origin("d1");
        let event = Routable {
            source: Source::DeviceMessages,
            message: &message,
            origin: Some(&origin),
            at: self.writer.ground.now(),
            partition,
        };
        self.writer.take("contoso-hub", target, &event);
    }

    /// Lets the writer run until it waits.
    async fn settle(&self) {
        tokio::select! {
            biased;
            () = self.writer.run() => {}
            () = async { for _ in 0..20 { tokio::task::yield_now().await; } } => {}
        }
    }

    fn names(&self) -> Vec<String> {
        let blobs = self.blobs.blobs.lock();
        blobs.keys().map(|place| place.split_once("/events/").unwrap().1.to_owned()).collect()
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_batch_is_written_when_its_time_is_over_and_not_before() {
    let bench = bench();
    let target = target("JSON");
    bench.send(&target, 3, r#"{"n":1}"#);
    bench.advance(30);
    bench.send(&target, 3, "no json");
    bench.advance(29);
    bench.settle().await;
    assert!(bench.names().is_empty());
    bench.advance(1);
    bench.settle().await;
    assert_eq!(bench.names(), ["contoso-hub/03/2026/01/02/03/04.x"]);
    let content = bench.blobs.blobs.lock().values().next().unwrap().clone();
    let lines: Vec<Value> =
        std::str::from_utf8(&content).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["Body"], serde_json::json!({"n": 1}));
    assert_eq!(lines[0]["Properties"]["level"], "cold");
    assert_eq!(lines[0]["SystemProperties"]["connectionDeviceId"], "d1");
    assert_eq!(lines[0]["EnqueuedTimeUtc"], "2026-01-02T03:04:05.0000000Z");
    assert_eq!(lines[1]["Body"], "bm8ganNvbg==");
    assert_eq!(bench.health.of("contoso-hub", "cold", "").status, "healthy");
}

#[tokio::test]
async fn each_partition_has_a_blob_of_its_own_and_a_name_is_never_used_twice() {
    let bench = bench();
    let target = target("Avro");
    for partition in [0, 1] {
        bench.send(&target, partition, "{}");
    }
    bench.writer.flush().await;
    bench.send(&target, 0, "{}");
    bench.writer.flush().await;
    let expected = [
        "contoso-hub/00/2026/01/02/03/04.x",
        "contoso-hub/00/2026/01/02/03/04_2.x",
        "contoso-hub/01/2026/01/02/03/04.x",
    ];
    assert_eq!(bench.names(), expected);
    assert!(bench.blobs.blobs.lock().values().all(|blob| blob.starts_with(b"Obj\x01")));
}

#[tokio::test]
async fn a_container_that_cannot_be_reached_is_tried_again_later() {
    let bench = bench();
    let target = target("JSON");
    *bench.blobs.fault.lock() = Some(BlobError::NotFound("ContainerNotFound".to_owned()));
    bench.send(&target, 0, "{}");
    bench.advance(60);
    bench.settle().await;
    let health = bench.health.of("contoso-hub", "cold", "");
    assert_eq!(health.status, "unhealthy");
    assert!(health.last_error.unwrap().contains("ContainerNotFound"));
    *bench.blobs.fault.lock() = None;
    bench.settle().await;
    assert!(bench.names().is_empty(), "not before the pause is over");
    bench.advance(5);
    bench.settle().await;
    assert_eq!(bench.names().len(), 1);
    assert_eq!(bench.health.of("contoso-hub", "cold", "").status, "healthy");
}

#[tokio::test]
async fn the_largest_of_too_many_open_blobs_is_written_early() {
    let bench = bench();
    let target = target("Avro");
    let large = Message::of(vec![0u8; 1 << 20]);
    for number in 0..65 {
        let at = bench.writer.ground.now();
        let partition = if number < 20 { 0 } else { 1 + number % 4 };
        let event = Routable { source: Source::DeviceMessages, message: &large, origin: None, at, partition };
        // Below the size of one blob, but more than is held in all.
        bench.writer.take("contoso-hub", &target, &event);
    }
    bench.settle().await;
    assert_eq!(bench.names(), ["contoso-hub/00/2026/01/02/03/04.x"]);
}

#[tokio::test]
async fn a_deleted_hub_leaves_nothing_to_write() {
    let bench = bench();
    bench.send(&target("JSON"), 0, "{}");
    bench.writer.forget("contoso-hub");
    bench.writer.flush().await;
    assert!(bench.names().is_empty());
}

#[tokio::test]
async fn an_identity_based_endpoint_is_written_with_the_hub_s_token() {
    let bench = bench();
    for identity in [None, Some("/ids/1".to_owned())] {
        let properties = StorageContainerEndpoint {
            endpoint_uri: Some("https://localhost:10000/devstoreaccount1".to_owned()),
            container_name: "events".to_owned(),
            user_assigned_identity: identity,
            ..StorageContainerEndpoint::default()
        };
        let target = Arc::new(StorageTarget::new("contoso-hub", "cold", &properties).unwrap());
        bench.send(&target, 0, "{}");
        bench.writer.flush().await;
    }
    assert_eq!(bench.blobs.tokens.lock()[..], ["contoso-hub itself", "contoso-hub /ids/1"]);
}

#[tokio::test]
async fn a_blob_that_is_being_written_when_the_world_starts_over_takes_none_of_the_next_along() {
    let bench = bench();
    let target = target("JSON");
    bench.send(&target, 0, "{}");
    bench.advance(60);
    bench.writer.close_due(bench.writer.ground.now());
    let under_way = bench.writer.first_waiting(bench.writer.ground.now()).unwrap();
    bench.writer.start_over();
    bench.send(&target, 1, "{}");
    bench.advance(60);
    bench.writer.close_due(bench.writer.ground.now());
    bench.writer.settle(&under_way, Ok(()), bench.writer.ground.now());
    bench.writer.flush().await;
    assert_eq!(bench.names(), ["contoso-hub/01/2026/01/02/03/05.x"]);
}
