//! A hub in memory for the unit tests: a frozen clock, repeatable keys, permits of thin air.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use iolite_access::Permit;
use iolite_identity::Caller;
use iolite_kernel::{
    Answer, Body, Ground, Operation, Request, ResourceId, Scope, SeededEntropy, ServiceError, SignedDuration,
    SteerableClock, Timestamp, Uuid,
};
use iolite_resources::{BuiltInEvents, Cloud, Estate, Hub as HubRecord, HubSku, ResourceContents, Tenant};
use iolite_store::Store;
use iolite_store::streams::Streams;
use serde_json::{Value, json};

use crate::authentication::Credentials;
use crate::blobs::Blobs;
use crate::device::Device;
use crate::{Hub, handlers};

pub(crate) struct World {
    pub(crate) hub: Arc<Hub>,
    clock: Arc<SteerableClock>,
}

/// The tenant that everything is in.
pub(crate) fn tenant() -> Tenant {
    Tenant {
        id: Uuid::nil().to_string(),
        domain: "contoso.example".to_owned(),
        cloud: Cloud::Public,
        token_lifetime_seconds: 3600,
        propagation_delay_seconds: 0,
    }
}

impl World {
    /// The key of the one hub.
    pub(crate) const KEY: &str = "contoso-hub";

    pub(crate) fn new() -> Self {
        let clock = Arc::new(SteerableClock::frozen_at(now()));
        let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        let world = Self { hub: Arc::new(Hub::new(Estate::new(Store::memory(), tenant()), ground)), clock };
        // A store in memory never waits.
        world.put_hub_properties(json!({})).now_or_never().unwrap();
        world
    }

    /// The same with a blob service.
    pub(crate) fn with_blobs(blobs: Arc<dyn Blobs>) -> Self {
        Self::new().changed(|hub| hub.with_blobs(blobs))
    }

    /// The same over these streams.
    pub(crate) fn with_streams(streams: Streams) -> Self {
        Self::new().changed(|hub| hub.with_streams(streams))
    }

    pub(crate) fn changed(self, change: impl FnOnce(Hub) -> Hub) -> Self {
        let Ok(hub) = Arc::try_unwrap(self.hub) else { unreachable!("a new hub is shared with nobody") };
        Self { hub: Arc::new(change(hub)), clock: self.clock }
    }

    /// Writes the hub's own record with these ARM properties.
    pub(crate) async fn put_hub_properties(&self, properties: Value) {
        self.put_hub("Contoso-Hub", properties).await;
    }

    /// Writes the record of a hub called `name`, likewise.
    pub(crate) async fn put_hub(&self, name: &str, properties: Value) {
        let Value::Object(properties) = properties else { panic!("properties are an object") };
        let written = self.hub.store.transact(|transaction| {
            let mut record = hub_record(properties.clone());
            record.id = ResourceId::resource("s", "contoso", HubRecord::TYPE, name);
            transaction.put(&self.hub.hubs, &name.to_ascii_lowercase(), record);
            Ok::<_, ServiceError>(())
        });
        written.await.unwrap();
    }

    /// Deletes the hub keyed `key` with all that it holds, as Resource Manager does.
    pub(crate) async fn delete_hub(&self, key: &str) {
        let deleted = self.hub.store.transact(|transaction| {
            self.hub.remove(transaction, key);
            transaction.delete(&self.hub.hubs, key);
            Ok::<_, ServiceError>(())
        });
        deleted.await.unwrap();
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Runs the operation named `name` as the wire would.
    pub(crate) async fn call(
        &self,
        name: &str,
        params: &[(&'static str, &str)],
        headers: &[(&'static str, &str)],
        body: impl Into<Option<Value>>,
    ) -> Result<Answer, ServiceError> {
        let body: Option<Value> = body.into();
        self.send(name, request(params, headers, body.map(|body| body.to_string()).unwrap_or_default())).await
    }

    pub(crate) async fn send(&self, name: &str, request: Request) -> Result<Answer, ServiceError> {
        let handler = handlers().iter().find(|handler| handler.operation.name == name).expect(name);
        (handler.run)(&self.hub, permit(handler.operation), request).await
    }

    pub(crate) async fn put_device(&self, id: &str, body: Value) -> Value {
        json(&self.call("Devices_CreateOrUpdateIdentity", &[("id", id)], &[], body).await.unwrap())
    }

    pub(crate) async fn put_module(&self, id: &str, module: &str, body: Value) -> Value {
        let params = [("id", id), ("mid", module)];
        json(&self.call("Modules_CreateOrUpdateIdentity", &params, &[], body).await.unwrap())
    }

    pub(crate) async fn twin(&self, id: &str) -> Value {
        json(&self.call("Devices_GetTwin", &[("id", id)], &[], None).await.unwrap())
    }
}

fn permit(operation: &'static Operation) -> Permit {
    let hub = Scope::resource("s", "contoso", "Microsoft.Devices/IotHubs", "Contoso-Hub");
    Permit::for_tests(Arc::new(Caller::Anonymous), operation, hub, Uuid::nil())
}

fn hub_record(other_properties: serde_json::Map<String, Value>) -> HubRecord {
    HubRecord {
        id: ResourceId::resource("s", "contoso", HubRecord::TYPE, "Contoso-Hub"),
        location: "westeurope".to_owned(),
        tags: BTreeMap::new(),
        sku: HubSku { name: "S1".to_owned(), capacity: 1 },
        host_name: "contoso-hub.azure-devices.net".to_owned(),
        policies: Vec::new(),
        disable_local_auth: false,
        disable_device_sas: false,
        disable_module_sas: false,
        events: BuiltInEvents {
            path: "contoso-hub".to_owned(),
            partition_count: 4,
            retention_days: 1,
            consumer_groups: BTreeMap::new(),
        },
        identity: None,
        created_at: now(),
        other_properties,
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

pub(crate) fn request(
    params: &[(&'static str, &str)],
    headers: &[(&'static str, &str)],
    body: impl Into<Vec<u8>>,
) -> Request {
    let mut request = Request::new(Uuid::nil(), now(), "/");
    request.params = params.iter().map(|(name, value)| (*name, (*value).into())).collect();
    request.body = body.into().into();
    request.api_version = "2021-04-12".into();
    request.origin = "https://localhost:8443".into();
    for (name, value) in headers {
        request.headers.insert(*name, value.parse().unwrap());
    }
    request
}

/// The body of an answer.
pub(crate) fn json(answer: &Answer) -> Value {
    match &answer.body {
        Body::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
        _ => Value::Null,
    }
}

/// The header `name` of an answer.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.header(name)
}

pub(crate) fn device(id: &str) -> Device {
    let key = || "k".repeat(44).into();
    Device {
        id: id.into(),
        generation: 637_345_907_159_909_997,
        tag: 1,
        enabled: true,
        status_reason: None,
        status_changed_at: None,
        credentials: Credentials::Sas { primary: key(), secondary: key() },
        iot_edge: false,
        device_scope: None,
        parent_scopes: Vec::new(),
    }
}

/// The quoted etag in a body.
pub(crate) fn quoted(body: &Value) -> String {
    format!("\"{}\"", body["etag"].as_str().unwrap())
}

/// A body that only names the device.
pub(crate) fn named(id: &str) -> Value {
    json!({ "deviceId": id })
}
