//! Tests of what outlives a process: a hub over a folder, ended without a word, and another one over the same folder.

use std::path::Path;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use iolite_kernel::{Ground, SeededEntropy, SignedDuration, SteerableClock};
use iolite_messaging::{Message, SystemName};
use iolite_resources::{Estate, EventSubscription};
use iolite_store::streams::Limits;
use serde_json::{Value, json};

use super::*;
use crate::Hub;
use crate::blobs::memory::MemoryBlobs;
use crate::event_grid::Webhooks;
use crate::outbound::OutboundError;
use crate::routing::{Deliveries, Routable, Routed, Source, fixture};

/// Answers what it was told to, and remembers the ids of what it took.
#[derive(Default)]
struct Hooks {
    fails: Mutex<bool>,
    taken: Mutex<Vec<Value>>,
    counts: Mutex<Vec<String>>,
}

impl Webhooks for Hooks {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, OutboundError>> {
        Box::pin(async move {
            let status = if *self.fails.lock() { 503 } else { 200 };
            let count = request.headers()["aeg-delivery-count"].to_str().unwrap().to_owned();
            self.counts.lock().push(count);
            if status == 200 {
                self.taken.lock().push(serde_json::from_slice(request.body()).unwrap());
            }
            Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
        })
    }
}

/// What is outside: it goes on when a process dies.
struct Outside {
    folder: std::path::PathBuf,
    clock: Arc<SteerableClock>,
    blobs: Arc<MemoryBlobs>,
    hooks: Arc<Hooks>,
}

/// A process.
struct Process {
    hub: Arc<Hub>,
    work: tokio::task::JoinHandle<()>,
}

impl Outside {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            clock: Arc::new(SteerableClock::frozen_at(crate::fixture::now())),
            blobs: Arc::default(),
            hooks: Arc::default(),
        }
    }

    async fn start(&self) -> Process {
        let (store, _) = Store::open(&self.folder).unwrap();
        let (streams, _) = Streams::open(&self.folder, Limits::default()).unwrap();
        let estate = Estate::new(store, crate::fixture::tenant());
        if estate.hubs.get("contoso-hub").is_none() {
            fixture::put(&estate, fixture::hub(routing())).await;
            put_subscription(&estate).await;
        }
        let ground = Ground { clock: self.clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        let hub = Hub::new(estate, ground).with_webhooks(self.hooks.clone()).with_blobs(self.blobs.clone());
        let hub = Arc::new(hub.with_streams(streams));
        let attending = hub.clone();
        Process { hub, work: tokio::spawn(async move { attending.attend().await }) }
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Waits until `count` lines were written into the container, and gives the numbers in them.
    async fn lines(&self, count: usize) -> Vec<i64> {
        loop {
            let blobs: Vec<_> = self.blobs.blobs.lock().values().cloned().collect();
            let lines = blobs.iter().flat_map(|blob| blob.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty());
            let numbers: Vec<i64> = lines
                .map(|line| serde_json::from_slice::<Value>(line).unwrap()["Body"]["n"].as_i64().unwrap())
                .collect();
            if numbers.len() >= count {
                return numbers;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the webhook was asked `count` times.
    async fn asked(&self, count: usize) {
        while self.hooks.counts.lock().len() < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Process {
    /// Routes an event as telemetry does, and waits until it may be acknowledged.
    async fn send(&self, number: i64) {
        let mut message = Message::of(json!({"n": number}).to_string());
        message.set_system(SystemName::ContentType, "application/json");
        message.set_system(SystemName::ContentEncoding, "utf-8");
        let origin = fixture::origin("d1");
        let event = Routable {
            source: Source::DeviceMessages,
            message: &message,
            origin: Some(&origin),
            at: self.hub.ground.now(),
            partition: 0,
        };
        match self.hub.deliver("contoso-hub", &event) {
            Deliveries::BuiltIn => unreachable!("a route leads to the container"),
            Deliveries::Routed(routed) => {
                assert!(!routed.outboxes.is_empty());
                self.hub.keep("contoso-hub", &event, routed).unwrap().wait().await.unwrap();
            }
        }
    }

    /// Ends without finishing anything: what is in memory is gone, what is on the disk stays.
    async fn die(self) {
        self.work.abort();
        drop(self.work.await);
        self.hub.streams.close().await;
        self.hub.store.close().await;
    }
}

fn routing() -> Value {
    json!({
        "endpoints": {"storageContainers": [{
            "name": "Cold", "connectionString": "UseDevelopmentStorage=true", "containerName": "cold", "encoding": "JSON",
            "batchFrequencyInSeconds": 60,
        }]},
        "routes": [{
            "name": "r", "source": "DeviceMessages", "condition": "true", "endpointNames": ["Cold"], "isEnabled": true,
        }],
    })
}

async fn put_subscription(estate: &Estate) {
    let hook = iolite_kernel::Secret::new("https://hooks.example/");
    let subscription = EventSubscription::new("Hook".to_owned(), hook, crate::fixture::now());
    let kept = estate.store.transact(|transaction| {
        transaction.put(&estate.event_subscriptions, "contoso-hub/hook", subscription.clone());
        Ok::<(), StoreError>(())
    });
    kept.await.unwrap();
}

/// The number in an event as the webhook saw it.
fn number(request: &Value) -> i64 {
    request[0]["data"]["body"]["n"].as_i64().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_reaches_container_and_webhook_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(folder.path());
    *outside.hooks.fails.lock() = true;
    let first = outside.start().await;
    for number in 0..20 {
        first.send(number).await;
    }
    outside.asked(1).await;
    first.die().await;
    assert!(outside.blobs.blobs.lock().is_empty() && outside.hooks.taken.lock().is_empty());

    *outside.hooks.fails.lock() = false;
    outside.advance(61);
    let second = outside.start().await;
    assert_eq!(outside.lines(20).await, (0..20).collect::<Vec<_>>());
    outside.asked(21).await;
    let numbers: Vec<i64> = outside.hooks.taken.lock().iter().map(number).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    second.send(20).await;
    outside.asked(22).await;
    second.die().await;
}

#[tokio::test]
async fn what_was_delivered_does_not_come_again_and_attempts_are_counted_on() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(folder.path());
    let first = outside.start().await;
    first.send(1).await;
    outside.advance(61);
    assert_eq!(outside.lines(1).await, [1]);
    outside.asked(1).await;
    *outside.hooks.fails.lock() = true;
    first.send(2).await;
    outside.asked(2).await;
    // What is settled is written down as it comes.
    let (storage, grid) =
        (Place::new(Kind::Storage, "contoso-hub", "cold"), Place::new(Kind::EventGrid, "contoso-hub", "hook"));
    while first.hub.outboxes.progress(&storage, 0).next < 1 || first.hub.outboxes.progress(&grid, 0).attempts < 1 {
        tokio::task::yield_now().await;
    }
    first.die().await;

    *outside.hooks.fails.lock() = false;
    outside.advance(61);
    let second = outside.start().await;
    assert_eq!(outside.lines(2).await, [1, 2]);
    outside.asked(3).await;
    assert_eq!(outside.hooks.counts.lock()[..], ["0", "0", "1"]);
    second.die().await;
}

#[tokio::test]
async fn an_outbox_goes_with_its_endpoint_and_with_its_subscription() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(folder.path());
    *outside.hooks.fails.lock() = true;
    let process = outside.start().await;
    process.send(1).await;
    let hub = process.hub.clone();
    let gone = |names: Vec<String>| !names.iter().any(|name| name.starts_with("outbox/"));
    assert!(!gone(hub.streams.names()));
    let changed = hub.store.transact(|transaction| {
        transaction.put(&hub.hubs, "contoso-hub", fixture::hub(json!({})));
        transaction.delete(&hub.store.table::<EventSubscription>(), "contoso-hub/hook");
        Ok::<(), StoreError>(())
    });
    changed.await.unwrap();
    while !gone(hub.streams.names()) {
        tokio::task::yield_now().await;
    }
    outside.advance(61);
    hub.routing.flush().await;
    assert!(outside.blobs.blobs.lock().is_empty(), "nothing goes to an endpoint that is gone");
    process.die().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_kept_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(folder.path());
    let process = outside.start().await;
    process.hub.streams.close().await;
    let (message, at) = (Message::of("{}"), process.hub.ground.now());
    let event = Routable { source: Source::DeviceMessages, message: &message, origin: None, at, partition: 0 };
    let Deliveries::Routed(routed) = process.hub.deliver("contoso-hub", &event) else { unreachable!() };
    let Routed { streams, outboxes } = &routed;
    assert!(streams.is_empty() && outboxes.iter().all(Result::is_err));
    let kept = process.hub.keep("contoso-hub", &event, routed);
    assert!(kept.is_err_and(|error| error.code.status == 503));
    process.die().await;
}

#[tokio::test]
async fn a_world_that_is_put_back_delivers_what_waited_then() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(folder.path());
    *outside.hooks.fails.lock() = true;
    let process = outside.start().await;
    let hub = process.hub.clone();
    process.send(1).await;
    let (records, events) = (hub.store.export(), hub.streams.export(u64::MAX).await.unwrap());
    process.send(2).await;
    outside.asked(1).await;
    hub.store.import(records, |_| true).await.unwrap();
    hub.streams.import(events).await.unwrap();
    *outside.hooks.fails.lock() = false;
    hub.start_outboxes_over().await;
    outside.advance(61);
    assert_eq!(outside.lines(1).await, [1]);
    while outside.hooks.taken.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    process.send(3).await;
    outside.advance(61);
    assert_eq!(outside.lines(2).await, [1, 3], "what came after the copy is gone");
    process.die().await;
}
