//! Credentials made on request: access tokens, good or deliberately bad, and SAS tokens.

use iolite_entra::{Flaw, IssueError};
use iolite_identity::{AttestationKeys, AttestationSource, DeviceKeys, sas};
use iolite_kernel::{Secret, Service, SignedDuration, Uuid, iso_seconds};
use iolite_resources::{ProvisioningService, SharedAccessPolicy};
use serde_json::{Value, json};

use super::{Call, Control, Refused};

const AN_HOUR: i64 = 3600;

pub(super) async fn token(control: &Control, call: &Call) -> Result<Value, Refused> {
    let house = &control.house;
    let name = call.required("principal")?;
    let principal = control.principal(name)?;
    let audience = audience(control, call.required("audience")?)?;
    let token = match call.text("flaw") {
        None => house.entra.issue(&principal, &audience).await,
        Some(flaw) => {
            let flaw: Flaw = flaw.parse().map_err(|_| {
                let known: Vec<&str> = Flaw::ALL.iter().map(|flaw| flaw.name()).collect();
                Refused::bad_request(format!("`{flaw}` is not a flaw; known are {}", known.join(", ")))
            })?;
            house.entra.issue_flawed(&principal, &audience, flaw).await
        }
    };
    let token = token.map_err(|error| match error {
        IssueError::Group(_) => Refused::bad_request(error.to_string()),
        IssueError::Signing => Refused::failed(error.to_string()),
    })?;
    Ok(json!({
        "access_token": token.access_token.reveal(),
        "token_type": "Bearer",
        "resource": token.resource,
        "expires_on": token.expires_at.as_second(),
    }))
}

fn audience(control: &Control, text: &str) -> Result<String, Refused> {
    let service = match text {
        "hub" => Service::Hub,
        "dps" => Service::Dps,
        "twins" => Service::Twins,
        "arm" => Service::Arm,
        // Nothing here takes one yet; the audience is the service's own all the same.
        "central" => return Ok("https://apps.azureiotcentral.com".to_owned()),
        other if other.contains(':') || Uuid::try_parse(other).is_ok() => return Ok(other.to_owned()),
        other => {
            return Err(Refused::bad_request(format!(
                "`{other}` is no audience: say hub, dps, twins, central, arm, a URI or an application's client id"
            )));
        }
    };
    let audiences = control.house.estate.tenant.cloud.audiences(service);
    Ok(audiences.first().copied().unwrap_or_default().to_owned())
}

/// What a SAS is made for, and by which key.
struct Signing {
    resource: String,
    key: Secret,
    policy: Option<String>,
}

pub(super) fn sas(control: &Control, call: &Call) -> Result<Value, Refused> {
    let house = &control.house;
    let ttl = call.body.get("ttlSeconds").and_then(Value::as_i64).unwrap_or(AN_HOUR);
    let expiry = house
        .elements
        .ground
        .now()
        .checked_add(SignedDuration::from_secs(ttl))
        .map_err(|_| Refused::bad_request("ttlSeconds is out of range"))?;
    let signing = match (call.text("dps"), call.text("hub"), call.text("registration")) {
        (Some(name), ..) => for_provisioning_service(control, name, call)?,
        (None, None, Some(_)) => for_provisioning_service(control, "", call)?,
        (None, Some(_), Some(_)) => return Err(Refused::bad_request("a registration is at a dps, not at a hub")),
        (None, hub, None) => for_hub(control, hub, call)?,
    };
    let token = sas::sign(&signing.resource, &signing.key, expiry, signing.policy.as_deref());
    Ok(json!({"token": token, "expiresOn": iso_seconds(expiry), "resourceUri": signing.resource}))
}

fn for_hub(control: &Control, name: Option<&str>, call: &Call) -> Result<Signing, Refused> {
    let origins = &control.house.origins;
    let hub = control.hub(name)?;
    let name = hub.id.name();
    let host = origins.dialled_name(&hub.host_name);
    let Some(device) = call.text("device") else {
        let policy = policy(&hub.policies, call.text("policy").unwrap_or("iothubowner"))?;
        return Ok(Signing { resource: host, key: policy.primary_key, policy: Some(policy.key_name) });
    };
    let module = call.text("module");
    let resource = module.map_or_else(
        || format!("{host}/devices/{device}"),
        |module| format!("{host}/devices/{device}/modules/{module}"),
    );
    if let Some(name) = call.text("policy") {
        let policy = policy(&hub.policies, name)?;
        return Ok(Signing { resource, key: policy.primary_key, policy: Some(policy.key_name) });
    }
    let found = control.house.hub.credentials(&name.to_ascii_lowercase(), device, module);
    match found.map(|found| found.keys) {
        Some(AttestationKeys::SymmetricKey { primary, .. }) => Ok(Signing { resource, key: primary, policy: None }),
        Some(_) => Err(Refused::bad_request("it signs in by certificate and has no key")),
        None => Err(Refused::not_found(format!("hub `{name}` has no such device or module; ids keep their case"))),
    }
}

fn for_provisioning_service(control: &Control, name: &str, call: &Call) -> Result<Signing, Refused> {
    let service = control.provisioning_service(Some(name))?;
    if let Some(registration) = call.text("registration") {
        return for_registration(control, &service, registration);
    }
    let policy = policy(&service.policies, call.text("policy").unwrap_or("provisioningserviceowner"))?;
    Ok(Signing { resource: service.host_name.clone(), key: policy.primary_key, policy: Some(policy.key_name) })
}

/// As a device signs to register itself: with its enrolment's key, or the one that its group gives it.
fn for_registration(control: &Control, service: &ProvisioningService, id: &str) -> Result<Signing, Refused> {
    let name = service.id.name().to_ascii_lowercase();
    let key = control.house.dps.candidates(&name, id).into_iter().find_map(|candidate| match candidate.keys {
        AttestationKeys::SymmetricKey { primary, .. } => Some(primary),
        _ => None,
    });
    let key = key.ok_or_else(|| {
        Refused::not_found(format!("`{name}` has no enrolment with symmetric keys for `{id}`, and no such group"))
    })?;
    let resource = format!("{}/registrations/{id}", service.id_scope);
    Ok(Signing { resource, key, policy: Some("registration".to_owned()) })
}

fn policy(policies: &[SharedAccessPolicy], name: &str) -> Result<SharedAccessPolicy, Refused> {
    policies.iter().find(|policy| policy.key_name == name).cloned().ok_or_else(|| {
        let known: Vec<&str> = policies.iter().map(|policy| policy.key_name.as_str()).collect();
        Refused::bad_request(format!("there is no policy `{name}`; there are {}", known.join(", ")))
    })
}

pub(super) async fn rotate(control: &Control, call: &Call) -> Result<Value, Refused> {
    let overlap = call.body.get("overlapSeconds").and_then(Value::as_i64).unwrap_or_default().max(0);
    crate::issuer_key::rotate(&control.house, SignedDuration::from_secs(overlap)).await.map_err(Refused::failed)?;
    Ok(Value::Null)
}
