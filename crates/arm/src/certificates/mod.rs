//! X.509 authorities of hubs and provisioning services: what the operations of both kinds share.
//!
//! The operations themselves are in `hubs/certificates` and `provisioning_services/certificates`. Source: 2023-06-30 of IoT Hub,
//! 2021-10-15 of DPS, and recorded answers.

mod document;
mod verbs;

use iolite_kernel::{ResourceId, ServiceError};
use iolite_resources::Certificate;
use iolite_store::{Transaction, Versioned};

use crate::Arm;
use crate::errors::{ARGUMENT_INVALID, CERTIFICATE_NOT_FOUND};

pub(crate) use verbs::{delete, generate_verification_code, get, list, put, verify};

/// How many authorities a resource may have (documented, of hubs and of provisioning services).
const MOST: usize = 25;

/// Removes every authority of a resource that is being deleted.
pub(crate) fn remove_all(arm: &Arm, transaction: &mut Transaction<'_>, resource: &ResourceId) {
    for (key, _) in transaction.all(&arm.estate.certificates, &Certificate::key(resource, "")) {
        transaction.delete(&arm.estate.certificates, &key);
    }
}

/// The authority `name` of a resource.
fn find(arm: &Arm, resource: &ResourceId, name: &str) -> Result<Versioned<Certificate>, ServiceError> {
    arm.estate.certificates.get(&Certificate::key(resource, name)).ok_or_else(|| {
        let text = format!("'{}' has no certificate '{name}'.", resource.name());
        ServiceError::new(&CERTIFICATE_NOT_FOUND, text)
    })
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_name {
        return Ok(());
    }
    let text = format!("'{name}' cannot name a certificate: 1 to 64 letters, digits, '-', '.' and '_' can.");
    Err(ServiceError::new(&ARGUMENT_INVALID, text))
}
