//! A small world for this crate's unit tests: one subscription, one resource group, a user, and requests by method and
//! path. Paths are matched against the operations' own templates, so a wrong template fails the tests that use it.

use std::sync::Arc;

use http::HeaderMap;
use iolite_access::{Permit, RoleBook};
use iolite_identity::{Caller, PrincipalCaller};
use iolite_kernel::{
    Answer, Body, Bytes, Clock, Ground, Method, Operation, Params, Request, ResourceId, Scope, SeededEntropy,
    ServiceError, SteerableClock, Timestamp, Uuid,
};
use iolite_resources::{
    Cloud, EndpointHealth, Estate, EventSubscription, Hub, ManagedIdentityKind, ManagementGroup, Principal,
    PrincipalKind, ResourceContents, ResourceGroup, Subscription, Tenant,
};
use iolite_store::{Store, Transaction};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{Arm, Census, DeviceCounts, Endpoints, HubEvents, Surroundings, WebhookCheck, Witness, handlers};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/contoso";
pub(crate) const CALLER: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const READER: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const WORKLOAD: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/contoso/providers/\
                                   Microsoft.ManagedIdentity/userAssignedIdentities/workload";

/// The world and what happened in it.
pub(crate) struct World {
    pub(crate) arm: Arm,
    pub(crate) clock: Arc<SteerableClock>,
    pub(crate) told: Arc<Told>,
}

/// What the outside was told.
#[derive(Default)]
pub(crate) struct Told {
    /// Hubs whose local authentication was about to change, and how.
    pub(crate) switched: Mutex<Vec<(String, bool)>>,
    /// Resources whose contents were removed.
    pub(crate) emptied: Mutex<Vec<String>>,
    /// Webhooks that were asked whether they want events.
    pub(crate) validated: Mutex<Vec<String>>,
}

impl HubEvents for Told {
    fn endpoint_health(&self, _: &str) -> Vec<EndpointHealth> {
        let health = |id: &str, status, error: Option<&str>, sent: Option<&str>| EndpointHealth {
            endpoint_id: id.to_owned(),
            status,
            last_error: error.map(str::to_owned),
            last_error_at: None,
            last_success_at: sent.map(|at| at.parse().unwrap()),
            last_attempt_at: None,
        };
        vec![health("1", "healthy", None, Some("2026-11-22T12:00:00Z")), health("2", "unhealthy", Some("gone"), None)]
    }

    fn validate<'a>(&'a self, _: &'a str, subscription: &'a EventSubscription) -> WebhookCheck<'a> {
        Box::pin(async move {
            let url = subscription.endpoint_url.reveal();
            if url.contains("refuses") {
                return Err("it answered 403 and did not agree".to_owned());
            }
            self.validated.lock().push(url.to_owned());
            Ok(())
        })
    }
}

impl Witness for Told {
    fn local_auth_about_to_change(&self, hub: &Hub, disabled: bool, _: Uuid) {
        self.switched.lock().push((hub.id.name().to_owned(), disabled));
    }
}

impl ResourceContents for Told {
    fn resource_type(&self) -> &'static str {
        Hub::TYPE
    }

    fn remove(&self, _: &mut Transaction<'_>, key: &str) {
        self.emptied.lock().push(key.to_owned());
    }
}

impl Endpoints for Told {
    fn host_of(&self, resource: &ResourceId) -> Option<String> {
        (resource.name() != "elsewhere").then(|| "localhost:8443".to_owned())
    }

    fn event_hub_endpoint(&self, _: &ResourceId) -> Option<String> {
        Some("sb://localhost:5671/".to_owned())
    }

    fn device_provisioning_host_of(&self, _: &ResourceId) -> Option<String> {
        Some("localhost".to_owned())
    }
}

impl Census for Told {
    fn devices(&self, _: &str) -> DeviceCounts {
        DeviceCounts { total: 3, enabled: 2 }
    }
}

impl World {
    /// A fresh world at noon of 22 November 2026, with a resource group `contoso` in West Europe.
    pub(crate) async fn new() -> Self {
        Self::with_tenant(|_| ()).await
    }

    /// The same with another tenant.
    pub(crate) async fn with_tenant(change: impl FnOnce(&mut Tenant)) -> Self {
        let mut tenant = Tenant {
            id: "44444444-4444-4444-4444-444444444444".to_owned(),
            domain: "contoso.example".to_owned(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        change(&mut tenant);
        let store = Store::memory();
        let estate = Estate::new(store.clone(), tenant);
        let clock = Arc::new(SteerableClock::frozen_at("2026-11-22T12:00:00Z".parse().unwrap()));
        let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        let told = Arc::new(Told::default());
        let surroundings = Surroundings {
            contents: vec![told.clone()],
            witness: told.clone(),
            endpoints: told.clone(),
            census: told.clone(),
        };
        let book = RoleBook::new(&store).unwrap();
        let operations =
            handlers().iter().map(|handler| handler.operation).chain(crate::refused().iter().copied()).collect();
        let arm = Arm::new(estate, ground, book, operations, surroundings).with_events(told.clone());
        let world = Self { arm, clock, told };
        world.seed().await;
        world
    }

    async fn seed(&self) {
        let estate = &self.arm.estate;
        let person = |id: &str, name: &str| Principal {
            object_id: id.to_owned(),
            name: name.to_owned(),
            enabled: true,
            kind: PrincipalKind::User { user_name: format!("{name}@contoso.example"), password: "p".to_owned().into() },
        };
        let workload = Principal {
            object_id: "55555555-5555-5555-5555-555555555555".to_owned(),
            name: "workload".to_owned(),
            enabled: true,
            kind: PrincipalKind::ManagedIdentity {
                client_id: "66666666-6666-6666-6666-666666666666".to_owned(),
                owner: ManagedIdentityKind::UserAssigned(Scope::parse(WORKLOAD).unwrap()),
            },
        };
        let made = estate.store.transact(|transaction| {
            let subscription = Subscription {
                id: SUBSCRIPTION.to_owned(),
                display_name: "Contoso".to_owned(),
                management_group: Some("top".to_owned()),
            };
            transaction.put(&estate.subscriptions, SUBSCRIPTION, subscription);
            let top = ManagementGroup { name: "top".to_owned(), display_name: "Top".to_owned(), parent: None };
            transaction.put(&estate.management_groups, "top", top);
            let group = ResourceGroup {
                id: Scope::parse(GROUP).unwrap(),
                location: "westeurope".to_owned(),
                tags: std::collections::BTreeMap::new(),
            };
            transaction.put(&estate.resource_groups, &crate::arm::group_key(SUBSCRIPTION, "contoso"), group);
            transaction.put(&estate.principals, CALLER, person(CALLER, "operator"));
            transaction.put(&estate.principals, READER, person(READER, "reader"));
            transaction.put(&estate.principals, &workload.object_id.clone(), workload.clone());
            Ok::<(), ServiceError>(())
        });
        made.await.unwrap();
    }

    /// Makes `operator` a Contributor at `scope`, for what a request reaches besides its own scope.
    pub(crate) async fn make_contributor(&self, scope: &str) {
        const NAME: &str = "99999999-9999-9999-9999-999999999999";
        let role = "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c";
        let body = serde_json::json!({"properties": {"roleDefinitionId": role, "principalId": CALLER}});
        self.put(&format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{NAME}"), body).await.unwrap();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn get(&self, target: &str) -> Result<Answer, ServiceError> {
        self.call(Method::Get, target, &[], None).await
    }

    pub(crate) async fn put(&self, target: &str, body: Value) -> Result<Answer, ServiceError> {
        self.call(Method::Put, target, &[], Some(body)).await
    }

    pub(crate) async fn patch(&self, target: &str, body: Value) -> Result<Answer, ServiceError> {
        self.call(Method::Patch, target, &[], Some(body)).await
    }

    pub(crate) async fn post(&self, target: &str, body: Option<Value>) -> Result<Answer, ServiceError> {
        self.call(Method::Post, target, &[], body).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Result<Answer, ServiceError> {
        self.call(Method::Delete, target, &[], None).await
    }

    /// Gives the caller the role Reader at a scope.
    pub(crate) async fn make_reader(&self, scope: &str) {
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, scope.as_bytes());
        let body = json!({
            "properties": {"roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": CALLER},
        });
        self.put(&format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"), body).await.unwrap();
    }

    /// Runs the operation that the path leads to, as `operator`, without asking whether they may.
    pub(crate) async fn call(
        &self,
        method: Method,
        target: &str,
        headers: &[(&'static str, &str)],
        body: Option<Value>,
    ) -> Result<Answer, ServiceError> {
        let body = body.map_or_else(Bytes::new, |value| value.to_string().into());
        self.raw(CALLER, method, target, headers, body).await
    }

    /// The same as someone else, with the bytes of a body.
    pub(crate) async fn raw(
        &self,
        caller: &str,
        method: Method,
        target: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Result<Answer, ServiceError> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (index, params) = route(method, path);
        let handler = &handlers()[index];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let mut request = Request::new(Uuid::nil(), self.arm.ground.now(), target);
        request.params = params;
        request.query = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.into(), value.replace("%20", " ").into()))
            .collect();
        request.headers = map;
        request.body = body;
        request.api_version = "2023-06-30".into();
        request.origin = "https://localhost:8443".into();
        let permit = Permit::for_tests(self.caller(caller), handler.operation, scope_of(path), Uuid::nil());
        (handler.run)(&self.arm, permit, request).await
    }

    fn caller(&self, object_id: &str) -> Arc<Caller> {
        let principal = self.arm.estate.principal(object_id).unwrap();
        Arc::new(Caller::Principal(PrincipalCaller {
            object_id: principal.object_id.clone(),
            name: principal.name.clone(),
            principal_kind: principal.kind_name(),
            client_id: None,
            groups: self.arm.estate.groups_of(object_id).to_vec(),
            expires_at: Timestamp::MAX,
        }))
    }
}

/// The JSON of an answer.
pub(crate) fn json(answer: &Answer) -> Value {
    match &answer.body {
        Body::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
        Body::Empty | Body::Other { .. } => Value::Null,
    }
}

/// The served operation that a path leads to: the one with most fixed segments.
fn route(method: Method, path: &str) -> (usize, Params) {
    let mut found: Option<(usize, Params, (bool, usize))> = None;
    for (index, handler) in handlers().iter().enumerate() {
        if handler.operation.method != method {
            continue;
        }
        let Some((params, rank)) = matches(handler.operation, path) else { continue };
        if found.as_ref().is_none_or(|(_, _, best)| rank < *best) {
            found = Some((index, params, rank));
        }
    }
    let (index, params, _) = found.unwrap_or_else(|| panic!("no operation for {method} {path}"));
    (index, params)
}

fn matches(operation: &'static Operation, path: &str) -> Option<(Params, (bool, usize))> {
    let given: Vec<&str> = path.split('/').filter(|text| !text.is_empty()).collect();
    let mut template: Vec<&'static str> = operation.path.split('/').filter(|text| !text.is_empty()).collect();
    let scoped = template.first() == Some(&"{*scope}");
    let mut params = Params::new();
    let mut tail = &given[..];
    if scoped {
        template.remove(0);
        let before = given.len().checked_sub(template.len())?;
        params.push(("scope", format!("/{}", given[..before].join("/")).into()));
        tail = &given[before..];
    }
    if tail.len() != template.len() {
        return None;
    }
    let mut names = 0;
    for (wanted, text) in template.iter().zip(tail) {
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => {
                params.push((name, (*text).into()));
                names += 1;
            }
            None if wanted.eq_ignore_ascii_case(text) => {}
            None => return None,
        }
    }
    Some((params, (scoped, names)))
}

/// The scope a path is judged at: the longest part of it that is one, as the wire finds it.
fn scope_of(path: &str) -> Scope {
    let end = path.to_ascii_lowercase().rfind("/providers/microsoft.authorization").unwrap_or(path.len());
    let segments: Vec<&str> = path[..end].split('/').filter(|text| !text.is_empty()).collect();
    let within = |count: usize| Scope::parse(&format!("/{}", segments[..count].join("/")));
    match segments.as_slice() {
        [first, _, third, _, fifth, _, _, _, ..]
            if first.eq_ignore_ascii_case("subscriptions")
                && third.eq_ignore_ascii_case("resourceGroups")
                && fifth.eq_ignore_ascii_case("providers") =>
        {
            within(8).unwrap()
        }
        [first, _, third, _, ..]
            if first.eq_ignore_ascii_case("subscriptions") && third.eq_ignore_ascii_case("resourceGroups") =>
        {
            within(4).unwrap()
        }
        [first, _, ..] if first.eq_ignore_ascii_case("subscriptions") => within(2).unwrap(),
        [first, ..] if first.eq_ignore_ascii_case("providers") => {
            within(segments.len()).unwrap_or_else(|_| Scope::root())
        }
        _ => Scope::root(),
    }
}
