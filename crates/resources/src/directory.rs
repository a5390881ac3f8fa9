//! The Entra directory: users, groups, service principals and managed identities, with what they sign in with.

use iolite_kernel::{ResourceId, Secret};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

/// Someone or something that can hold a role; keyed by its object id in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The object id that role assignments name.
    pub object_id: String,
    /// The name it goes by in the world file and on the command line.
    pub name: String,
    /// Whether it may sign in; tokens of a disabled principal are refused.
    pub enabled: bool,
    /// What it is, with its credentials.
    pub kind: PrincipalKind,
}

impl Record for Principal {
    const COLLECTION: &'static str = "principals";
}

/// What a principal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "snake_case")]
pub enum PrincipalKind {
    /// An application's service principal.
    ServicePrincipal {
        /// The application's id.
        client_id: String,
        /// Its secrets.
        secrets: Vec<Secret>,
        /// The certificates it may sign assertions with.
        certificates: Vec<ApplicationCertificate>,
        /// The outside identities it trusts.
        federated: Vec<FederatedCredential>,
    },
    /// A person.
    User {
        /// The user principal name.
        user_name: String,
        /// The password.
        password: Secret,
    },
    /// A group of principals; groups inside groups count, as in Azure.
    Group {
        /// The members' object ids.
        members: Vec<String>,
    },
    /// A managed identity.
    ManagedIdentity {
        /// The application id it gets tokens under.
        client_id: String,
        /// Whose it is.
        owner: ManagedIdentityKind,
    },
}

/// Whose a managed identity is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ManagedIdentityKind {
    /// It comes and goes with this resource.
    SystemAssigned(ResourceId),
    /// It is a resource of its own (`Microsoft.ManagedIdentity/userAssignedIdentities`).
    UserAssigned(ResourceId),
}

impl ManagedIdentityKind {
    /// The resource that `xms_mirid` names.
    #[must_use]
    pub const fn resource(&self) -> &ResourceId {
        match self {
            Self::SystemAssigned(resource) | Self::UserAssigned(resource) => resource,
        }
    }
}

/// A certificate registered with an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCertificate {
    /// The certificate, PEM.
    pub pem: String,
}

/// An outside token issuer that an application trusts (workload identity).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederatedCredential {
    /// The outside issuer's `iss`.
    pub issuer: String,
    /// The outside token's `sub`.
    pub subject: String,
    /// The outside token's `aud`; `api://AzureADTokenExchange` by default.
    pub audience: String,
    /// The outside issuer's public key, PEM. Keys are never fetched from an address that a token names.
    pub public_key_pem: String,
}

/// The identity that a hub, provisioning service or twins instance acts under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceIdentity {
    /// The object id of its system-assigned identity, where it has one.
    pub system_assigned: Option<String>,
    /// The resource ids of the user-assigned identities it may use.
    pub user_assigned: Vec<ResourceId>,
}

impl Principal {
    /// The application id, for what has one.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match &self.kind {
            PrincipalKind::ServicePrincipal { client_id, .. } | PrincipalKind::ManagedIdentity { client_id, .. } => {
                Some(client_id)
            }
            PrincipalKind::User { .. } | PrincipalKind::Group { .. } => None,
        }
    }

    /// ARM's word for the kind, as role assignments carry it (`principalType`).
    #[must_use]
    pub const fn arm_type(&self) -> &'static str {
        match self.kind {
            PrincipalKind::ServicePrincipal { .. } | PrincipalKind::ManagedIdentity { .. } => "ServicePrincipal",
            PrincipalKind::User { .. } => "User",
            PrincipalKind::Group { .. } => "Group",
        }
    }

    /// The ready file's word for the kind.
    #[must_use]
    pub const fn kind_name(&self) -> &'static str {
        match self.kind {
            PrincipalKind::ServicePrincipal { .. } => "servicePrincipal",
            PrincipalKind::User { .. } => "user",
            PrincipalKind::Group { .. } => "group",
            PrincipalKind::ManagedIdentity { .. } => "managedIdentity",
        }
    }
}
