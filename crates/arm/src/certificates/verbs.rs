//! What the operations do, for a resource of either kind.

use std::fmt::Write;
use std::sync::Arc;

use iolite_identity::{AuthorityError, describe_authority, prove_possession, read_certificate};
use iolite_kernel::{Answer, Entropy, Precondition, Request, ResourceId, ServiceError};
use iolite_resources::Certificate;
use iolite_store::{Transaction, Versioned};
use serde_json::json;

use super::document::document;
use super::{MOST, check_name, find};
use crate::Arm;
use crate::errors::{
    ARGUMENT_INVALID, ARGUMENT_NULL, CERTIFICATE_LIMIT_REACHED, DEVICES_PRECONDITION_FAILED, PROOF_OF_POSSESSION_FAILED,
};
use crate::etag::{if_match, require};
use crate::fields::Fields;

/// How many bytes a verification code has; 48 hexadecimal digits are recorded.
const CODE_BYTES: usize = 24;

/// What finds the resource that a path names, whenever it is asked.
pub(crate) type Holder<'a> = &'a (dyn Fn() -> Result<ResourceId, ServiceError> + Send + Sync);

/// Every authority of a resource, in the order of their names.
pub(crate) fn list(arm: &Arm, holder: Holder<'_>) -> Result<Answer, ServiceError> {
    let all = arm.estate.certificates.all(&Certificate::key(&holder()?, ""));
    let value: Vec<_> = all.iter().map(|(_, found)| document(found, found.revision, false)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

/// One authority.
pub(crate) fn get(arm: &Arm, holder: Holder<'_>, request: &Request) -> Result<Answer, ServiceError> {
    let found = find(arm, &holder()?, request.param("certificateName"))?;
    Ok(Answer::ok(&document(&found, found.revision, false)))
}

/// Gives a resource an authority, or changes it. A new one takes no `If-Match`; one that stands is changed with it alone.
pub(crate) async fn put(arm: &Arm, holder: Holder<'_>, request: &Request) -> Result<Answer, ServiceError> {
    let condition = if_match(request)?;
    let mut body = Fields::of(request)?;
    // Bodies of 2021-07-01 and later hold `properties`, those before the members themselves.
    if let Some(properties) = body.fields("properties")? {
        body = properties;
    }
    let der = certificate_in(&mut body)?;
    describe_authority(&der).map_err(|error| invalid(&error))?;
    let (der, is_verified) = (Arc::from(der), body.flag("isVerified")?.unwrap_or(false));
    let name = request.param("certificateName");
    check_name(name)?;
    let written = arm.estate.store.transact(|transaction| {
        let resource = holder()?;
        let standing = find(arm, &resource, name).ok();
        if let Some(standing) = &standing {
            require_said(&condition, standing)?;
        } else {
            require(&condition, None, &DEVICES_PRECONDITION_FAILED)?;
            if transaction.count(&arm.estate.certificates, &Certificate::key(&resource, "")) >= MOST {
                let text = format!("'{}' has its {MOST} certificates already.", resource.name());
                return Err(ServiceError::new(&CERTIFICATE_LIMIT_REACHED, text));
            }
        }
        let now = arm.ground.now();
        let certificate = Certificate {
            resource,
            name: standing.as_ref().map_or_else(|| name.to_owned(), |standing| standing.name.clone()),
            der: Arc::clone(&der),
            is_verified,
            verification_code: None,
            created_at: standing.as_ref().map_or(now, |standing| standing.created_at),
            updated_at: now,
        };
        Ok(keep(arm, transaction, certificate))
    });
    let (certificate, revision) = written.await?;
    Ok(Answer::ok(&document(&certificate, revision, false)))
}

/// Takes an authority away: 200, or 204 where there was none.
pub(crate) async fn delete(arm: &Arm, holder: Holder<'_>, request: &Request) -> Result<Answer, ServiceError> {
    let condition = if_match(request)?;
    let deleted = arm.estate.store.transact(|transaction| {
        let resource = holder()?;
        let Ok(standing) = find(arm, &resource, request.param("certificateName")) else { return Ok(false) };
        require_said(&condition, &standing)?;
        transaction.delete(&arm.estate.certificates, &Certificate::key(&resource, &standing.name));
        Ok::<_, ServiceError>(true)
    });
    Ok(Answer::empty(if deleted.await? { 200 } else { 204 }))
}

/// Makes a verification code, in the place of an earlier one. An authority that is verified stays so.
pub(crate) async fn generate_verification_code(
    arm: &Arm,
    holder: Holder<'_>,
    request: &Request,
) -> Result<Answer, ServiceError> {
    let code = new_code(arm.ground.entropy.as_ref());
    let changed = change(arm, holder, request, |certificate| {
        certificate.verification_code = Some(code.clone());
        Ok(())
    });
    let (certificate, revision) = changed.await?;
    Ok(Answer::ok(&document(&certificate, revision, true)))
}

/// Takes the proof of possession: a certificate that the authority issued, named after the code.
pub(crate) async fn verify(arm: &Arm, holder: Holder<'_>, request: &Request) -> Result<Answer, ServiceError> {
    let proof = certificate_in(&mut Fields::of(request)?)?;
    let now = arm.ground.now();
    let changed = change(arm, holder, request, |certificate| {
        let Some(code) = certificate.verification_code.take() else {
            let text = "The certificate has no verification code; ask for one first.";
            return Err(ServiceError::new(&PROOF_OF_POSSESSION_FAILED, text));
        };
        prove_possession(&certificate.der, &proof, &code, now).map_err(|error| {
            ServiceError::new(&PROOF_OF_POSSESSION_FAILED, format!("Proof-Of-Possession failed: {error}."))
        })?;
        certificate.is_verified = true;
        Ok(())
    });
    let (certificate, revision) = changed.await?;
    Ok(Answer::ok(&document(&certificate, revision, false)))
}

async fn change(
    arm: &Arm,
    holder: Holder<'_>,
    request: &Request,
    change: impl Fn(&mut Certificate) -> Result<(), ServiceError> + Send + Sync,
) -> Result<(Certificate, u64), ServiceError> {
    let condition = if_match(request)?;
    let changed = arm.estate.store.transact(|transaction| {
        let standing = find(arm, &holder()?, request.param("certificateName"))?;
        require_said(&condition, &standing)?;
        let mut certificate = Certificate::clone(&standing);
        change(&mut certificate)?;
        certificate.updated_at = arm.ground.now();
        Ok(keep(arm, transaction, certificate))
    });
    changed.await
}

fn keep(arm: &Arm, transaction: &mut Transaction<'_>, certificate: Certificate) -> (Certificate, u64) {
    let key = Certificate::key(&certificate.resource, &certificate.name);
    transaction.put(&arm.estate.certificates, &key, certificate.clone());
    (certificate, transaction.revision())
}

/// What stands is changed only with an `If-Match` that names it.
fn require_said(condition: &Precondition, standing: &Versioned<Certificate>) -> Result<(), ServiceError> {
    if *condition == Precondition::None {
        let text = format!("The certificate '{}' stands: send its etag in If-Match.", standing.name);
        return Err(ServiceError::new(&DEVICES_PRECONDITION_FAILED, text));
    }
    require(condition, Some(standing.revision), &DEVICES_PRECONDITION_FAILED)
}

fn certificate_in(body: &mut Fields) -> Result<Vec<u8>, ServiceError> {
    let text = body.text("certificate")?.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| ServiceError::new(&ARGUMENT_NULL, "'certificate' is missing."))?;
    read_certificate(&text).map_err(|error| invalid(&error))
}

fn invalid(error: &AuthorityError) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, format!("The certificate cannot be used: {error}."))
}

fn new_code(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; CODE_BYTES];
    entropy.fill(&mut bytes);
    let mut text = String::with_capacity(2 * CODE_BYTES);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}
