//! A device that registers itself with a symmetric key and gets its hub; also how the later acts register one.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use iolite_kernel::Secret;
use serde_json::{Value, json};

use super::call::{Call, Expected};
use super::cast;
use super::stage::{Stage, show, tell};

/// The registration of this act.
const REGISTRATION: &str = "press-7";
/// How often a registration is looked at until it has come to an end.
const LOOKS: u32 = 50;
/// The time between two looks. A real device waits for the seconds that Retry-After tells.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    stage.act("A device that registers itself through the Device Provisioning Service")?;
    let key = enrol(stage, REGISTRATION).await?;
    let registered = register(stage, REGISTRATION, &key).await?;
    let hub = registered["assignedHub"].as_str().unwrap_or_default().to_owned();
    assigned(&registered, &format!("to the hub at {hub}, through a link by connection string"))?;
    let token = cast::sign_in(stage, "owner-app", cast::HUB).await?;
    let call = Call::get(stage.hub_url(&format!("/devices/{REGISTRATION}"))).with(&token);
    stage.send(call, Expected::status(200, "provisioning made it in the hub").saying(REGISTRATION)).await?;
    Ok(())
}

/// Makes an individual enrolment and gives its symmetric key, which the service chose.
pub(super) async fn enrol(stage: &mut Stage, registration: &str) -> Result<Secret> {
    let dps = stage.text(&["provisioning_services", "0", "name"]).to_owned();
    let owner = cast::sas(stage, "a SAS token of the policy provisioningserviceowner", json!({"dps": dps})).await?;
    let body = json!({
        "registrationId": registration,
        "attestation": {"type": "symmetricKey", "symmetricKey": {}},
        "provisioningStatus": "enabled",
    });
    let call = Call::put(stage.dps_url(&format!("/enrollments/{registration}")), &body).with(&owner);
    let enrolment = stage.send(call, Expected::status(200, "the policy has EnrollmentWrite")).await?.json();
    let key = enrolment["attestation"]["symmetricKey"]["primaryKey"].as_str().context("the enrolment has no key")?;
    Ok(Secret::new(key))
}

/// Registers as a device does, and waits for the end; gives the registration's state.
pub(super) async fn register(stage: &mut Stage, registration: &str, key: &Secret) -> Result<Value> {
    let device = cast::device_sas(stage, registration, key).await?;
    let scope = stage.text(&["provisioning_services", "0", "id_scope"]).to_owned();
    let base = format!("/{scope}/registrations/{registration}");
    let call =
        Call::put(stage.dps_url(&format!("{base}/register")), &json!({"registrationId": registration})).with(&device);
    let accepted = stage.send(call, Expected::status(202, "the answer comes later, at the operation")).await?.json();
    let operation = accepted["operationId"].as_str().context("the answer names no operation")?.to_owned();
    let url = stage.dps_url(&format!("{base}/operations/{operation}"));
    for _ in 0..LOOKS {
        let call = Call::get(url.clone()).with(&device);
        let told = stage.send(call, Expected::status(200, "the operation tells how it went")).await?.json();
        if told["status"] != "assigning" {
            return Ok(told["registrationState"].clone());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    bail!("the registration {registration} came to no end")
}

/// Tells that the registration was assigned, and stops the demo where it was not.
pub(super) fn assigned(registered: &Value, how: &str) -> Result<()> {
    if registered["status"] != "assigned" {
        bail!("the registration was to be assigned, and is: {registered}");
    }
    tell(&format!("  assigned, as expected: {how}"))
}

/// Tells that the registration failed with the hub's own words, and stops the demo where it did not.
pub(super) fn failed(registered: &Value, words: &str) -> Result<()> {
    let message = registered["errorMessage"].as_str().unwrap_or_default();
    if registered["status"] != "failed" || !message.contains(words) {
        bail!("the registration was to fail with the hub's `{words}`, and is: {registered}");
    }
    tell(&format!("  failed, as expected, with error {} and the hub's own words inside:", registered["errorCode"]))?;
    show(&[message.to_owned()])
}
