//! IoT hubs as resources.

pub(crate) mod certificates;
pub(crate) mod change;
pub(crate) mod check_name;
pub(crate) mod consumer_groups;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod document;
pub(crate) mod get;
pub(crate) mod get_key;
pub(crate) mod list_by_group;
pub(crate) mod list_by_subscription;
pub(crate) mod list_keys;
pub(crate) mod patch;
pub(crate) mod properties;
pub(crate) mod put;
pub(crate) mod quota_metrics;
pub(crate) mod refused;
pub(crate) mod routing;
pub(crate) mod skus;
pub(crate) mod stats;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::Hub;
use iolite_store::Versioned;

use crate::Arm;
use crate::arm::{is_named_by, not_found};

/// The hub that the path names.
pub(crate) fn find(arm: &Arm, request: &Request) -> Result<Versioned<Hub>, ServiceError> {
    arm.group(request)?;
    let name = request.param("resourceName");
    let found = arm.estate.hub(name).filter(|hub| is_named_by(&hub.id, request));
    found.ok_or_else(|| not_found(Hub::TYPE, request, name))
}
