//! Tests of delivery over webhooks in memory and a clock that is moved by hand.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use iolite_kernel::{SeededEntropy, ServiceError, SignedDuration, SteerableClock};
use iolite_messaging::{EventOrigin, Message, SystemName};
use iolite_resources::DeliverySchema;
use serde_json::{Value, json};

use super::*;
use crate::fixture;
use crate::outbound::OutboundError;

/// Remembers what it was asked, and answers what it was told to.
struct Hooks {
    asked: Mutex<Vec<(String, http::HeaderMap, Bytes)>>,
    status: Mutex<u16>,
}

impl Webhooks for Hooks {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, OutboundError>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let validates = parts.headers.get("aeg-event-type").is_some_and(|kind| kind == "SubscriptionValidation");
            let mut answer = Response::builder().status(*self.status.lock());
            if let Some(origin) = parts.headers.get("webhook-request-origin") {
                answer = answer.header("webhook-allowed-origin", origin);
            }
            let echoed = validates.then(|| {
                let code = serde_json::from_slice::<Value>(&body).unwrap()[0]["data"]["validationCode"].clone();
                json!({"validationResponse": code}).to_string()
            });
            self.asked.lock().push((parts.method.to_string(), parts.headers, body));
            Ok(answer.body(echoed.unwrap_or_default().into()).unwrap())
        })
    }
}

struct Bench {
    grid: EventGrid,
    hooks: Arc<Hooks>,
    clock: Arc<SteerableClock>,
    store: iolite_store::Store,
    subscriptions: Table<EventSubscription>,
}

fn subscription() -> EventSubscription {
    EventSubscription {
        name: "hook".to_owned(),
        endpoint_url: iolite_kernel::Secret::new("https://hooks.example/events?code=s"),
        schema: DeliverySchema::CloudEventSchemaV1,
        included_event_types: None,
        subject_begins_with: String::new(),
        subject_ends_with: String::new(),
        subject_case_sensitive: false,
        max_events_per_batch: 1,
        max_delivery_attempts: 3,
        event_time_to_live_minutes: 1440,
        labels: Vec::new(),
        expires_at: None,
        created_at: fixture::now(),
    }
}

async fn bench(subscriptions: Vec<EventSubscription>) -> Bench {
    let clock = Arc::new(SteerableClock::frozen_at(fixture::now()));
    let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
    let (estate, _) = crate::routing::fixture::estate_with_hub(json!({})).await;
    let table = estate.event_subscriptions.clone();
    let kept = estate.store.transact(|transaction| {
        for subscription in &subscriptions {
            let key = EventSubscription::key("contoso-hub", &subscription.name);
            transaction.put(&table, &key, subscription.clone());
        }
        Ok::<(), ServiceError>(())
    });
    kept.await.unwrap();
    let hooks = Arc::new(Hooks { asked: Mutex::default(), status: Mutex::new(200) });
    let grid = EventGrid::new(estate.hubs, estate.event_subscriptions, ground, hooks.clone());
    Bench { grid, hooks, clock, store: estate.store, subscriptions: table }
}

fn origin() -> EventOrigin {
    EventOrigin { device_id: "Dev1".into(), module_id: None, generation: "7".into(), auth_method: "{}".into() }
}

impl Bench {
    fn offer(&self, source: Source, message: &Message) {
        let origin = origin();
        let at = self.grid.ground.now();
        self.grid.offer("contoso-hub", &Routable { source, message, origin: Some(&origin), at, partition: 0 });
    }

    fn telemetry(&self, body: &'static str) {
        let mut message = Message::of(body);
        message.set_system(SystemName::ContentType, "application/json");
        message.set_system(SystemName::ContentEncoding, "utf-8");
        message.properties.push(("Status".into(), Some("Active".into())));
        self.offer(Source::DeviceMessages, &message);
    }

    fn connected(&self) {
        let mut message = Message::of(r#"{"sequenceNumber":"01"}"#);
        message.set_system(SystemName::ContentType, "application/json");
        message.set_system(SystemName::ContentEncoding, "utf-8");
        message.properties.push(("opType".into(), Some("deviceConnected".into())));
        self.offer(Source::DeviceConnectionStateEvents, &message);
    }

    async fn settle(&self) {
        tokio::select! {
            biased;
            () = self.grid.run() => {}
            () = async { for _ in 0..50 { tokio::task::yield_now().await; } } => {}
        }
    }

    fn bodies(&self) -> Vec<Value> {
        self.hooks.asked.lock().iter().map(|(_, _, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    fn header(&self, place: usize, name: &str) -> String {
        self.hooks.asked.lock()[place].1.get(name).unwrap().to_str().unwrap().to_owned()
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn telemetry_goes_out_as_one_cloud_event() {
    let bench = bench(vec![subscription()]).await;
    bench.telemetry(r#"{"Weather":{"Temperature":900}}"#);
    bench.settle().await;
    let event = bench.bodies().remove(0);
    assert_eq!(event["type"], "Microsoft.Devices.DeviceTelemetry");
    assert_eq!((&event["specversion"], &event["subject"]), (&json!("1.0"), &json!("devices/Dev1")));
    let topic = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/CONTOSO/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/CONTOSO-HUB";
    assert_eq!((&event["source"], &event["time"]), (&json!(topic), &json!("2026-01-02T03:04:05.6780000Z")));
    assert_eq!(event["data"]["body"]["Weather"]["Temperature"], 900);
    assert_eq!(event["data"]["properties"], json!({"Status": "Active"}));
    let system = &event["data"]["systemProperties"];
    assert_eq!(system["iothub-connection-device-id"], "Dev1");
    assert_eq!(system["iothub-message-source"], "Telemetry");
    assert_eq!(bench.header(0, "content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(bench.header(0, "aeg-delivery-count"), "0");
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_goes_in_base64() {
    let bench = bench(vec![subscription()]).await;
    bench.offer(Source::DeviceMessages, &Message::of(r#"{"a":1}"#));
    bench.settle().await;
    assert_eq!(bench.bodies()[0]["data"]["body"], "eyJhIjoxfQ==");
}

#[tokio::test]
async fn event_grid_s_own_schema_is_a_list() {
    let own = EventSubscription { schema: DeliverySchema::EventGridSchema, max_events_per_batch: 10, ..subscription() };
    let bench = bench(vec![own]).await;
    bench.connected();
    bench.telemetry("{}");
    bench.settle().await;
    let bodies = bench.bodies();
    let events = bodies[0].as_array().unwrap();
    assert_eq!((bodies.len(), events.len()), (1, 2));
    assert_eq!(events[0]["eventType"], "Microsoft.Devices.DeviceConnected");
    let expected = json!({
        "deviceConnectionStateEventInfo": {"sequenceNumber": "01"}, "hubName": "Contoso-Hub", "deviceId": "Dev1",
    });
    assert_eq!(events[0]["data"], expected);
    assert_eq!((&events[0]["dataVersion"], &events[1]["dataVersion"]), (&json!("1"), &json!("")));
}

#[tokio::test]
async fn kinds_and_subjects_are_filtered() {
    let connected = EventSubscription {
        name: "connected".to_owned(),
        included_event_types: Some(vec!["microsoft.devices.deviceconnected".to_owned()]),
        ..subscription()
    };
    let other = |name: &str, begins: &str, ends: &str, case| EventSubscription {
        name: name.to_owned(),
        subject_begins_with: begins.to_owned(),
        subject_ends_with: ends.to_owned(),
        subject_case_sensitive: case,
        included_event_types: Some(vec!["Microsoft.Devices.DeviceTelemetry".to_owned()]),
        ..subscription()
    };
    let bench = bench(vec![
        connected,
        other("begins", "DEVICES/dev", "", false),
        other("case", "devices/dev", "", true),
        other("ends", "", "dev1", false),
        other("no", "", "dev2", false),
    ])
    .await;
    bench.telemetry("{}");
    bench.connected();
    bench.settle().await;
    let mut asked: Vec<String> =
        (0..bench.bodies().len()).map(|place| bench.header(place, "aeg-subscription-name")).collect();
    asked.sort();
    assert_eq!(asked, ["BEGINS", "CONNECTED", "ENDS"]);
    assert!(bench.grid.wants("contoso-hub", Source::DeviceConnectionStateEvents));
    assert!(!bench.grid.wants("contoso-hub", Source::DeviceLifecycleEvents));
    assert!(!bench.grid.wants("contoso-hub", Source::TwinChangeEvents));
    assert!(!bench.grid.wants("another", Source::DeviceMessages));
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_after_growing_pauses_and_given_up_at_last() {
    let bench = bench(vec![subscription()]).await;
    *bench.hooks.status.lock() = 503;
    bench.telemetry("{}");
    bench.settle().await;
    for (seconds, attempts) in [(9, 1), (1, 2), (29, 2), (1, 3), (3600, 3)] {
        bench.advance(seconds);
        bench.settle().await;
        assert_eq!(bench.bodies().len(), attempts);
    }
    assert_eq!(bench.header(2, "aeg-delivery-count"), "2");
    assert_eq!(bench.grid.dropped(), 1);
}

#[tokio::test]
async fn a_delivery_that_is_refused_for_good_is_not_repeated_and_the_next_event_goes_out() {
    let bench = bench(vec![subscription()]).await;
    *bench.hooks.status.lock() = 400;
    bench.telemetry(r#"{"n":1}"#);
    bench.settle().await;
    *bench.hooks.status.lock() = 200;
    bench.telemetry(r#"{"n":2}"#);
    bench.advance(86_400);
    bench.settle().await;
    let sent: Vec<Value> = bench.bodies().iter().map(|event| event["data"]["body"]["n"].clone()).collect();
    assert_eq!(sent, [json!(1), json!(2)]);
    assert_eq!(bench.grid.dropped(), 1);
}

#[tokio::test]
async fn what_waits_for_a_subscription_goes_with_it_and_leaves_room() {
    let bench = bench(vec![subscription()]).await;
    for _ in 0..3 {
        bench.telemetry("{}");
    }
    assert!(bench.grid.queues.lock().bytes() > 0);
    let table = bench.subscriptions.clone();
    let deleted = bench.store.transact(|transaction| {
        transaction.delete(&table, "contoso-hub/hook");
        Ok::<(), ServiceError>(())
    });
    deleted.await.unwrap();
    bench.settle().await;
    assert_eq!((bench.bodies().len(), bench.grid.queues.lock().bytes()), (0, 0));
    assert!(!bench.grid.wants("contoso-hub", Source::DeviceMessages));
}

#[tokio::test]
async fn a_queue_is_bounded() {
    let bench = bench(vec![subscription()]).await;
    for _ in 0..10_001 {
        bench.telemetry("{}");
    }
    assert_eq!(bench.grid.dropped(), 1);
}

#[tokio::test]
async fn a_webhook_must_agree_before_a_subscription_is_made() {
    let bench = bench(Vec::new()).await;
    for schema in [DeliverySchema::CloudEventSchemaV1, DeliverySchema::EventGridSchema] {
        bench.grid.validate("topic", &EventSubscription { schema, ..subscription() }).await.unwrap();
    }
    let asked = bench.hooks.asked.lock().clone();
    assert_eq!((asked[0].0.as_str(), asked[1].0.as_str()), ("OPTIONS", "POST"));
    assert_eq!(asked[0].1["webhook-request-origin"], "eventgrid.azure.net");
    *bench.hooks.status.lock() = 403;
    let own = EventSubscription { schema: DeliverySchema::EventGridSchema, ..subscription() };
    assert_eq!(bench.grid.validate("topic", &own).await, Err(HandshakeError::Refused(403)));
    let nowhere = EventSubscription { endpoint_url: iolite_kernel::Secret::new("not a url"), ..subscription() };
    assert_eq!(bench.grid.validate("topic", &nowhere).await, Err(HandshakeError::Address));
}
