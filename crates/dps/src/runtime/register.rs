//! Registers a device: gives it its hub and makes it there.
//!
//! Source: `RuntimeRegistration_RegisterDevice` of the device specification of 2021-10-01 and the documented curl
//! traces: the answer is 202 with the operation to poll. The assignment is done before that answer, so that nothing is
//! left to be lost; a failed one is no error of this call, but a registration in the state `failed`.

use iolite_access::Permit;
use iolite_identity::{KeyMeans, RegistrantCaller};
use iolite_kernel::{Answer, ErrorCode, Ground, Method, Operation, Request, Service, ServiceError, Support};
use iolite_resources::ProvisioningService;
use iolite_store::Transaction;
use serde::Serialize;

use super::{NEED, read_body, registrant};
use crate::assignment::{Applicant, DeviceKeys, Failure, assign};
use crate::attestation::Attestation;
use crate::enrollment::Terms;
use crate::registration::{AttestedBy, Outcome, Place, Registration, RegistrationOperation};
use crate::{Dps, entity_tag, errors, identifier, source, versions};

/// Seconds after which a device is told to ask (recorded).
const RETRY_AFTER_SECONDS: &str = "3";

/// How many operations of one registration can still be polled.
const KEPT_OPERATIONS: usize = 4;

/// What this emulator cannot make a device by.
const ATTESTATION_NOT_SUPPORTED: ErrorCode = ErrorCode { status: 501, number: 404_013, name: "FeatureNotSupported" };

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "RuntimeRegistration_RegisterDevice",
    method: Method::Put,
    path: "/{idScope}/registrations/{registrationId}/register",
    versions: versions::DEVICE,
    need: NEED,
    support: Support::Served,
    summary: "Registers a device: gives it its hub and makes it there.",
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    operation_id: &'a str,
    status: &'static str,
}

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    read_body(&request)?;
    let registrant = registrant(&permit, &request)?;
    let service_key = permit.resource_key();
    let service = dps
        .resource(&service_key)
        .ok_or_else(|| ServiceError::new(&errors::SERVICE_NOT_FOUND, "The provisioning service does not exist."))?;
    let vouching = Vouching::find(dps, &service_key, registrant).ok_or_else(errors::enrollment_not_found)?;
    let key = identifier::key(&service_key, &registrant.registration_id);
    let before = dps.registrations.get(&key);
    let place = before.as_ref().and_then(|before| before.place());
    let outcome = settle(dps, &service, registrant, &vouching, place).await;
    if let Outcome::Failed { error_message, .. } = &outcome {
        dps.gateway.registration_failed(permit.decision(), error_message);
    }
    let operation_id = draw_operation_id(&dps.ground);
    let entry = Entry { key, operation_id, registrant, attested_by: vouching.attested_by(registrant), outcome };
    dps.store()
        .transact(|transaction| {
            dps.require(transaction, &service_key)?;
            record(dps, transaction, &entry);
            Ok::<_, ServiceError>(())
        })
        .await?;
    let location = format!("{}{}", request.origin, request.path());
    Ok(Answer::json(202, &Accepted { operation_id: &entry.operation_id, status: "assigning" })
        .with_header("location", location)
        .with_header("retry-after", RETRY_AFTER_SECONDS))
}

/// The enrolment that vouched for the device, as it stands now.
struct Vouching {
    terms: Terms,
    device_id: Option<String>,
}

impl Vouching {
    fn find(dps: &Dps, service: &str, registrant: &RegistrantCaller) -> Option<Self> {
        let key = identifier::key(service, &registrant.enrollment);
        if registrant.group {
            let found = dps.groups.get(&key)?;
            return Some(Self { terms: found.terms.clone(), device_id: None });
        }
        let found = dps.enrollments.get(&key)?;
        Some(Self { terms: found.terms.clone(), device_id: found.device_id.clone() })
    }

    fn attested_by(&self, registrant: &RegistrantCaller) -> AttestedBy {
        match (registrant.means, &self.terms.attestation) {
            (KeyMeans::Certificate, Attestation::ClientCertificates(pair)) => {
                AttestedBy::Certificate(Some(pair.primary.info.clone()))
            }
            (KeyMeans::Certificate, _) => AttestedBy::Certificate(None),
            (KeyMeans::PrimaryKey | KeyMeans::SecondaryKey, _) => AttestedBy::SymmetricKey,
        }
    }

    /// What the device signs in to its hub with.
    fn device_keys(&self, registrant: &RegistrantCaller) -> Result<DeviceKeys, Failure> {
        let keys = match &self.terms.attestation {
            Attestation::SymmetricKey(keys) if registrant.group => source::derived(keys, &registrant.registration_id),
            Attestation::SymmetricKey(keys) => Some(keys.clone()),
            Attestation::ClientCertificates(pair) => return Ok(DeviceKeys::Certificates(Box::new(pair.clone()))),
            Attestation::SigningCertificates(_) | Attestation::CertificateAuthorities(_) | Attestation::Tpm(_) => None,
        };
        let keys = keys.ok_or_else(|| {
            let text = "FeatureNotSupported: registration by this enrollment's attestation (certificate authority or \
                        trusted platform module) is not supported by this emulator.";
            Failure::new(&ATTESTATION_NOT_SUPPORTED, text)
        })?;
        Ok(DeviceKeys::Symmetric { primary: keys.primary_key, secondary: keys.secondary_key })
    }
}

/// Assigns the device, and tells what came of it.
async fn settle(
    dps: &Dps,
    service: &ProvisioningService,
    registrant: &RegistrantCaller,
    vouching: &Vouching,
    place: Option<&Place>,
) -> Outcome {
    if !vouching.terms.settings.is_enabled() {
        return Outcome::Disabled { place: place.cloned() };
    }
    let assigned = match vouching.device_keys(registrant) {
        Err(failure) => Err(failure),
        Ok(keys) => {
            let registration_id = registrant.registration_id.as_str();
            let device_id = vouching.device_id.as_deref().unwrap_or(registration_id);
            let applicant = Applicant { registration_id, device_id, keys, terms: &vouching.terms, place };
            assign(dps, service, &applicant).await
        }
    };
    match assigned {
        Ok((place, substatus)) => Outcome::Assigned { place, substatus },
        Err(Failure { code, message }) => {
            Outcome::Failed { place: place.cloned(), error_code: code, error_message: message }
        }
    }
}

/// What is to be recorded of a registration.
struct Entry<'a> {
    key: String,
    operation_id: String,
    registrant: &'a RegistrantCaller,
    attested_by: AttestedBy,
    outcome: Outcome,
}

/// Records the registration and its operation; the oldest operations that nobody polls any more go.
fn record(dps: &Dps, transaction: &mut Transaction<'_>, entry: &Entry<'_>) {
    let before = transaction.get(&dps.registrations, &entry.key);
    let now = dps.ground.now();
    let id = &entry.registrant.registration_id;
    let registration = Registration {
        registration_id: before.as_ref().map_or(id, |before| &before.registration_id).clone(),
        enrollment_group_id: entry.registrant.group.then(|| entry.registrant.enrollment.clone()),
        attested_by: entry.attested_by.clone(),
        outcome: entry.outcome.clone(),
        etag: entity_tag::draw(&dps.ground),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    };
    let mut earlier = transaction.all(&dps.operations, &format!("{}/", entry.key));
    earlier.sort_by_key(|(_, operation)| operation.revision);
    for (key, _) in earlier.iter().rev().skip(KEPT_OPERATIONS - 1) {
        transaction.delete(&dps.operations, key);
    }
    let operation =
        RegistrationOperation { operation_id: entry.operation_id.clone(), registration: registration.clone() };
    transaction.put(&dps.operations, &format!("{}/{}", entry.key, entry.operation_id), operation);
    transaction.put(&dps.registrations, &entry.key, registration);
}

/// `5.`, sixteen hexadecimal digits and a GUID (recorded).
fn draw_operation_id(ground: &Ground) -> String {
    let mut bytes = [0; 8];
    ground.entropy.fill(&mut bytes);
    format!("5.{:016x}.{}", u64::from_be_bytes(bytes), ground.uuid())
}

#[cfg(test)]
mod tests;
