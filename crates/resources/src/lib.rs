//! What exists: the records that Azure Resource Manager keeps and that the doors and services read.
//!
//! Written by `arm` and by the world's seed; read by `identity` (keys and switches), `access` (the scopes above a
//! resource) and the services. It holds no operation and decides nothing.

mod certificate;
mod cloud;
mod contents;
mod directory;
mod estate;
mod event_subscription;
mod group;
mod hub;
mod network;
mod policy;
mod provisioning_network;
mod provisioning_service;
mod routing;
mod tenant;
mod twins_instance;

pub use certificate::Certificate;
pub use cloud::Cloud;
pub use contents::ResourceContents;
pub use directory::{
    ApplicationCertificate, FederatedCredential, ManagedIdentityKind, Principal, PrincipalKind, ResourceIdentity,
};
pub use estate::{Estate, Resource};
pub use event_subscription::{DeliverySchema, EventSubscription};
pub use group::{ManagementGroup, ResourceGroup, Subscription};
pub use hub::{BuiltInEvents, Hub, HubSku};
pub use network::{Barrier, NetworkRules, NetworkRulesError, has_public_access};
pub use policy::SharedAccessPolicy;
pub use provisioning_network::{ProvisioningApi, ProvisioningNetworkRules};
pub use provisioning_service::{AllocationPolicy, LinkAuthentication, LinkedHub, ProvisioningService};
pub use routing::{
    BUILT_IN_ENDPOINT, EVENT_GRID_ENDPOINT, EndpointHealth, EnrichmentProperties, EventHubEndpoint, RouteProperties,
    RoutingEndpoint, RoutingEndpointKind, RoutingProperties, StorageContainerEndpoint,
};
pub use tenant::Tenant;
pub use twins_instance::TwinsInstance;
