//! The slice of Azure Resource Manager that the services stand on, itself behind RBAC.
//!
//! Called by the wire with a permit and a request, like every service. It keeps the records that the doors read: hubs,
//! provisioning services and Digital Twins instances with their keys and switches, resource groups, roles and their
//! assignments. A change is made at once and answered as finished: no client has to poll. It serves no data plane, and
//! it never decides who may do what.

#![expect(clippy::unused_async, reason = "an operation's run is async by its shape; those that only read do not wait")]

/// The path of an operation on a subscription.
macro_rules! subscription_path {
    ($tail:literal) => {
        concat!("/subscriptions/{subscriptionId}", $tail)
    };
}

/// The path of an operation within a resource group.
macro_rules! group_path {
    ($tail:literal) => {
        concat!("/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}", $tail)
    };
}

mod arm;
mod certificates;
mod deny_assignments;
pub mod errors;
mod etag;
mod event_subscriptions;
mod fields;
mod filter;
mod hub_events;
mod hubs;
mod listing;
mod location;
mod managed_identity;
mod masking;
mod metadata;
mod names;
mod permissions;
mod policies;
mod provider_operations;
mod providers;
mod provisioning_services;
mod resource_groups;
mod resources;
mod role_assignments;
mod role_definitions;
mod schema;
mod subscriptions;
mod surroundings;
mod table;
mod tenants;
mod twins_instances;

#[cfg(test)]
mod testing;

pub use arm::Arm;
pub use hub_events::{HubEvents, WebhookCheck};
pub use hubs::create::new_hub;
pub use hubs::properties::check_hub_properties;
pub use location::is_location;
pub use policies::{HUB_POLICIES, PROVISIONING_POLICIES, PolicyRules, is_policy_key, is_policy_name};
pub use provisioning_services::create::new_provisioning_service;
pub use role_definitions::put::is_action;
pub use surroundings::{Census, DeviceCounts, Endpoints, Surroundings, Witness};
pub use table::{handlers, refused};
pub use twins_instances::create::new_twins_instance;
