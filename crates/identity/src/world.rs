//! A small world for this crate's tests: a tenant, a few principals, a hub and a provisioning service on a frozen clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use iolite_kernel::{
    Ground, Request, ResourceId, Right, Rights, Secret, SteerableClock, SystemEntropy, Timestamp, Uuid,
};
use iolite_resources::{
    AllocationPolicy, BuiltInEvents, Cloud, Estate, Hub, HubSku, Principal, PrincipalKind, ProvisioningService,
    SharedAccessPolicy, Tenant,
};
use iolite_store::{Record, Store, StoreError, Table};
use serde_json::{Map, Value, json};

use crate::KeyRing;
use crate::keys::fixture;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const TENANT: &str = "3f0c2a51-6f0e-4f57-9d5c-0c7b7c2f1a10";
pub(crate) const APP: &str = "0f1e2d3c-0000-4000-8000-000000000001";
pub(crate) const GROUP: &str = "0f1e2d3c-0000-4000-8000-000000000002";
pub(crate) const USER: &str = "0f1e2d3c-0000-4000-8000-000000000003";
pub(crate) const HUB_HOST: &str = "contoso-hub.azure-devices.net";
pub(crate) const ID_SCOPE: &str = "0ne00C0FFEE";

pub(crate) struct World {
    pub(crate) clock: Arc<SteerableClock>,
    pub(crate) ground: Ground,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) estate: Estate,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(SteerableClock::frozen_at(Timestamp::from_second(NOW).unwrap()));
        let ground = Ground { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let ring = Arc::new(KeyRing::new(ground.clone()));
        ring.install(fixture::first());
        let tenant = Tenant {
            id: TENANT.to_owned(),
            domain: "contoso.example".to_owned(),
            cloud: Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        };
        let world = Self { clock, ground, ring, estate: Estate::new(Store::memory(), tenant) };
        world.put_principal(APP, "reader-app", true);
        world.put(&world.estate.principals, GROUP, || Principal {
            object_id: GROUP.to_owned(),
            name: "operators".to_owned(),
            enabled: true,
            kind: PrincipalKind::Group { members: vec![APP.to_owned()] },
        });
        world.put(&world.estate.principals, USER, || Principal {
            object_id: USER.to_owned(),
            name: "operator".to_owned(),
            enabled: true,
            kind: PrincipalKind::User { user_name: "operator@contoso.example".to_owned(), password: Secret::new("p") },
        });
        world.put_hub(|_| {});
        world.put(&world.estate.provisioning_services, "contoso-dps", provisioning_service);
        world
    }

    pub(crate) fn put_principal(&self, object_id: &str, name: &str, enabled: bool) {
        self.put(&self.estate.principals, object_id, || Principal {
            object_id: object_id.to_owned(),
            name: name.to_owned(),
            enabled,
            kind: PrincipalKind::ServicePrincipal {
                client_id: "client".to_owned(),
                secrets: Vec::new(),
                certificates: Vec::new(),
                federated: Vec::new(),
            },
        });
    }

    /// Writes the hub, changed by `change`.
    pub(crate) fn put_hub(&self, change: impl Fn(&mut Hub) + Send + Sync) {
        self.put(&self.estate.hubs, "contoso-hub", || {
            let mut hub = hub();
            change(&mut hub);
            hub
        });
    }

    /// Writes the provisioning service, changed by `change`.
    pub(crate) fn put_provisioning_service(&self, change: impl Fn(&mut ProvisioningService) + Send + Sync) {
        self.put(&self.estate.provisioning_services, "contoso-dps", || {
            let mut service = provisioning_service();
            change(&mut service);
            service
        });
    }

    pub(crate) fn put<T: Record>(&self, table: &Table<T>, key: &str, value: impl Fn() -> T + Send + Sync) {
        let change = self.estate.store.transact(|transaction| {
            transaction.put(table, key, value());
            Ok::<_, StoreError>(())
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(change).unwrap();
    }
}

/// The claims of a good token for IoT Hub, as Entra writes them.
pub(crate) fn claims() -> Value {
    json!({
        "aud": "https://iothubs.azure.net",
        "iss": format!("https://sts.windows.net/{TENANT}/"),
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
        "appid": "client", "idtyp": "app", "oid": APP, "sub": APP, "tid": TENANT, "ver": "1.0",
    })
}

/// A request as a wire crate makes it.
pub(crate) fn request(target: &str, params: &[(&'static str, &str)]) -> Request {
    let mut request = Request::new(Uuid::nil(), Timestamp::from_second(NOW).unwrap(), target);
    request.params = params.iter().map(|(name, value)| (*name, (*value).into())).collect();
    request.origin = "https://localhost:8443".into();
    request.client.agent = "test".into();
    request
}

/// The base64 of 32 bytes of `byte`.
pub(crate) fn key(byte: u8) -> Secret {
    use base64::Engine;
    Secret::new(base64::engine::general_purpose::STANDARD.encode([byte; 32]))
}

fn policy(name: &str, byte: u8, rights: &[Right]) -> SharedAccessPolicy {
    SharedAccessPolicy {
        key_name: name.to_owned(),
        primary_key: key(byte),
        secondary_key: key(byte + 1),
        rights: Rights::of(rights),
    }
}

fn hub() -> Hub {
    let all = [Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect];
    Hub {
        id: ResourceId::resource("s", "contoso", Hub::TYPE, "contoso-hub"),
        location: "westeurope".to_owned(),
        tags: BTreeMap::new(),
        sku: HubSku { name: "S1".to_owned(), capacity: 1 },
        host_name: HUB_HOST.to_owned(),
        policies: vec![
            policy("iothubowner", 10, &all),
            policy("service", 20, &[Right::ServiceConnect]),
            policy("device", 30, &[Right::DeviceConnect]),
        ],
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
        created_at: Timestamp::UNIX_EPOCH,
        other_properties: Map::new(),
    }
}

fn provisioning_service() -> ProvisioningService {
    ProvisioningService {
        id: ResourceId::resource("s", "contoso", ProvisioningService::TYPE, "contoso-dps"),
        location: "westeurope".to_owned(),
        tags: BTreeMap::new(),
        capacity: 1,
        id_scope: ID_SCOPE.to_owned(),
        host_name: "contoso-dps.azure-devices-provisioning.net".to_owned(),
        policies: vec![policy("provisioningserviceowner", 40, &[Right::EnrollmentWrite, Right::ServiceConfig])],
        linked_hubs: Vec::new(),
        allocation_policy: AllocationPolicy::Hashed,
        identity: None,
        created_at: Timestamp::UNIX_EPOCH,
        other_properties: Map::new(),
    }
}
