//! A world file becomes records: at first start, and at every reset.

use std::sync::Arc;

use iolite_access::RoleBook;
use iolite_arm::{new_hub, new_provisioning_service, new_twins_instance};
use iolite_identity::read_certificate;
use iolite_kernel::{Ground, Rights, Scope, Secret, SignedDuration, Timestamp};
use iolite_resources::{
    Certificate, Estate, Hub, HubSku, LinkAuthentication, LinkedHub, ManagedIdentityKind, ManagementGroup, Principal,
    PrincipalKind, ProvisioningService, ResourceGroup, ResourceIdentity, SharedAccessPolicy, Subscription, Tenant,
    TwinsInstance,
};
use iolite_store::{Record, Snapshot, Store, StoreError, Table, Transaction};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::file::{CertificateEntry, LinkBy, PolicyEntry, ProvisioningServiceEntry, StorageEntry, WorldFile};
use super::keys::{KeyMaker, Owner, derived_id_scope};
use super::public_keys::Reach;
use super::scope::resolve;
use crate::settings::Settings;

/// What a store says of the world it holds, under the key `world`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorldMark {
    /// The world's name.
    pub(crate) name: String,
    /// The tenant it was seeded with; a store outlives the file it was seeded from.
    pub(crate) tenant: Tenant,
    /// Whether the keys that the file leaves out are derived from names; else they are drawn.
    #[serde(rename = "well_known_keys")]
    pub(crate) has_derived_keys: bool,
    /// Those that are public knowledge, in words; asked for by [`Self::public_keys`]. Older stores do not list them.
    #[serde(default = "all_of_them")]
    listed_keys: Vec<String>,
    /// What drawn keys come of, so that a reset gives the same.
    #[serde(default)]
    key_seed: Option<Secret>,
}

fn all_of_them() -> Vec<String> {
    vec!["every key and secret of this world".to_owned()]
}

impl Record for WorldMark {
    const COLLECTION: &'static str = "world";
}

impl WorldMark {
    /// The key of the one mark.
    pub(crate) const KEY: &'static str = "world";

    /// The keys and secrets that everybody can know, in words.
    pub(crate) fn public_keys(&self) -> &[String] {
        if self.has_derived_keys { &self.listed_keys } else { &[] }
    }
}

/// Writes a world into the store.
pub(crate) struct Seeder {
    pub(super) file: Arc<WorldFile>,
    pub(super) estate: Estate,
    pub(super) book: RoleBook,
    pub(super) ground: Ground,
    marks: Table<WorldMark>,
    fresh_keys: bool,
    /// Where the world's keys can be used from.
    pub(crate) reach: Reach,
    /// What this process's fresh keys come of, from the first time that it is known.
    key_seed: Mutex<Option<Secret>>,
}

/// A world that is not in the store yet.
pub(crate) struct MadeWorld {
    snapshot: Snapshot,
    /// The keys and secrets that everybody can know, in words.
    pub(crate) public_keys: Vec<String>,
}

impl Seeder {
    /// What writes `file`, with keys as the settings ask for them where the store has drawn none before.
    pub(crate) fn new(file: WorldFile, estate: Estate, book: RoleBook, ground: Ground, settings: &Settings) -> Self {
        let marks: Table<WorldMark> = estate.store.table();
        let file = Arc::new(file);
        let key_seed = Mutex::new(marks.get(WorldMark::KEY).and_then(|mark| mark.key_seed.clone()));
        let (fresh_keys, reach) = (settings.generate_keys, Reach::of(settings));
        Self { file, estate, book, ground, marks, fresh_keys, reach, key_seed }
    }

    /// The tenant that the file describes.
    pub(crate) fn tenant(file: &WorldFile) -> Tenant {
        Tenant {
            id: file.tenant.id.to_ascii_lowercase(),
            domain: file.tenant.domain.clone(),
            cloud: file.tenant.cloud,
            token_lifetime_seconds: file.tenant.token_lifetime_seconds,
            propagation_delay_seconds: file.tenant.role_propagation_seconds,
        }
    }

    /// Makes the world as at start, beside the store: who asks looks at its keys before it is put there.
    pub(crate) async fn make(&self) -> Result<MadeWorld, StoreError> {
        let store = Store::memory();
        let mut book = self.book.clone();
        (book.custom, book.assignments, book.denies) = (store.table(), store.table(), store.table());
        let beside = Self {
            file: self.file.clone(),
            estate: Estate::new(store.clone(), Self::tenant(&self.file)),
            book,
            ground: self.ground.clone(),
            marks: store.table(),
            fresh_keys: self.fresh_keys,
            reach: self.reach,
            key_seed: Mutex::default(),
        };
        let key_seed = self.key_seed();
        let public_keys =
            store.transact(|transaction| Ok::<_, StoreError>(beside.write(transaction, key_seed.clone()))).await?;
        Ok(MadeWorld { snapshot: store.export(), public_keys })
    }

    /// Replaces everything in the store by `world`, in one change.
    pub(crate) async fn put(&self, world: MadeWorld) -> Result<(), StoreError> {
        self.estate.store.import(world.snapshot, |_| true).await
    }

    /// What the keys of the next seeding come of; `None` derives them. Keys that were drawn once, at the start or for what
    /// the store holds now, are never given up for those that everybody knows.
    fn key_seed(&self) -> Option<Secret> {
        let mut known = self.key_seed.lock();
        if known.is_none() {
            let mark = self.marks.get(WorldMark::KEY);
            let is_drawn = mark.as_ref().is_some_and(|mark| !mark.has_derived_keys);
            *known = mark
                .and_then(|mark| mark.key_seed.clone())
                .or_else(|| (is_drawn || self.fresh_keys).then(|| Secret::new(self.ground.entropy.key(32))));
        }
        known.clone()
    }

    /// Writes everything, and returns which keys are public knowledge.
    fn write(&self, transaction: &mut Transaction<'_>, key_seed: Option<Secret>) -> Vec<String> {
        let keys = KeyMaker::new(key_seed.clone(), super::read(None).ok().as_ref());
        self.write_containers(transaction);
        self.write_hubs(transaction, &keys);
        self.write_provisioning_services(transaction, &keys);
        self.write_twins(transaction);
        self.write_principals(transaction, &keys);
        self.write_custom_roles(transaction);
        self.write_assignments(transaction);
        self.write_denies(transaction);
        let public_keys = keys.into_public();
        let mark = WorldMark {
            name: self.file.name.clone(),
            tenant: (*self.estate.tenant).clone(),
            has_derived_keys: key_seed.is_none(),
            listed_keys: public_keys.clone(),
            key_seed,
        };
        transaction.put(&self.marks, WorldMark::KEY, mark);
        public_keys
    }

    fn write_containers(&self, transaction: &mut Transaction<'_>) {
        for group in &self.file.management_groups {
            let record = ManagementGroup {
                name: group.name.clone(),
                display_name: group.display_name.clone().unwrap_or_else(|| group.name.clone()),
                parent: group.parent.clone(),
            };
            transaction.put(&self.estate.management_groups, &group.name.to_ascii_lowercase(), record);
        }
        for entry in &self.file.subscriptions {
            let record = Subscription {
                id: entry.id.clone(),
                display_name: entry.name.clone(),
                management_group: entry.management_group.clone(),
            };
            transaction.put(&self.estate.subscriptions, &entry.id.to_ascii_lowercase(), record);
        }
        for group in &self.file.resource_groups {
            let id = self.group_scope(&group.name);
            let key = format!("{}/{}", id.subscription_id().unwrap_or_default(), group.name).to_ascii_lowercase();
            let record =
                ResourceGroup { id, location: group.location.clone(), tags: std::collections::BTreeMap::new() };
            transaction.put(&self.estate.resource_groups, &key, record);
        }
    }

    fn write_hubs(&self, transaction: &mut Transaction<'_>, keys: &KeyMaker) {
        for (index, entry) in self.file.iot_hubs.iter().enumerate() {
            let mut hub = new_hub(
                &self.ground,
                self.estate.tenant.cloud,
                self.resource(&entry.resource_group, Hub::TYPE, &entry.name),
                &self.location(&entry.resource_group),
                HubSku { name: entry.sku.clone(), capacity: 1 },
            );
            hub.created_at = self.made(index);
            hub.events.partition_count = entry.partitions;
            hub.disable_local_auth = entry.disable_local_auth;
            hub.disable_device_sas = entry.disable_device_sas;
            hub.disable_module_sas = entry.disable_module_sas;
            hub.policies =
                merge_policies(Owner { kind: Hub::TYPE, name: &entry.name }, hub.policies, &entry.policies, keys);
            hub.other_properties = entry.storage.as_ref().map(storage_properties).unwrap_or_default();
            if entry.throttling {
                hub.other_properties.insert("throttling".to_owned(), true.into());
            }
            self.write_certificates(transaction, &hub, &entry.certificates);
            transaction.put(&self.estate.hubs, &entry.name.to_ascii_lowercase(), hub);
        }
    }

    fn write_certificates(&self, transaction: &mut Transaction<'_>, hub: &Hub, entries: &[CertificateEntry]) {
        for entry in entries {
            // The file was checked: what cannot be read is not here.
            let Ok(der) = read_certificate(&entry.certificate) else { continue };
            let certificate = Certificate {
                resource: hub.id.clone(),
                name: entry.name.clone(),
                der: der.into(),
                is_verified: entry.verified,
                verification_code: None,
                created_at: hub.created_at,
                updated_at: hub.created_at,
            };
            transaction.put(&self.estate.certificates, &Certificate::key(&hub.id, &entry.name), certificate);
        }
    }

    fn write_provisioning_services(&self, transaction: &mut Transaction<'_>, keys: &KeyMaker) {
        for (index, entry) in self.file.provisioning_services.iter().enumerate() {
            let id = self.resource(&entry.resource_group, ProvisioningService::TYPE, &entry.name);
            let location = self.location(&entry.resource_group);
            let mut service =
                new_provisioning_service(&self.ground, self.estate.tenant.cloud, id.clone(), &location, 1);
            service.created_at = self.made(index);
            service.id_scope = entry.id_scope.clone().unwrap_or_else(|| derived_id_scope(&entry.name));
            let owner = Owner { kind: ProvisioningService::TYPE, name: &entry.name };
            service.policies = merge_policies(owner, service.policies, &entry.policies, keys);
            service.linked_hubs = self.links(entry, transaction);
            if let Some(identity) = &entry.identity {
                service.identity = Some(ResourceIdentity {
                    system_assigned: Some(identity.object_id.clone()),
                    user_assigned: Vec::new(),
                });
                let principal = Principal {
                    object_id: identity.object_id.clone(),
                    name: entry.name.clone(),
                    enabled: true,
                    kind: PrincipalKind::ManagedIdentity {
                        client_id: identity.client_id.clone(),
                        owner: ManagedIdentityKind::SystemAssigned(id),
                    },
                };
                transaction.put(&self.estate.principals, &identity.object_id.to_ascii_lowercase(), principal);
            }
            transaction.put(&self.estate.provisioning_services, &entry.name.to_ascii_lowercase(), service);
        }
    }

    fn links(&self, entry: &ProvisioningServiceEntry, transaction: &Transaction<'_>) -> Vec<LinkedHub> {
        let linked = entry.links.iter().filter_map(|link| {
            let hub = transaction.get(&self.estate.hubs, &link.hub.to_ascii_lowercase())?;
            let authentication = match link.by {
                LinkBy::Identity => LinkAuthentication::SystemAssigned,
                LinkBy::ConnectionString => LinkAuthentication::ConnectionString(connection_string(&hub, &link.policy)),
            };
            Some(LinkedHub {
                host_name: hub.host_name.clone(),
                authentication,
                location: hub.location.clone(),
                allocation_weight: link.weight,
                apply_allocation_policy: None,
            })
        });
        linked.collect()
    }

    fn write_twins(&self, transaction: &mut Transaction<'_>) {
        for (index, entry) in self.file.digital_twins.iter().enumerate() {
            let id = self.resource(&entry.resource_group, TwinsInstance::TYPE, &entry.name);
            let location = self.location(&entry.resource_group);
            let mut instance = new_twins_instance(&self.ground, self.estate.tenant.cloud, id, &location);
            instance.created_at = self.made(index);
            transaction.put(&self.estate.twins_instances, &entry.name.to_ascii_lowercase(), instance);
        }
    }

    fn group_scope(&self, name: &str) -> Scope {
        resolve(&self.file, &format!("group:{name}")).unwrap_or_else(|_| Scope::root())
    }

    pub(super) fn resource(&self, group: &str, kind: &str, name: &str) -> Scope {
        let scope = self.group_scope(group);
        Scope::resource(scope.subscription_id().unwrap_or_default(), scope.name(), kind, name)
    }

    fn location(&self, group: &str) -> String {
        let found = self.file.resource_groups.iter().find(|entry| entry.name.eq_ignore_ascii_case(group));
        found.map(|entry| entry.location.clone()).unwrap_or_default()
    }

    /// A moment that keeps the file's order: the first of its kind answers on the shared origin.
    fn made(&self, index: usize) -> Timestamp {
        let step = SignedDuration::from_micros(i64::try_from(index).unwrap_or_default());
        self.ground.now().saturating_add(step).unwrap_or_else(|_| self.ground.now())
    }
}

/// The default policies, then those that the file adds or replaces, all under the world's keys.
fn merge_policies(
    owner: Owner<'_>,
    defaults: Vec<SharedAccessPolicy>,
    entries: &[PolicyEntry],
    keys: &KeyMaker,
) -> Vec<SharedAccessPolicy> {
    let entry_of = |name: &str| entries.iter().find(|entry| entry.name == name);
    let with_keys = |key_name: String, rights: Rights| {
        let (primary_key, secondary_key) = keys.policy(owner, &key_name, entry_of(&key_name));
        SharedAccessPolicy { key_name, primary_key, secondary_key, rights }
    };
    let rights = |entry: &PolicyEntry| entry.rights.parse().unwrap_or_default();
    let is_default = |entry: &&PolicyEntry| defaults.iter().any(|known| known.key_name == entry.name);
    let added: Vec<&PolicyEntry> = entries.iter().filter(|entry| !is_default(entry)).collect();
    let mut policies = Vec::new();
    for known in defaults {
        let rights = entry_of(&known.key_name).map_or(known.rights, rights);
        policies.push(with_keys(known.key_name, rights));
    }
    policies.extend(added.into_iter().map(|entry| with_keys(entry.name.clone(), rights(entry))));
    policies
}

/// A hub's storage account as Resource Manager keeps it.
pub(super) fn storage_properties(storage: &StorageEntry) -> Map<String, Value> {
    let endpoint = json!({
        "sasTtlAsIso8601": storage.sas_ttl,
        "connectionString": storage.connection_string,
        "containerName": storage.container,
        "authenticationType": "keyBased",
    });
    Map::from_iter([
        ("storageEndpoints".to_owned(), json!({"$default": endpoint})),
        ("enableFileUploadNotifications".to_owned(), storage.notifications.into()),
    ])
}

/// What a provisioning service keeps to sign in to a hub by its policy.
fn connection_string(hub: &Hub, policy: &str) -> Secret {
    let key = hub.policy(policy).map(|policy| policy.primary_key.reveal()).unwrap_or_default();
    Secret::new(format!("HostName={};SharedAccessKeyName={policy};SharedAccessKey={key}", hub.host_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> Tenant {
        Tenant {
            id: id.to_owned(),
            domain: "contoso.example".to_owned(),
            cloud: iolite_resources::Cloud::Public,
            token_lifetime_seconds: 3600,
            propagation_delay_seconds: 0,
        }
    }

    /// Two changes would show an empty world to whoever asks in between, and leave it to a process that ends there.
    #[tokio::test]
    async fn a_world_is_put_back_in_one_change_and_as_the_file_says() {
        let store = Store::memory();
        let estate = Estate::new(store.clone(), tenant("of-an-earlier-world"));
        let book = RoleBook::new(&store).unwrap();
        let file = crate::world::read(None).unwrap();
        let wanted = Seeder::tenant(&file);
        let seeder = Seeder::new(file, estate.clone(), book, Ground::system(), &Settings::default());
        seeder.put(seeder.make().await.unwrap()).await.unwrap();
        let (hubs, principals) = (estate.hubs.count(""), estate.principals.count(""));
        assert!(hubs > 0 && principals > 0);
        let alien = store.transact(|transaction| {
            let group = ManagementGroup { name: "alien".to_owned(), display_name: String::new(), parent: None };
            transaction.put(&estate.management_groups, "alien", group);
            Ok::<(), StoreError>(())
        });
        alien.await.unwrap();
        let mut changes = store.watch();
        seeder.put(seeder.make().await.unwrap()).await.unwrap();
        let first = changes.recv().await.unwrap().revision;
        while let Ok(change) = changes.try_recv() {
            assert_eq!(change.revision, first, "{}", change.collection);
        }
        assert!(estate.management_groups.get("alien").is_none());
        assert_eq!((estate.hubs.count(""), estate.principals.count("")), (hubs, principals));
        assert_eq!(seeder.marks.get(WorldMark::KEY).unwrap().tenant, wanted);
    }

    #[tokio::test]
    async fn a_hub_s_storage_and_authorities_become_what_resource_manager_would_have_written() {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let mut file = crate::world::read(None).unwrap();
        file.iot_hubs[0].storage = Some(StorageEntry {
            connection_string: "UseDevelopmentStorage=true".to_owned(),
            container: "uploads".to_owned(),
            sas_ttl: "PT5M".to_owned(),
            notifications: true,
        });
        let entry = CertificateEntry { name: "Root".to_owned(), certificate: root.pem(), verified: true };
        file.iot_hubs[0].certificates = vec![entry];
        let name = file.iot_hubs[0].name.clone();
        let store = Store::memory();
        let estate = Estate::new(store.clone(), Seeder::tenant(&file));
        let book = RoleBook::new(&store).unwrap();
        let seeder = Seeder::new(file, estate.clone(), book, Ground::system(), &Settings::default());
        seeder.put(seeder.make().await.unwrap()).await.unwrap();
        let hub = estate.hub(&name).unwrap();
        assert_eq!(hub.other_properties["storageEndpoints"]["$default"]["sasTtlAsIso8601"], "PT5M");
        assert_eq!(hub.other_properties["enableFileUploadNotifications"], true);
        let certificate = estate.certificates.get(&Certificate::key(&hub.id, "root")).unwrap();
        assert!(certificate.is_verified && *certificate.der == **root.der());
    }
}
