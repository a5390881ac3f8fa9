//! A small world for this crate's unit tests: one instance over a store in memory, a clock that stands still, and requests
//! as the pipeline would hand them over.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use iolite_access::Permit;
use iolite_kernel::{
    Answer, Body, Ground, Operation, Request, Scope, SeededEntropy, ServiceError, SignedDuration, SteerableClock,
    Timestamp, Uuid,
};
use iolite_resources::{Cloud, Estate, Tenant, TwinsInstance};
use iolite_store::{Store, Versioned};
use serde_json::{Value, json};

use crate::{Model, Twin, Twins, models, twins};

/// The service with the instance `Contoso-Twins`.
pub(crate) struct World {
    pub(crate) service: Twins,
    clock: Arc<SteerableClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let tenant = Tenant {
            id: "72f988bf-0000-0000-0000-000000000000".to_owned(),
            domain: "contoso.example".to_owned(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        let clock = Arc::new(SteerableClock::frozen_at("2026-11-22T01:12:48.12Z".parse().unwrap()));
        let ground = Ground { clock: Arc::clone(&clock) as _, entropy: Arc::new(SeededEntropy::new(1)) };
        let estate = Estate::new(Store::memory(), tenant);
        let instances = estate.twins_instances.clone();
        let instance = TwinsInstance {
            id: Scope::resource("s", "contoso", TwinsInstance::TYPE, "Contoso-Twins"),
            location: "westeurope".to_owned(),
            tags: BTreeMap::new(),
            host_name: "contoso-twins.api.weu.digitaltwins.azure.net".to_owned(),
            identity: None,
            created_at: ground.now(),
            changed_at: ground.now(),
            other_properties: serde_json::Map::new(),
        };
        let made = estate.store.transact(|transaction| {
            transaction.put(&instances, "contoso-twins", instance.clone());
            Ok::<_, ServiceError>(())
        });
        // A store in memory never waits.
        assert!(std::pin::pin!(made).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        Self { service: Twins::new(estate, ground), clock }
    }

    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Runs an operation; the answer's body, or null where it has none.
    pub(crate) async fn call(
        &self,
        operation: &'static Operation,
        params: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Value, ServiceError> {
        self.send(operation, request_for(params, body)).await
    }

    pub(crate) async fn send(&self, operation: &'static Operation, request: Request) -> Result<Value, ServiceError> {
        self.send_to("Contoso-Twins", operation, request).await
    }

    pub(crate) async fn send_to(
        &self,
        instance: &str,
        operation: &'static Operation,
        request: Request,
    ) -> Result<Value, ServiceError> {
        Ok(json_of(&self.answer(instance, operation, request).await?))
    }

    /// The whole answer, with its status and headers.
    pub(crate) async fn answer(
        &self,
        instance: &str,
        operation: &'static Operation,
        request: Request,
    ) -> Result<Answer, ServiceError> {
        let handler = crate::handlers().iter().find(|handler| handler.operation.name == operation.name).unwrap();
        let resource = Scope::resource("s", "contoso", TwinsInstance::TYPE, instance);
        let caller = Arc::new(iolite_identity::Caller::Anonymous);
        let permit = Permit::for_tests(caller, operation, resource, Uuid::nil());
        (handler.run)(&self.service, permit, request).await
    }

    pub(crate) async fn upload(&self, models: &Value) {
        self.call(&models::add::OPERATION, &[], &models.to_string()).await.unwrap();
    }

    pub(crate) async fn put(&self, id: &str, twin: &Value) -> Result<Value, ServiceError> {
        self.call(&twins::put::OPERATION, &[("id", id)], &twin.to_string()).await
    }

    pub(crate) fn model(&self, id: &str) -> Option<Versioned<Model>> {
        self.service.models.get(&Twins::key("contoso-twins", id))
    }

    pub(crate) fn twin(&self, id: &str) -> Option<Versioned<Twin>> {
        self.service.twins.get(&Twins::key("contoso-twins", id))
    }
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    match &answer.body {
        Body::Json(text) => serde_json::from_slice(text).unwrap(),
        Body::Empty => Value::Null,
        Body::Other { .. } => panic!("Digital Twins answers JSON or nothing"),
    }
}

/// A request of api-version 2023-10-31 with `body`.
pub(crate) fn request(body: &str) -> Request {
    let mut request = Request::new(Uuid::from_u128(1), Timestamp::UNIX_EPOCH, "/");
    request.body = body.as_bytes().to_vec().into();
    request.api_version = "2023-10-31".into();
    request.origin = "https://localhost:8443".into();
    request
}

/// A request with path parameters.
pub(crate) fn request_for(params: &[(&'static str, &str)], body: &str) -> Request {
    let mut request = request(body);
    request.params = params.iter().map(|(name, value)| (*name, (*value).into())).collect();
    request
}

pub(crate) fn request_with(body: &str, header: &'static str, value: &str) -> Request {
    let mut request = request(body);
    request.headers.insert(header, value.parse().unwrap());
    request
}

/// An interface in DTDL v2 with these contents.
pub(crate) fn interface(id: &str, contents: &Value) -> Value {
    json!({"@context": "dtmi:dtdl:context;2", "@id": id, "@type": "Interface", "contents": contents})
}
