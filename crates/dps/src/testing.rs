//! A world for the unit tests: one provisioning service, two linked hubs that answer as real ones do, and permits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use iolite_access::Permit;
use iolite_identity::{Caller, KeyMeans, RegistrantCaller};
use iolite_kernel::{Answer, Body, Bytes, Ground, Method, Operation, Request, Scope, SeededEntropy, ServiceError};
use iolite_kernel::{Right, Rights, Secret, SteerableClock, Timestamp, Uuid};
use iolite_resources::{
    AllocationPolicy, Cloud, Estate, LinkAuthentication, LinkedHub, ProvisioningService, SharedAccessPolicy, Tenant,
};
use iolite_store::Store;
pub(crate) use serde_json::json;
use serde_json::{Map, Value};

use crate::{Dps, HubAnswer, HubCall, HubGateway, enrollment_groups, enrollments};

/// The provisioning service's name.
pub(crate) const SERVICE: &str = "contoso-dps";
/// The first hub's host name, dialled as `localhost`.
pub(crate) const FIRST_HUB: &str = "contoso-hub.azure-devices.net";
/// The second hub's host name, dialled as itself.
pub(crate) const SECOND_HUB: &str = "second-hub.azure-devices.net";

/// The hubs: their devices with keys and twins, the calls they got, and what they refuse.
#[derive(Default)]
pub(crate) struct Hubs {
    pub(crate) devices: Mutex<BTreeMap<(String, String), Value>>,
    pub(crate) calls: Mutex<Vec<HubCall>>,
    pub(crate) refuse: Mutex<Option<(Method, HubAnswer)>>,
}

impl HubGateway for Hubs {
    fn call<'a>(&'a self, call: HubCall) -> Pin<Box<dyn Future<Output = HubAnswer> + Send + 'a>> {
        self.calls.lock().unwrap().push(call.clone());
        Box::pin(async move { self.answer(&call) })
    }
}

impl Hubs {
    /// Makes every call with `method` fail with `status` and `body`.
    pub(crate) fn refuse(&self, method: Method, status: u16, body: &str) {
        let answer = HubAnswer { status, body: Bytes::from(body.to_owned()) };
        *self.refuse.lock().unwrap() = Some((method, answer));
    }

    fn answer(&self, call: &HubCall) -> HubAnswer {
        if let Some((method, answer)) = &*self.refuse.lock().unwrap()
            && *method == call.method
        {
            return answer.clone();
        }
        let (path, _) = call.path.split_once('?').unwrap();
        let (_, id) = path.rsplit_once('/').unwrap();
        let place = (call.hub_host.clone(), id.to_owned());
        let mut devices = self.devices.lock().unwrap();
        let body: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
        let answer = |status: u16, body: Value| HubAnswer { status, body: body.to_string().into() };
        match (call.method, devices.get_mut(&place)) {
            (Method::Put, Some(_)) if call.if_match.is_none() => {
                answer(409, json!({"Message": "ErrorCode:DeviceAlreadyExists;A device is there"}))
            }
            (Method::Put, Some(device)) => {
                device["identity"] = body;
                answer(200, json!({}))
            }
            (Method::Put, None) => {
                devices.insert(place, json!({"identity": body, "twin": {}}));
                answer(200, json!({}))
            }
            (Method::Patch, Some(device)) => {
                device["twin"] = body;
                answer(200, json!({}))
            }
            (Method::Get, Some(device)) => {
                let mut twin = device["twin"].clone();
                twin["etag"] = json!("AAAAAAAAAAE=");
                answer(200, twin)
            }
            (Method::Delete, Some(_)) => {
                devices.remove(&place);
                HubAnswer { status: 204, body: Bytes::new() }
            }
            (_, _) => answer(404, json!({"Message": "ErrorCode:DeviceNotFound;x"})),
        }
    }

    /// The device in a hub.
    pub(crate) fn device(&self, hub: &str, id: &str) -> Option<Value> {
        self.devices.lock().unwrap().get(&(hub.to_owned(), id.to_owned())).cloned()
    }
}

/// A world with the provisioning service [`SERVICE`].
pub(crate) struct World {
    pub(crate) dps: Dps,
    pub(crate) hubs: Arc<Hubs>,
    pub(crate) clock: Arc<SteerableClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(SteerableClock::frozen_at("2026-11-22T01:00:00.1234567Z".parse().unwrap()));
        let ground = Ground { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
        let tenant = Tenant {
            id: "72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned(),
            domain: "contoso.example".to_owned(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        let hubs = Arc::new(Hubs::default());
        let dial = |host: &str| if host == FIRST_HUB { "localhost".to_owned() } else { host.to_owned() };
        let estate = Estate::new(Store::memory(), tenant);
        let world = Self { dps: Dps::new(estate, ground, hubs.clone(), Arc::new(dial)), hubs, clock };
        // A store in memory never waits.
        let is_linked = std::pin::pin!(world.link(|_| ())).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(is_linked);
        world
    }

    /// Writes the provisioning service's own record, changed by `change`.
    pub(crate) async fn link(&self, change: impl Fn(&mut ProvisioningService) + Send) {
        let mut record = ProvisioningService {
            id: scope(),
            location: "westeurope".to_owned(),
            tags: BTreeMap::new(),
            capacity: 1,
            id_scope: "0ne00000001".to_owned(),
            host_name: format!("{SERVICE}.azure-devices-provisioning.net"),
            policies: vec![SharedAccessPolicy {
                key_name: "provisioningserviceowner".to_owned(),
                primary_key: Secret::new("AAAA"),
                secondary_key: Secret::new("AAAA"),
                rights: Rights::of(&[Right::ServiceConfig, Right::DeviceConnect, Right::EnrollmentWrite]),
            }],
            linked_hubs: vec![linked(FIRST_HUB)],
            allocation_policy: AllocationPolicy::Hashed,
            identity: None,
            created_at: Timestamp::UNIX_EPOCH,
            other_properties: Map::new(),
        };
        change(&mut record);
        let table = &self.dps.estate.provisioning_services;
        self.dps
            .store()
            .transact(|transaction| {
                transaction.put(table, SERVICE, record.clone());
                Ok::<_, ServiceError>(())
            })
            .await
            .unwrap();
    }

    /// Runs an operation of the service API; `given` is `name=value&…` for path parameters, `name:value` for headers.
    pub(crate) async fn run<'a, F>(
        &'a self,
        operation: &'static Operation,
        run: impl Fn(&'a Dps, Permit, Request) -> F,
        given: &str,
        body: Value,
    ) -> Result<Answer, ServiceError>
    where
        F: Future<Output = Result<Answer, ServiceError>>,
    {
        let text = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let permit = Permit::for_tests(Arc::new(Caller::Anonymous), operation, scope(), Uuid::nil());
        run(&self.dps, permit, request(given, text)).await
    }

    /// The body of an answer that must be a success.
    pub(crate) async fn ok<'a, F>(
        &'a self,
        operation: &'static Operation,
        run: impl Fn(&'a Dps, Permit, Request) -> F,
        given: &str,
        body: Value,
    ) -> Value
    where
        F: Future<Output = Result<Answer, ServiceError>>,
    {
        value(&self.run(operation, run, given, body).await.unwrap())
    }

    /// The number of a refusal.
    pub(crate) async fn refused<'a, F>(
        &'a self,
        operation: &'static Operation,
        run: impl Fn(&'a Dps, Permit, Request) -> F,
        given: &str,
        body: Value,
    ) -> u32
    where
        F: Future<Output = Result<Answer, ServiceError>>,
    {
        self.run(operation, run, given, body).await.unwrap_err().code.number
    }

    /// Makes an individual enrolment with generated keys.
    pub(crate) async fn enroll(&self, id: &str) -> Value {
        self.put_enrollment(id, json!({})).await
    }

    /// Makes or replaces an individual enrolment, its symmetric attestation and id filled in.
    pub(crate) async fn put_enrollment(&self, id: &str, members: Value) -> Value {
        let body = self.filled(json!({"registrationId": id}), members).await;
        let put = async |given: String| {
            self.run(&enrollments::put::OPERATION, enrollments::put::run, &given, body.clone()).await
        };
        let answer = match put(format!("id={id}")).await {
            Err(refused) if refused.code.status == 409 => put(format!("id={id}&if-match:*")).await,
            other => other,
        };
        value(&answer.unwrap())
    }

    /// Makes a group with generated keys.
    pub(crate) async fn group(&self, id: &str) -> Value {
        self.put_group(id, json!({})).await
    }

    /// Makes a group, its symmetric attestation and id filled in.
    pub(crate) async fn put_group(&self, id: &str, members: Value) -> Value {
        let body = self.filled(json!({"enrollmentGroupId": id}), members).await;
        let operation = &enrollment_groups::put::OPERATION;
        self.ok(operation, enrollment_groups::put::run, &format!("id={id}"), body).await
    }

    async fn filled(&self, mut body: Value, members: Value) -> Value {
        if self.dps.resource(SERVICE).is_none() {
            self.link(|_| ()).await;
        }
        body["attestation"] = json!({"type": "symmetricKey"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    }

    /// Runs an operation of the device API as the device that its enrolment vouched for by symmetric key.
    pub(crate) async fn device<'a, F>(
        &'a self,
        operation: &'static Operation,
        run: impl Fn(&'a Dps, Permit, Request) -> F,
        registration_id: &str,
        operation_id: &str,
        body: Value,
    ) -> (u16, Value)
    where
        F: Future<Output = Result<Answer, ServiceError>>,
    {
        let answer = self.device_run(operation, run, registration_id, operation_id, body).await.unwrap();
        (answer.status, value(&answer))
    }

    /// The number of a refusal by the device API.
    pub(crate) async fn device_refused<'a, F>(
        &'a self,
        operation: &'static Operation,
        run: impl Fn(&'a Dps, Permit, Request) -> F,
        registration_id: &str,
        operation_id: &str,
        body: Value,
    ) -> u32
    where
        F: Future<Output = Result<Answer, ServiceError>>,
    {
        self.device_run(operation, run, registration_id, operation_id, body).await.unwrap_err().code.number
    }

    async fn device_run<'a, F>(
        &'a self,
        operation: &'static Operation,
        run: impl Fn(&'a Dps, Permit, Request) -> F,
        registration_id: &str,
        operation_id: &str,
        body: Value,
    ) -> Result<Answer, ServiceError>
    where
        F: Future<Output = Result<Answer, ServiceError>>,
    {
        use iolite_identity::AttestationSource;
        let vouching = self.dps.candidates(SERVICE, registration_id).into_iter().next().expect("an enrolment");
        let caller = Caller::Registrant(RegistrantCaller {
            service: scope(),
            registration_id: registration_id.to_owned(),
            enrollment: vouching.enrollment,
            group: vouching.group,
            means: KeyMeans::PrimaryKey,
        });
        let permit = Permit::for_tests(Arc::new(caller), operation, scope(), Uuid::nil());
        let given = format!("idScope=0ne00000001&registrationId={registration_id}&operationId={operation_id}");
        run(&self.dps, permit, request(&given, body.to_string().into())).await
    }
}

/// A link by connection string.
pub(crate) fn linked(host: &str) -> LinkedHub {
    let text = format!("HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAA==");
    LinkedHub {
        host_name: host.to_owned(),
        authentication: LinkAuthentication::ConnectionString(Secret::new(text)),
        location: "westeurope".to_owned(),
        allocation_weight: None,
        apply_allocation_policy: None,
    }
}

/// The body of an answer.
pub(crate) fn value(answer: &Answer) -> Value {
    match &answer.body {
        Body::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
        _ => Value::Null,
    }
}

fn scope() -> Scope {
    Scope::resource("00000000-0000-0000-0000-000000000001", "contoso", ProvisioningService::TYPE, SERVICE)
}

fn request(given: &str, body: Bytes) -> Request {
    let target = "/0ne00000001/registrations/x/register?api-version=2021-10-01";
    let mut request = Request::new(Uuid::nil(), Timestamp::UNIX_EPOCH, target);
    request.body = body;
    request.api_version = "2021-10-01".into();
    request.origin = "https://localhost:8443".into();
    for part in given.split('&') {
        if let Some((name, value)) = part.split_once('=').filter(|(name, _)| !name.contains(':')) {
            let name = ["id", "idScope", "registrationId", "operationId"].into_iter().find(|known| *known == name);
            request.params.push((name.expect("a path parameter"), value.into()));
        } else if let Some((name, value)) = part.split_once(':') {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers.insert(name, value.parse().unwrap());
        }
    }
    request
}
