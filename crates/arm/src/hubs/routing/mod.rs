//! A hub's message routing: what is checked before it is kept, the tests of routes, and the health of endpoints.

pub(crate) mod check;
pub(crate) mod endpoint_health;
mod message;
pub(crate) mod test_all;
pub(crate) mod test_new;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::Hub;
use iolite_store::Versioned;

use crate::Arm;
use crate::arm::{is_named_by, not_found};

/// The hub that the path names; these operations call its name `iotHubName`.
fn find(arm: &Arm, request: &Request) -> Result<Versioned<Hub>, ServiceError> {
    arm.group(request)?;
    let name = request.param("iotHubName");
    let found = arm.estate.hub(name).filter(|hub| is_named_by(&hub.id, request));
    found.ok_or_else(|| not_found(Hub::TYPE, request, name))
}
