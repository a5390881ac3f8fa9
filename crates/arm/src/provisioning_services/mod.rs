//! Device Provisioning Services as resources.

pub(crate) mod certificates;
pub(crate) mod change;
pub(crate) mod check_name;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod document;
pub(crate) mod get;
pub(crate) mod get_key;
pub(crate) mod linked_hub;
pub(crate) mod list_by_group;
pub(crate) mod list_by_subscription;
pub(crate) mod list_keys;
pub(crate) mod patch;
pub(crate) mod put;
pub(crate) mod refused;
pub(crate) mod skus;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::ProvisioningService;
use iolite_store::Versioned;

use crate::Arm;
use crate::arm::{is_named_by, not_found};

/// The provisioning service that the path names.
pub(crate) fn find(arm: &Arm, request: &Request) -> Result<Versioned<ProvisioningService>, ServiceError> {
    arm.group(request)?;
    let name = request.param("provisioningServiceName");
    let found = arm.estate.provisioning_service(name).filter(|service| is_named_by(&service.id, request));
    found.ok_or_else(|| not_found(ProvisioningService::TYPE, request, name))
}
