//! The people of a world and their roles: principals, custom roles, role and deny assignments.

use iolite_access::{DenyAssignment, Permission, RoleAssignment, RoleDefinition};
use iolite_kernel::Scope;
use iolite_resources::{ApplicationCertificate, FederatedCredential, ManagedIdentityKind, Principal, PrincipalKind};
use iolite_store::Transaction;

use super::file::{PrincipalEntry, PrincipalEntryKind};
use super::keys::{KeyMaker, derived_guid};
use super::scope::resolve;
use super::seed::Seeder;

/// The principals that role entries name: name and object id.
struct Named<'a> {
    entry: &'a PrincipalEntry,
    object_id: String,
}

impl Seeder {
    pub(super) fn write_principals(&self, transaction: &mut Transaction<'_>, keys: &KeyMaker) {
        for named in self.named() {
            let principal = Principal {
                object_id: named.object_id.clone(),
                name: named.entry.name.clone(),
                enabled: named.entry.enabled,
                kind: self.principal_kind(named.entry, keys),
            };
            transaction.put(&self.estate.principals, &named.object_id.to_ascii_lowercase(), principal);
        }
    }

    fn principal_kind(&self, entry: &PrincipalEntry, keys: &KeyMaker) -> PrincipalKind {
        let client_id = || entry.client_id.clone().unwrap_or_else(|| derived_guid(&["client", &entry.name]));
        match entry.kind {
            PrincipalEntryKind::ServicePrincipal => PrincipalKind::ServicePrincipal {
                client_id: client_id(),
                secrets: entry.client_secret.iter().map(|secret| keys.secret(&entry.name, secret)).collect(),
                certificates: entry
                    .certificates
                    .iter()
                    .map(|pem| ApplicationCertificate { pem: pem.clone() })
                    .collect(),
                federated: entry
                    .federated_credentials
                    .iter()
                    .map(|federated| FederatedCredential {
                        issuer: federated.issuer.clone(),
                        subject: federated.subject.clone(),
                        audience: federated.audience.clone(),
                        public_key_pem: federated.public_key_pem.clone(),
                    })
                    .collect(),
            },
            PrincipalEntryKind::User => PrincipalKind::User {
                user_name: entry.user_name.clone().unwrap_or_default(),
                password: keys.secret(&entry.name, entry.password.as_deref().unwrap_or_default()),
            },
            PrincipalEntryKind::Group => PrincipalKind::Group {
                members: entry.members.iter().filter_map(|member| self.object_id(member)).collect(),
            },
            PrincipalEntryKind::ManagedIdentity => PrincipalKind::ManagedIdentity {
                client_id: client_id(),
                owner: ManagedIdentityKind::UserAssigned(self.resource(
                    entry.resource_group.as_deref().unwrap_or_default(),
                    "Microsoft.ManagedIdentity/userAssignedIdentities",
                    &entry.name,
                )),
            },
        }
    }

    pub(super) fn write_custom_roles(&self, transaction: &mut Transaction<'_>) {
        for entry in &self.file.custom_roles {
            let id = entry.id.clone().unwrap_or_else(|| derived_guid(&["role", &entry.name]));
            let mut scopes: Vec<Scope> =
                entry.assignable_scopes.iter().filter_map(|text| resolve(&self.file, text).ok()).collect();
            if scopes.is_empty() {
                scopes.extend(resolve(&self.file, "subscription").ok());
            }
            let role = RoleDefinition {
                id: id.clone(),
                name: entry.name.clone(),
                description: entry.description.clone(),
                custom: true,
                permissions: vec![Permission {
                    actions: entry.actions.clone(),
                    not_actions: entry.not_actions.clone(),
                    data_actions: entry.data_actions.clone(),
                    not_data_actions: entry.not_data_actions.clone(),
                }],
                assignable_scopes: scopes,
                created_at: Some(self.ground.now()),
                changed_at: Some(self.ground.now()),
            };
            transaction.put(&self.book.custom, &id.to_ascii_lowercase(), role);
        }
    }

    pub(super) fn write_assignments(&self, transaction: &mut Transaction<'_>) {
        let now = self.ground.now();
        for named in self.named() {
            for entry in &named.entry.roles {
                let custom = transaction.all(&self.book.custom, "").into_iter().map(|(_, role)| role.value);
                let role = self.book.role_named(&entry.role).or_else(|| {
                    let mut custom = custom;
                    let guid = entry.role.rsplit('/').next().unwrap_or_default();
                    custom
                        .find(|role| role.name.eq_ignore_ascii_case(&entry.role) || role.id.eq_ignore_ascii_case(guid))
                });
                let (Some(role), Ok(scope)) = (role, resolve(&self.file, &entry.scope)) else {
                    tracing::warn!(
                        principal = named.entry.name,
                        role = entry.role,
                        "the world names a role that does not exist"
                    );
                    continue;
                };
                let assignment = RoleAssignment {
                    name: derived_guid(&["assignment", &named.object_id, &role.id, scope.as_str()]),
                    scope,
                    role_id: role.id.clone(),
                    principal_id: named.object_id.clone(),
                    principal_type: arm_type(named.entry.kind).to_owned(),
                    description: None,
                    created_at: now,
                    effective_at: now,
                    created_by: None,
                };
                transaction.put(&self.book.assignments, &assignment.key(), assignment);
            }
        }
    }

    pub(super) fn write_denies(&self, transaction: &mut Transaction<'_>) {
        let ids = |names: &[String]| -> Vec<String> {
            let everyone = |name: &String| name == "everyone";
            names
                .iter()
                .filter_map(
                    |name| if everyone(name) { Some(uuid::Uuid::nil().to_string()) } else { self.object_id(name) },
                )
                .collect()
        };
        for entry in &self.file.deny_assignments {
            let Ok(scope) = resolve(&self.file, &entry.scope) else { continue };
            let name = derived_guid(&["deny", &entry.name]);
            let deny = DenyAssignment {
                name: name.clone(),
                display_name: entry.name.clone(),
                description: String::new(),
                scope,
                does_not_apply_to_child_scopes: entry.does_not_apply_to_child_scopes,
                permissions: vec![Permission {
                    actions: entry.actions.clone(),
                    not_actions: entry.not_actions.clone(),
                    data_actions: entry.data_actions.clone(),
                    not_data_actions: entry.not_data_actions.clone(),
                }],
                principals: ids(&entry.principals),
                excluded_principals: ids(&entry.excluded_principals),
            };
            transaction.put(&self.book.denies, &name, deny);
        }
    }

    fn named(&self) -> impl Iterator<Item = Named<'_>> {
        self.file.principals.iter().map(|entry| Named {
            entry,
            object_id: entry.object_id.clone().unwrap_or_else(|| derived_guid(&["principal", &entry.name])),
        })
    }

    /// The object id of the principal that goes by `name` in the file.
    fn object_id(&self, name: &str) -> Option<String> {
        self.named().find(|named| named.entry.name.eq_ignore_ascii_case(name)).map(|named| named.object_id)
    }
}

const fn arm_type(kind: PrincipalEntryKind) -> &'static str {
    match kind {
        PrincipalEntryKind::User => "User",
        PrincipalEntryKind::Group => "Group",
        PrincipalEntryKind::ServicePrincipal | PrincipalEntryKind::ManagedIdentity => "ServicePrincipal",
    }
}
