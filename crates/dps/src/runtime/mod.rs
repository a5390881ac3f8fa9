//! The device API: a device registers itself, asks how far that is, and asks where it is.
//!
//! The door has checked the device's proof against its enrolment; who it is stands in the permit.

pub(crate) mod lookup;
pub(crate) mod operation_status;
pub(crate) mod register;

use iolite_access::Permit;
use iolite_identity::{Caller, RegistrantCaller};
use iolite_kernel::{Need, Request, ServiceError};
use serde::Deserialize;
use serde_json::Value;

use crate::{body, errors, identifier};

/// The path parameter that names the registration.
pub(crate) const REGISTRATION: &str = "registrationId";

/// What every operation here needs.
pub(crate) const NEED: Need = Need::OwnRegistration;

/// What a device sends; its payload is for the webhooks of custom allocation, and is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceRegistration {
    registration_id: Option<String>,
    tpm: Option<Value>,
    csr: Option<Value>,
}

/// The registrant of the permit, who must be the one that the path names.
fn registrant<'a>(permit: &'a Permit, request: &Request) -> Result<&'a RegistrantCaller, ServiceError> {
    match permit.caller() {
        Caller::Registrant(found) if found.registration_id.eq_ignore_ascii_case(request.param(REGISTRATION)) => {
            Ok(found)
        }
        _ => Err(ServiceError::new(&errors::UNAUTHORIZED, "Unauthorized")),
    }
}

/// Reads and checks the body of `register` and `lookup`.
fn read_body(request: &Request) -> Result<(), ServiceError> {
    let id = request.param(REGISTRATION);
    identifier::check_registration_id(id)?;
    let sent: DeviceRegistration = body::read_optional(request)?;
    if sent.registration_id.is_some() {
        let in_body = sent.registration_id.as_deref();
        identifier::check_same(id, in_body, &errors::INVALID_REGISTRATION_ID, "registrationId")?;
    }
    if sent.tpm.is_some() {
        return Err(errors::unsupported("Registration by a trusted platform module"));
    }
    if sent.csr.is_some() {
        return Err(errors::unsupported("Issuing certificates for a certificate signing request"));
    }
    Ok(())
}
