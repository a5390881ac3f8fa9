//! All resources of a world, and the questions the doors ask of them.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_kernel::{ResourceId, Scope, Service};
use iolite_store::{Store, Table, Versioned};
use parking_lot::Mutex;

use crate::{
    Certificate, EventSubscription, Hub, ManagementGroup, Principal, PrincipalKind, ProvisioningService, ResourceGroup,
    Subscription, Tenant, TwinsInstance,
};

/// How deep groups may lie inside groups before the walk ends; a ring of groups ends there too.
const GROUP_DEPTH: usize = 32;
/// For how many principals the groups are remembered.
const MEMO_SIZE: usize = 10_000;

/// The tables of what exists; cheap to clone.
#[derive(Clone)]
pub struct Estate {
    /// The store they are kept in.
    pub store: Store,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Hubs by lower-case name.
    pub hubs: Table<Hub>,
    /// Provisioning services by lower-case name.
    pub provisioning_services: Table<ProvisioningService>,
    /// Digital Twins instances by lower-case name.
    pub twins_instances: Table<TwinsInstance>,
    /// X.509 authorities of hubs and provisioning services by [`Certificate::key`].
    pub certificates: Table<Certificate>,
    /// Event Grid subscriptions to hubs by lower-case `hub/name`.
    pub event_subscriptions: Table<EventSubscription>,
    /// Resource groups by lower-case `subscription/name`.
    pub resource_groups: Table<ResourceGroup>,
    /// Subscriptions by lower-case id.
    pub subscriptions: Table<Subscription>,
    /// Management groups by lower-case name.
    pub management_groups: Table<ManagementGroup>,
    /// The directory by lower-case object id.
    pub principals: Table<Principal>,
    groups: Arc<Mutex<GroupMemo>>,
}

/// The groups that principals are in, as worked out from one state of the directory.
#[derive(Default)]
struct GroupMemo {
    changes: u64,
    groups: HashMap<String, Arc<[String]>>,
}

/// The resource that a data-plane request is about, as it stood when the request came in.
#[derive(Clone)]
pub enum Resource {
    /// A hub.
    Hub(Versioned<Hub>),
    /// A provisioning service.
    ProvisioningService(Versioned<ProvisioningService>),
    /// A Digital Twins instance.
    Twins(Versioned<TwinsInstance>),
    /// A scope of Resource Manager: the path's own.
    Scope(Scope),
    /// The tenant's issuer and managed-identity endpoints.
    Tenant,
}

impl Resource {
    /// The scope that roles are looked up at.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Hub(hub) => hub.value.id.clone(),
            Self::ProvisioningService(service) => service.value.id.clone(),
            Self::Twins(instance) => instance.value.id.clone(),
            Self::Scope(scope) => scope.clone(),
            Self::Tenant => Scope::root(),
        }
    }

    /// Whether both are one and the same record: one that was written anew in between is not.
    #[must_use]
    pub fn is_same_record(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hub(mine), Self::Hub(theirs)) => Arc::ptr_eq(&mine.value, &theirs.value),
            (Self::ProvisioningService(mine), Self::ProvisioningService(theirs)) => {
                Arc::ptr_eq(&mine.value, &theirs.value)
            }
            (Self::Twins(mine), Self::Twins(theirs)) => Arc::ptr_eq(&mine.value, &theirs.value),
            (Self::Scope(mine), Self::Scope(theirs)) => mine == theirs,
            (Self::Tenant, Self::Tenant) => true,
            _ => false,
        }
    }

    /// The service that answers for it.
    #[must_use]
    pub const fn service(&self) -> Service {
        match self {
            Self::Hub(_) => Service::Hub,
            Self::ProvisioningService(_) => Service::Dps,
            Self::Twins(_) => Service::Twins,
            Self::Scope(_) => Service::Arm,
            Self::Tenant => Service::Entra,
        }
    }
}

impl Estate {
    /// The estate kept in `store`.
    #[must_use]
    pub fn new(store: Store, tenant: Tenant) -> Self {
        Self {
            tenant: Arc::new(tenant),
            hubs: store.table(),
            provisioning_services: store.table(),
            twins_instances: store.table(),
            certificates: store.table(),
            event_subscriptions: store.table(),
            resource_groups: store.table(),
            subscriptions: store.table(),
            management_groups: store.table(),
            principals: store.table(),
            groups: Arc::default(),
            store,
        }
    }

    /// The hub named `name`, without case.
    #[must_use]
    pub fn hub(&self, name: &str) -> Option<Versioned<Hub>> {
        self.hubs.get(&name.to_ascii_lowercase())
    }

    /// The provisioning service named `name`, without case.
    #[must_use]
    pub fn provisioning_service(&self, name: &str) -> Option<Versioned<ProvisioningService>> {
        self.provisioning_services.get(&name.to_ascii_lowercase())
    }

    /// The provisioning service whose id scope is `id_scope`, with case.
    #[must_use]
    pub fn provisioning_service_of_scope(&self, id_scope: &str) -> Option<Versioned<ProvisioningService>> {
        self.provisioning_services.all("").into_iter().map(|(_, found)| found).find(|found| found.id_scope == id_scope)
    }

    /// The Digital Twins instance named `name`, without case.
    #[must_use]
    pub fn twins_instance(&self, name: &str) -> Option<Versioned<TwinsInstance>> {
        self.twins_instances.get(&name.to_ascii_lowercase())
    }

    /// The principal with this object id, without case.
    #[must_use]
    pub fn principal(&self, object_id: &str) -> Option<Versioned<Principal>> {
        self.principals.get(&object_id.to_ascii_lowercase())
    }

    /// The principal that `text` names: by its world name, object id, client id or user name, without case.
    #[must_use]
    pub fn principal_named(&self, text: &str) -> Option<Versioned<Principal>> {
        self.principal(text).or_else(|| {
            self.principals.all("").into_iter().map(|(_, found)| found).find(|found| {
                found.name.eq_ignore_ascii_case(text)
                    || found.client_id().is_some_and(|id| id.eq_ignore_ascii_case(text))
                    || matches!(&found.kind, PrincipalKind::User { user_name, .. } if user_name.eq_ignore_ascii_case(text))
            })
        })
    }

    /// The object ids of the groups that `object_id` is in, directly or through other groups. Worked out once for each
    /// state of the directory.
    #[must_use]
    pub fn groups_of(&self, object_id: &str) -> Arc<[String]> {
        let changes = self.principals.changes();
        {
            let mut memo = self.groups.lock();
            if memo.changes != changes {
                *memo = GroupMemo { changes, groups: HashMap::new() };
            }
            if let Some(known) = memo.groups.get(object_id) {
                return known.clone();
            }
        }
        let found: Arc<[String]> = self.walk_groups(object_id).into();
        let mut memo = self.groups.lock();
        if memo.changes == changes && memo.groups.len() < MEMO_SIZE {
            memo.groups.insert(object_id.to_owned(), found.clone());
        }
        found
    }

    fn walk_groups(&self, object_id: &str) -> Vec<String> {
        let groups: Vec<(String, Vec<String>)> = self
            .principals
            .all("")
            .into_iter()
            .filter_map(|(_, found)| match &found.kind {
                PrincipalKind::Group { members } => Some((found.object_id.clone(), members.clone())),
                _ => None,
            })
            .collect();
        let mut reached = vec![object_id.to_owned()];
        for _ in 0..GROUP_DEPTH {
            let before = reached.len();
            for (group, members) in &groups {
                let is_member = members.iter().any(|member| reached.iter().any(|id| id.eq_ignore_ascii_case(member)));
                if is_member && !reached.iter().any(|id| id.eq_ignore_ascii_case(group)) {
                    reached.push(group.clone());
                }
            }
            if reached.len() == before {
                break;
            }
        }
        reached.remove(0);
        reached
    }

    /// `scope` and every scope above it that a role can be assigned at, the narrowest first, the root last.
    #[must_use]
    pub fn scopes_above(&self, scope: &ResourceId) -> Vec<Scope> {
        let mut chain = vec![scope.clone()];
        let mut above = scope.parent();
        while let Some(next) = above {
            above = next.parent();
            chain.push(next);
        }
        let subscription = scope.subscription_id().and_then(|id| self.subscriptions.get(&id.to_ascii_lowercase()));
        let mut group = match subscription {
            Some(subscription) => subscription.management_group.clone(),
            None => {
                self.management_groups.get(&scope.name().to_ascii_lowercase()).and_then(|found| found.parent.clone())
            }
        };
        while let Some(name) = group.take().filter(|_| chain.len() < GROUP_DEPTH) {
            chain.push(Scope::management_group(&name));
            group = self.management_groups.get(&name.to_ascii_lowercase()).and_then(|found| found.parent.clone());
        }
        if scope.as_str() != "/" {
            chain.push(Scope::root());
        }
        chain
    }
}
