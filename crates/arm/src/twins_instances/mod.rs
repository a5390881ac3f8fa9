//! Azure Digital Twins instances as resources.

pub(crate) mod change;
pub(crate) mod check_name;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod document;
pub(crate) mod get;
pub(crate) mod list_by_group;
pub(crate) mod list_by_subscription;
pub(crate) mod patch;
pub(crate) mod put;
pub(crate) mod refused;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::TwinsInstance;
use iolite_store::Versioned;

use crate::Arm;
use crate::arm::{is_named_by, not_found};

/// The instance that the path names.
pub(crate) fn find(arm: &Arm, request: &Request) -> Result<Versioned<TwinsInstance>, ServiceError> {
    arm.group(request)?;
    let name = request.param("resourceName");
    let found = arm.estate.twins_instance(name).filter(|instance| is_named_by(&instance.id, request));
    found.ok_or_else(|| not_found(TwinsInstance::TYPE, request, name))
}
