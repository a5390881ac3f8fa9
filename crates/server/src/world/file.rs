//! The world file's form. Unknown fields are refused, so that a misspelling is found and not ignored.

use iolite_resources::Cloud;
use schemars::JsonSchema;
use serde::Deserialize;

/// A world: one tenant, its subscriptions, resources and people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    /// The world's name.
    pub name: String,
    /// The Entra tenant.
    pub tenant: TenantEntry,
    /// Management groups, parents before children.
    #[serde(default)]
    pub management_groups: Vec<ManagementGroupEntry>,
    /// Subscriptions; the first is where resource groups are unless they say otherwise.
    pub subscriptions: Vec<SubscriptionEntry>,
    /// Resource groups.
    pub resource_groups: Vec<ResourceGroupEntry>,
    /// IoT hubs; the first answers on the shared origin.
    #[serde(default)]
    pub iot_hubs: Vec<HubEntry>,
    /// Device Provisioning Services; the first answers on the shared origin.
    #[serde(default)]
    pub provisioning_services: Vec<ProvisioningServiceEntry>,
    /// Digital Twins instances; the first answers on the shared origin.
    #[serde(default)]
    pub digital_twins: Vec<TwinsEntry>,
    /// Users, groups, service principals and managed identities.
    #[serde(default)]
    pub principals: Vec<PrincipalEntry>,
    /// Custom roles.
    #[serde(default)]
    pub custom_roles: Vec<CustomRoleEntry>,
    /// Deny assignments.
    #[serde(default)]
    pub deny_assignments: Vec<DenyEntry>,
}

/// The Entra tenant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantEntry {
    /// The tenant's id, a GUID.
    pub id: String,
    /// The tenant's domain.
    pub domain: String,
    /// Which cloud's names are used: `public` or `china`.
    #[serde(default)]
    #[schemars(with = "CloudName")]
    pub cloud: Cloud,
    /// How long access tokens live, in seconds.
    #[serde(default = "an_hour")]
    pub token_lifetime_seconds: u32,
    /// How long a new role assignment takes to have effect, in seconds on the emulator's clock.
    #[serde(default)]
    pub role_propagation_seconds: u32,
}

/// The clouds' names, for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
enum CloudName {
    Public,
    China,
}

const fn an_hour() -> u32 {
    3600
}

/// A management group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagementGroupEntry {
    /// Its name.
    pub name: String,
    /// The name shown to people.
    pub display_name: Option<String>,
    /// The management group above it.
    pub parent: Option<String>,
}

/// A subscription.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionEntry {
    /// Its id.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    /// The management group it is in.
    pub management_group: Option<String>,
}

/// A resource group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroupEntry {
    /// Its name.
    pub name: String,
    /// The subscription it is in; the first by default.
    pub subscription: Option<String>,
    /// Its location.
    #[serde(default = "west_europe")]
    pub location: String,
}

fn west_europe() -> String {
    "westeurope".to_owned()
}

/// An IoT hub.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the file")]
pub struct HubEntry {
    /// Its name.
    pub name: String,
    /// The resource group it is in.
    pub resource_group: String,
    /// Its tier.
    #[serde(default = "standard_tier")]
    pub sku: String,
    /// How many partitions its built-in endpoint has.
    #[serde(default = "four")]
    pub partitions: u32,
    /// Whether service SAS is refused from the start.
    #[serde(default)]
    pub disable_local_auth: bool,
    /// Whether devices may not use SAS.
    #[serde(default)]
    pub disable_device_sas: bool,
    /// Whether modules may not use SAS.
    #[serde(default)]
    pub disable_module_sas: bool,
    /// Whether the throttles and quotas of its tier hold.
    #[serde(default)]
    pub throttling: bool,
    /// Policies besides the five built-in ones, or those with keys of your own.
    #[serde(default)]
    pub policies: Vec<PolicyEntry>,
    /// The storage account that devices upload files to.
    pub storage: Option<StorageEntry>,
    /// X.509 authorities whose certificates devices sign in with.
    #[serde(default)]
    pub certificates: Vec<CertificateEntry>,
}

/// Where a hub's devices upload files to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageEntry {
    /// The account's connection string with its key; `UseDevelopmentStorage=true` for Azurite at its usual port.
    pub connection_string: String,
    /// The container; made when a device first asks, if it is not there.
    pub container: String,
    /// How long a device may take, as an ISO 8601 duration.
    #[serde(default = "an_hour_long")]
    pub sas_ttl: String,
    /// Whether the back end is told of finished uploads.
    #[serde(default)]
    pub notifications: bool,
}

fn an_hour_long() -> String {
    "PT1H".to_owned()
}

/// An X.509 authority.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateEntry {
    /// Its name.
    pub name: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// Whether it vouches for devices without a proof of possession.
    #[serde(default = "yes")]
    pub verified: bool,
}

fn standard_tier() -> String {
    "S1".to_owned()
}

const fn four() -> u32 {
    4
}

/// A shared access policy.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyEntry {
    /// Its name; one of the built-in names replaces that policy.
    pub name: String,
    /// Its rights, as ARM writes them (`RegistryRead, ServiceConnect`).
    pub rights: String,
    /// The primary key, base64; derived from the names where left out.
    pub primary_key: Option<String>,
    /// The secondary key, base64; derived from the names where left out.
    pub secondary_key: Option<String>,
}

/// A Device Provisioning Service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvisioningServiceEntry {
    /// Its name.
    pub name: String,
    /// The resource group it is in.
    pub resource_group: String,
    /// Its id scope, `0ne` and eight hexadecimal digits; derived from the name where left out.
    pub id_scope: Option<String>,
    /// Its system-assigned managed identity.
    pub identity: Option<IdentityEntry>,
    /// The hubs it is linked to.
    #[serde(default)]
    pub links: Vec<LinkEntry>,
    /// Policies besides `provisioningserviceowner`.
    #[serde(default)]
    pub policies: Vec<PolicyEntry>,
}

/// A system-assigned managed identity.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityEntry {
    /// Its object id.
    pub object_id: String,
    /// Its application id.
    pub client_id: String,
}

/// A link from a provisioning service to a hub.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    /// The hub's name.
    pub hub: String,
    /// What the provisioning service signs in with.
    pub by: LinkBy,
    /// The hub's policy, for a connection string.
    #[serde(default = "hub_owner")]
    pub policy: String,
    /// Its share under weighted allocation.
    pub weight: Option<u32>,
}

fn hub_owner() -> String {
    "iothubowner".to_owned()
}

/// What a provisioning service signs in to a hub with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkBy {
    /// A connection string: breaks when the hub denies SAS.
    ConnectionString,
    /// Its system-assigned identity, which needs a role on the hub.
    Identity,
}

/// A Digital Twins instance.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwinsEntry {
    /// Its name.
    pub name: String,
    /// The resource group it is in.
    pub resource_group: String,
}

/// Someone or something that signs in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalEntry {
    /// The name it goes by.
    pub name: String,
    /// What it is.
    pub kind: PrincipalEntryKind,
    /// Its object id; derived from the name where left out.
    pub object_id: Option<String>,
    /// The application id, for service principals and managed identities.
    pub client_id: Option<String>,
    /// A service principal's secret.
    pub client_secret: Option<String>,
    /// A service principal's certificates, PEM.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// The outside identities a service principal trusts.
    #[serde(default)]
    pub federated_credentials: Vec<FederatedEntry>,
    /// A user's sign-in name.
    pub user_name: Option<String>,
    /// A user's password.
    pub password: Option<String>,
    /// A group's members, by name.
    #[serde(default)]
    pub members: Vec<String>,
    /// The resource group a managed identity is in.
    pub resource_group: Option<String>,
    /// Whether it may sign in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its role assignments.
    #[serde(default)]
    pub roles: Vec<RoleEntry>,
}

const fn yes() -> bool {
    true
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalEntryKind {
    /// An application.
    ServicePrincipal,
    /// A person.
    User,
    /// A group.
    Group,
    /// A user-assigned managed identity.
    ManagedIdentity,
}

/// An outside identity that a service principal trusts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederatedEntry {
    /// The outside issuer.
    pub issuer: String,
    /// The outside subject.
    pub subject: String,
    /// The audience the outside token is for.
    #[serde(default = "token_exchange")]
    pub audience: String,
    /// The outside issuer's public key, PEM.
    pub public_key_pem: String,
}

fn token_exchange() -> String {
    "api://AzureADTokenExchange".to_owned()
}

/// A role somewhere.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleEntry {
    /// The role's name or id.
    pub role: String,
    /// Where: `hub:NAME`, `dps:NAME`, `twins:NAME`, `group:NAME`, `subscription`, `management-group:NAME`, `/` or a full id.
    pub scope: String,
}

/// A custom role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomRoleEntry {
    /// Its name.
    pub name: String,
    /// Its id; derived from the name where left out.
    pub id: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Control-plane actions.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Control-plane actions taken away.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// Data-plane actions.
    #[serde(default)]
    pub data_actions: Vec<String>,
    /// Data-plane actions taken away.
    #[serde(default)]
    pub not_data_actions: Vec<String>,
    /// Where it can be assigned; the subscription by default.
    #[serde(default)]
    pub assignable_scopes: Vec<String>,
}

/// A deny assignment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DenyEntry {
    /// Its name.
    pub name: String,
    /// Where it holds, written as in role assignments.
    pub scope: String,
    /// Whether it stops at the scope itself.
    #[serde(default)]
    pub does_not_apply_to_child_scopes: bool,
    /// Control-plane actions denied.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Control-plane actions spared.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// Data-plane actions denied.
    #[serde(default)]
    pub data_actions: Vec<String>,
    /// Data-plane actions spared.
    #[serde(default)]
    pub not_data_actions: Vec<String>,
    /// Whom it binds, by name; `everyone` for all.
    pub principals: Vec<String>,
    /// Whom it spares, by name.
    #[serde(default)]
    pub excluded_principals: Vec<String>,
}
