//! Tests of routing: which endpoint gets what.

use std::cell::Cell;

use iolite_kernel::{Clock, SeededEntropy, SteerableClock};
use iolite_messaging::SystemName;
use iolite_resources::{DeliverySchema, EndpointHealth, Estate, EventSubscription};
use serde_json::{Value, json};

use super::*;
use crate::blobs::NoTokens;
use crate::blobs::memory::MemoryBlobs;
use crate::outbound::Outbound;

struct Bench {
    routing: Routing,
    estate: Estate,
    clock: Arc<SteerableClock>,
    blobs: Arc<MemoryBlobs>,
}

async fn bench(routing: Value) -> Bench {
    let (estate, _) = fixture::estate_with_hub(routing).await;
    let clock = Arc::new(SteerableClock::frozen_at(crate::fixture::now()));
    let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    let blobs = Arc::new(MemoryBlobs::default());
    let storage = Storage { blobs: blobs.clone(), tokens: Arc::new(NoTokens) };
    let webhooks = Arc::new(Outbound::default());
    let grid = EventGrid::new(estate.hubs.clone(), estate.event_subscriptions.clone(), ground.clone(), webhooks);
    let routing = Routing::new(estate.hubs.clone(), ground, storage, Arc::new(grid), Arc::default());
    Bench { routing, estate, clock, blobs }
}

fn endpoints() -> Value {
    let own = |entity: &str| {
        format!("Endpoint=sb://localhost/;SharedAccessKeyName=p;SharedAccessKey=a2V5;EntityPath={entity}")
    };
    json!({
        "eventHubs": [
            {"name": "hot", "id": "1", "connectionString": own("Hot-Events")},
            {"name": "far", "connectionString": "Endpoint=sb://x.servicebus.windows.net/;EntityPath=e"},
        ],
        "storageContainers": [
            {"name": "cold", "connectionString": "UseDevelopmentStorage=true", "containerName": "cold", "encoding": "JSON"},
        ],
        "serviceBusQueues": [{"name": "queue"}],
    })
}

fn route(name: &str, source: &str, condition: &str, endpoint: &str) -> Value {
    json!({"name": name, "source": source, "condition": condition, "endpointNames": [endpoint], "isEnabled": true})
}

fn routing(routes: Value) -> Value {
    let fallback = json!({"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": true});
    json!({"endpoints": endpoints(), "routes": routes, "fallbackRoute": fallback})
}

fn message(level: &str) -> Message {
    let mut message = Message::of(r#"{"temperature":50}"#);
    message.set_system(SystemName::ContentType, "application/json");
    message.set_system(SystemName::ContentEncoding, "utf-8");
    message.properties.push(("level".into(), Some(level.into())));
    message
}

impl Bench {
    fn deliver(&self, source: Source, message: &Message) -> Deliveries {
        let twin = || Some(json!({"tags": {"floor": "2"}, "properties": {"desired": {}, "reported": {}}}));
        self.deliver_with(source, message, twin)
    }

    fn deliver_with(&self, source: Source, message: &Message, twin: impl FnOnce() -> Option<Value>) -> Deliveries {
        let origin = fixture::origin("d1");
        let event = Routable { source, message, origin: Some(&origin), at: self.clock.now(), partition: 1 };
        self.routing.deliver("contoso-hub", &event, twin)
    }

    /// The streams that telemetry of this level goes to.
    fn streams(&self, level: &str) -> Vec<String> {
        names(&self.deliver(Source::DeviceMessages, &message(level)))
    }

    fn health(&self, endpoint: usize) -> EndpointHealth {
        self.routing.endpoint_health("contoso-hub").remove(endpoint)
    }
}

fn names(deliveries: &Deliveries) -> Vec<String> {
    match deliveries {
        Deliveries::BuiltIn => vec!["events".to_owned()],
        Deliveries::Routed(all) => all
            .streams
            .iter()
            .map(|delivery| match &delivery.stream {
                EventStream::BuiltIn => "events".to_owned(),
                EventStream::Entity(entity) => entity.name.to_string(),
            })
            .collect(),
    }
}

#[tokio::test]
async fn without_routes_telemetry_goes_to_the_hub_s_own_stream_and_nobody_is_asked_for_a_twin() {
    let bench = bench(json!({})).await;
    let deliveries = bench.deliver_with(Source::DeviceMessages, &message("x"), || unreachable!());
    assert!(matches!(deliveries, Deliveries::BuiltIn));
    assert!(names(&bench.deliver(Source::TwinChangeEvents, &message("x"))).is_empty());
}

#[tokio::test]
async fn the_fallback_route_takes_what_no_other_route_took() {
    let bench = bench(routing(json!([route("r", "DeviceMessages", "level = 'hot'", "hot")]))).await;
    assert_eq!(bench.streams("hot"), ["Hot-Events"]);
    assert_eq!(bench.streams("other"), ["events"]);
}

#[tokio::test]
async fn a_fallback_route_that_is_off_or_left_out_takes_nothing() {
    let mut off = routing(json!([]));
    off["fallbackRoute"]["isEnabled"] = json!(false);
    let mut absent = routing(json!([]));
    absent.as_object_mut().unwrap().remove("fallbackRoute");
    for routing in [off, absent] {
        let bench = bench(routing).await;
        assert!(bench.streams("x").is_empty());
    }
}

#[tokio::test]
async fn each_endpoint_gets_a_message_once_whatever_routes_lead_there() {
    let routes = json!([
        route("a", "DeviceMessages", "true", "hot"),
        route("b", "DeviceMessages", "$body.temperature > 40", "hot"),
        route("c", "DeviceMessages", "$twin.tags.floor = '2'", "events"),
        route("d", "TwinChangeEvents", "true", "events"),
    ]);
    let bench = bench(routing(routes)).await;
    assert_eq!(bench.streams("x"), ["events", "Hot-Events"]);
}

#[tokio::test]
async fn a_twin_is_asked_for_once_and_only_where_a_condition_gets_so_far() {
    let routes = json!([
        route("a", "DeviceMessages", "level = 'hot' AND $twin.tags.floor = '2'", "hot"),
        route("b", "DeviceMessages", "$twin.tags.floor = '2'", "events"),
    ]);
    let bench = bench(routing(routes)).await;
    let asked = Cell::new(0);
    let twin = || {
        asked.set(asked.get() + 1);
        Some(json!({"tags": {"floor": "2"}}))
    };
    assert_eq!(names(&bench.deliver_with(Source::DeviceMessages, &message("hot"), twin)), ["events", "Hot-Events"]);
    assert_eq!(asked.get(), 1);
    assert!(matches!(bench.deliver_with(Source::DeviceMessages, &message("hot"), || None), Deliveries::BuiltIn));
}

#[tokio::test]
async fn routes_that_are_off_lead_nowhere_or_do_not_compile_take_nothing() {
    let mut off = route("a", "DeviceMessages", "true", "hot");
    off["isEnabled"] = json!(false);
    let routes = json!([
        off,
        route("b", "DeviceMessages", "true", "gone"),
        route("c", "DeviceMessages", "level =", "hot"),
        route("d", "Invalid", "true", "hot")
    ]);
    let bench = bench(routing(routes)).await;
    assert_eq!(bench.streams("x"), ["events"]);
}

#[tokio::test]
async fn other_sources_have_routes_of_their_own_and_no_fallback() {
    let bench = bench(routing(json!([route("a", "twinchangeevents", "opType = 'updateTwin'", "events")]))).await;
    let mut event = message("x");
    assert!(names(&bench.deliver(Source::TwinChangeEvents, &event)).is_empty());
    event.properties.push(("opType".into(), Some("updateTwin".into())));
    assert_eq!(names(&bench.deliver(Source::TwinChangeEvents, &event)), ["events"]);
    assert!(names(&bench.deliver(Source::DeviceLifecycleEvents, &event)).is_empty());
}

#[tokio::test]
async fn enrichments_are_added_for_their_endpoints_alone() {
    let mut routing =
        routing(json!([route("a", "DeviceMessages", "true", "hot"), route("b", "DeviceMessages", "true", "events")]));
    routing["enrichments"] = json!([
        {"key": "hub", "value": "$iothubname", "endpointNames": ["hot"]},
        {"key": "floor", "value": "$twin.tags.floor", "endpointNames": ["hot"]},
    ]);
    let bench = bench(routing).await;
    let Deliveries::Routed(Routed { streams: all, .. }) = bench.deliver(Source::DeviceMessages, &message("x")) else {
        unreachable!()
    };
    assert_eq!(all[0].message, None);
    let enriched = all[1].message.as_ref().unwrap();
    assert_eq!((enriched.property("hub"), enriched.property("floor")), (Some("Contoso-Hub"), Some("2")));
    assert_eq!(enriched.property("level"), Some("x"));
}

#[tokio::test]
async fn a_message_that_enrichments_make_too_large_is_dropped_there() {
    let mut routing = routing(json!([route("a", "DeviceMessages", "true", "hot")]));
    routing["enrichments"] = json!([{"key": "k", "value": "v", "endpointNames": ["hot"]}]);
    let bench = bench(routing).await;
    let largest = Message::of(vec![0; 256 * 1024]);
    assert!(names(&bench.deliver(Source::DeviceMessages, &largest)).is_empty());
    assert_eq!(bench.health(0).status, "dead");
}

#[tokio::test]
async fn an_enrichment_of_the_built_in_endpoint_ends_the_short_way() {
    let mut routing = routing(json!([]));
    routing["enrichments"] = json!([{"key": "k", "value": "v", "endpointNames": ["events"]}]);
    let bench = bench(routing).await;
    let Deliveries::Routed(Routed { streams: all, .. }) = bench.deliver(Source::DeviceMessages, &message("x")) else {
        unreachable!()
    };
    assert_eq!(all[0].message.as_ref().unwrap().property("k"), Some("v"));
}

#[tokio::test]
async fn storage_gets_a_blob_and_what_is_elsewhere_is_unhealthy() {
    let routes = json!([
        route("a", "DeviceMessages", "true", "cold"),
        route("b", "DeviceMessages", "true", "far"),
        route("c", "DeviceMessages", "true", "queue"),
    ]);
    let bench = bench(routing(routes)).await;
    assert!(bench.streams("x").is_empty());
    bench.routing.flush().await;
    let blobs = bench.blobs.blobs.lock();
    assert!(blobs.keys().next().unwrap().contains("/cold/Contoso-Hub/01/2026/01/02/03/04"));
    let statuses: Vec<&str> = (0..4).map(|place| bench.health(place).status).collect();
    assert_eq!(statuses, ["unknown", "unhealthy", "healthy", "unhealthy"]);
    assert!(bench.health(1).last_error.unwrap().contains("x.servicebus.windows.net"));
    assert!(bench.health(3).last_error.unwrap().contains("Service Bus"));
}

#[tokio::test]
async fn a_change_of_the_hub_s_record_changes_its_routes() {
    let bench = bench(routing(json!([]))).await;
    assert_eq!(bench.streams("hot"), ["events"]);
    fixture::put(&bench.estate, fixture::hub(routing(json!([route("r", "DeviceMessages", "true", "hot")])))).await;
    assert_eq!(bench.streams("hot"), ["Hot-Events"]);
}

#[tokio::test]
async fn a_message_of_a_hub_that_is_going_is_not_sent_elsewhere() {
    let bench = bench(json!({})).await;
    let message = message("x");
    let event = |source| Routable { source, message: &message, origin: None, at: bench.clock.now(), partition: 0 };
    let delivered = |source| bench.routing.deliver("gone", &event(source), || None);
    assert!(matches!(delivered(Source::DeviceMessages), Deliveries::BuiltIn));
    assert!(names(&delivered(Source::TwinChangeEvents)).is_empty());
}

#[tokio::test]
async fn an_entity_is_found_by_its_name_with_the_key_of_its_endpoint() {
    let bench = bench(routing(json!([]))).await;
    let entity = bench.routing.entity("HOT-events").unwrap();
    assert_eq!((&*entity.hub, entity.partition_count), ("contoso-hub", 4));
    let (policy, key) = entity.policy.clone().unwrap();
    assert_eq!((policy.as_str(), key.reveal()), ("p", "a2V5"));
    assert_eq!(bench.routing.entity("e"), None);
}

#[tokio::test]
async fn event_grid_does_not_count_as_a_route_that_took_the_message() {
    let bench = bench(routing(json!([route("a", "DeviceMessages", "level = 'grid'", "eventgrid")]))).await;
    let nowhere = iolite_kernel::Secret::new("http://127.0.0.1:9/");
    let subscription = EventSubscription {
        schema: DeliverySchema::CloudEventSchemaV1,
        ..EventSubscription::new("s".to_owned(), nowhere, bench.clock.now())
    };
    let kept = bench.estate.store.transact(|transaction| {
        transaction.put(&bench.estate.event_subscriptions, "contoso-hub/s", subscription.clone());
        Ok::<(), iolite_kernel::ServiceError>(())
    });
    kept.await.unwrap();
    assert_eq!(bench.streams("grid"), ["events"]);
    assert_eq!(bench.streams("x"), ["events"]);
}
