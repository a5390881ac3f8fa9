//! The service itself: what its operations share.

use std::sync::Arc;

use iolite_access::{Permit, RoleBook};
use iolite_identity::{Caller, PrincipalCaller};
use iolite_kernel::{Ground, Need, Operation, Request, ResourceId, Scope, ServiceError};
use iolite_resources::{
    Estate, Hub, ManagedIdentityKind, PrincipalKind, ProvisioningService, ResourceGroup, TwinsInstance,
};
use iolite_store::{Transaction, Versioned};

use crate::errors::{
    LINKED_AUTHORIZATION_FAILED, RESOURCE_GROUP_NOT_FOUND, RESOURCE_NOT_FOUND, SCOPE_NOT_FOUND, SUBSCRIPTION_NOT_FOUND,
};
use crate::hub_events::NoEvents;
use crate::{HubEvents, Surroundings};

/// Azure Resource Manager over a world's resources and roles.
pub struct Arm {
    pub(crate) estate: Estate,
    pub(crate) ground: Ground,
    pub(crate) book: RoleBook,
    pub(crate) operations: Vec<&'static Operation>,
    pub(crate) surroundings: Surroundings,
    pub(crate) events: Arc<dyn HubEvents>,
}

impl Arm {
    /// Resource Manager over `estate` and `book`; `operations` are all that the process knows, for the provider
    /// operations it lists.
    #[must_use]
    pub fn new(
        estate: Estate,
        ground: Ground,
        book: RoleBook,
        operations: Vec<&'static Operation>,
        surroundings: Surroundings,
    ) -> Self {
        Self { estate, ground, book, operations, surroundings, events: Arc::new(NoEvents) }
    }

    /// The same with hubs whose events go somewhere.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn HubEvents>) -> Self {
        self.events = events;
        self
    }

    /// The resource group that the path names.
    pub(crate) fn group(&self, request: &Request) -> Result<Versioned<ResourceGroup>, ServiceError> {
        let (subscription, name) = (request.param("subscriptionId"), request.param("resourceGroupName"));
        self.subscription(subscription)?;
        let found = self.estate.resource_groups.get(&group_key(subscription, name));
        found.ok_or_else(|| {
            ServiceError::new(&RESOURCE_GROUP_NOT_FOUND, format!("Resource group '{name}' could not be found."))
        })
    }

    /// Refuses a subscription that is not there.
    pub(crate) fn subscription(&self, id: &str) -> Result<(), ServiceError> {
        if self.estate.subscriptions.get(&id.to_ascii_lowercase()).is_some() {
            return Ok(());
        }
        Err(ServiceError::new(&SUBSCRIPTION_NOT_FOUND, format!("The subscription '{id}' could not be found.")))
    }

    /// Removes what hangs below a resource that is being deleted: its records in the services, and the role and deny
    /// assignments at its scope and below.
    pub(crate) fn remove_below(&self, transaction: &mut Transaction<'_>, kind: &str, id: &ResourceId) {
        let key = id.name().to_ascii_lowercase();
        for contents in &self.surroundings.contents {
            if contents.resource_type().eq_ignore_ascii_case(kind) {
                contents.remove(transaction, &key);
            }
        }
        crate::certificates::remove_all(self, transaction, id);
        self.remove_assignments(transaction, id);
    }

    /// Removes the role and deny assignments at a scope and below.
    pub(crate) fn remove_assignments(&self, transaction: &mut Transaction<'_>, scope: &Scope) {
        for (key, assignment) in transaction.all(&self.book.assignments, "") {
            if scope.covers(&assignment.scope) {
                transaction.delete(&self.book.assignments, &key);
            }
        }
        for (key, deny) in transaction.all(&self.book.denies, "") {
            if scope.covers(&deny.scope) {
                transaction.delete(&self.book.denies, &key);
            }
        }
    }

    /// Refuses a scope at which nothing is.
    pub(crate) fn require_scope(&self, scope: &Scope) -> Result<(), ServiceError> {
        if self.exists(scope) {
            return Ok(());
        }
        Err(ServiceError::new(&SCOPE_NOT_FOUND, format!("There is nothing at the scope '{scope}'.")))
    }

    fn exists(&self, scope: &Scope) -> bool {
        let name = scope.name().to_ascii_lowercase();
        let Some(subscription) = scope.subscription_id() else {
            return *scope == Scope::root() || self.estate.management_groups.get(&name).is_some();
        };
        if *scope == Scope::subscription(subscription) {
            return self.estate.subscriptions.get(&subscription.to_ascii_lowercase()).is_some();
        }
        if let Some(group) = scope.group_name()
            && *scope == Scope::resource_group(subscription, group)
        {
            return self.estate.resource_groups.get(&group_key(subscription, group)).is_some();
        }
        self.estate.hub(&name).is_some_and(|hub| hub.id == *scope)
            || self.estate.provisioning_service(&name).is_some_and(|service| service.id == *scope)
            || self.estate.twins_instance(&name).is_some_and(|instance| instance.id == *scope)
            || self.is_user_assigned_identity(scope)
    }

    fn is_user_assigned_identity(&self, scope: &Scope) -> bool {
        self.estate.principals.all("").iter().any(|(_, principal)| {
            matches!(&principal.kind, PrincipalKind::ManagedIdentity { owner: ManagedIdentityKind::UserAssigned(id), .. } if id == scope)
        })
    }

    /// Every resource, with its ARM type, location and tags, in the order of their names within a type.
    pub(crate) fn resources(&self) -> Vec<ListedResource> {
        let hubs = self.estate.hubs.all("").into_iter().map(|(_, hub)| ListedResource {
            id: hub.id.clone(),
            kind: Hub::TYPE,
            location: hub.location.clone(),
            tags: hub.tags.clone(),
        });
        let services = self.estate.provisioning_services.all("").into_iter().map(|(_, service)| ListedResource {
            id: service.id.clone(),
            kind: ProvisioningService::TYPE,
            location: service.location.clone(),
            tags: service.tags.clone(),
        });
        let instances = self.estate.twins_instances.all("").into_iter().map(|(_, instance)| ListedResource {
            id: instance.id.clone(),
            kind: TwinsInstance::TYPE,
            location: instance.location.clone(),
            tags: instance.tags.clone(),
        });
        hubs.chain(services).chain(instances).collect()
    }

    /// Whether the caller may do `action` at `scope`, for what one request reaches besides the scope it was judged at.
    pub(crate) fn may(&self, caller: &Caller, action: &str, scope: &Scope) -> bool {
        let Caller::Principal(principal) = caller else { return false };
        let scopes = self.estate.scopes_above(scope);
        let now = self.ground.now();
        let granted = self.assignments_of(principal).iter().any(|assignment| {
            scopes.contains(&assignment.scope)
                && assignment.is_in_effect(now)
                && self.book.role(&assignment.role_id).is_some_and(|role| role.allows(action, false))
        });
        let identities: Vec<&str> =
            std::iter::once(&principal.object_id).chain(&principal.groups).map(String::as_str).collect();
        granted && !self.book.denies.all("").iter().any(|(_, deny)| deny.denies(&identities, &scopes, action, false))
    }

    /// Whether the caller may run the management `operation` at `scope`. Lists across scopes judge each row by the
    /// operation that reads it.
    pub(crate) fn may_run(&self, caller: &Caller, operation: &Operation, scope: &Scope) -> bool {
        matches!(operation.need, Need::Management { action } if self.may(caller, action, scope))
    }

    /// Refuses a caller who may not do `action` at a scope that the request reaches besides the one it was judged at.
    pub(crate) fn require_linked(&self, caller: &Caller, action: &str, scope: &Scope) -> Result<(), ServiceError> {
        if self.may(caller, action, scope) {
            return Ok(());
        }
        let text = format!(
            "The client '{}' has no authorization to perform action '{action}' over the linked scope '{scope}'.",
            caller.display_name()
        );
        Err(ServiceError::new(&LINKED_AUTHORIZATION_FAILED, text))
    }

    /// The role assignments of a principal and of its groups.
    pub(crate) fn assignments_of(&self, principal: &PrincipalCaller) -> Vec<Versioned<iolite_access::RoleAssignment>> {
        std::iter::once(&principal.object_id)
            .chain(&principal.groups)
            .flat_map(|id| self.book.assignments.all(&format!("{}/", id.to_ascii_lowercase())))
            .map(|(_, assignment)| assignment)
            .collect()
    }
}

/// A resource in a listing of all kinds.
pub(crate) struct ListedResource {
    pub(crate) id: ResourceId,
    pub(crate) kind: &'static str,
    pub(crate) location: String,
    pub(crate) tags: std::collections::BTreeMap<String, String>,
}

/// The key of a resource group.
pub(crate) fn group_key(subscription: &str, name: &str) -> String {
    format!("{subscription}/{name}").to_ascii_lowercase()
}

/// The refusal of a resource that is not there.
pub(crate) fn not_found(kind: &str, request: &Request, name: &str) -> ServiceError {
    let group = request.param("resourceGroupName");
    ServiceError::new(
        &RESOURCE_NOT_FOUND,
        format!("The Resource '{kind}/{name}' under resource group '{group}' was not found."),
    )
}

/// Whether a resource of this id is the one that the path names.
pub(crate) fn is_named_by(id: &ResourceId, request: &Request) -> bool {
    let same = |mine: Option<&str>, name| mine.is_some_and(|mine| mine.eq_ignore_ascii_case(request.param(name)));
    same(id.subscription_id(), "subscriptionId") && same(id.group_name(), "resourceGroupName")
}

/// Who is calling, by object id.
pub(crate) fn caller_id(permit: &Permit) -> Option<String> {
    match permit.caller() {
        Caller::Principal(principal) => Some(principal.object_id.clone()),
        _ => None,
    }
}
