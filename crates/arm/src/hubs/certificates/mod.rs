//! X.509 authorities of hubs.

pub(crate) mod delete;
pub(crate) mod generate_verification_code;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
pub(crate) mod verify;

use iolite_kernel::{Request, ResourceId, ServiceError};

use super::find;
use crate::Arm;

/// The hub that the path names.
fn holder(arm: &Arm, request: &Request) -> Result<ResourceId, ServiceError> {
    Ok(find(arm, request)?.id.clone())
}

#[cfg(test)]
mod tests;
