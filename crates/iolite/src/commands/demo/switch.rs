//! SAS turned off: the service API refuses it at once, provisioning breaks for the same reason, Entra goes on.

use anyhow::{Result, bail};
use iolite_kernel::Secret;
use serde_json::json;

use super::call::{Call, Expected};
use super::cast;
use super::first_device::DEVICE;
use super::provisioning;
use super::stage::{Stage, tell};

/// The registration that fails here and succeeds in the next act.
pub(super) const REGISTRATION: &str = "press-8";

/// Gives the key of the registration that failed.
pub(super) async fn play(stage: &mut Stage) -> Result<Secret> {
    stage.act("SAS denied, through the Resource Manager")?;
    flip(stage, true).await?;
    let url = stage.hub_url(&format!("/devices/{DEVICE}"));
    let sas = cast::hub_sas(stage).await?;
    let expected = Expected::status(401, "local authentication is disabled").saying("IotHubUnauthorizedAccess");
    let refused = stage.send(Call::get(url.clone()).with(&sas), expected).await?;
    stage.explain(&refused).await?;

    tell("The provisioning service is linked by a connection string, so its next device fails:")?;
    let key = provisioning::enrol(stage, REGISTRATION).await?;
    let registered = provisioning::register(stage, REGISTRATION, &key).await?;
    provisioning::failed(&registered, "IotHubUnauthorizedAccess")?;

    tell("Entra tokens are as good as before:")?;
    let token = cast::sign_in(stage, "owner-app", cast::HUB).await?;
    stage.send(Call::get(url).with(&token), Expected::status(200, "a role, not a key").saying(DEVICE)).await?;
    Ok(key)
}

/// Sets `disableLocalAuth` as the subscription's owner.
pub(super) async fn flip(stage: &mut Stage, disabled: bool) -> Result<()> {
    let arm = cast::sign_in(stage, "subscription-owner", cast::ARM).await?;
    let url = stage.arm_url(&stage.hub_id(), "2023-06-30");
    let call = Call::patch(url, &json!({"properties": {"disableLocalAuth": disabled}})).with(&arm);
    let hub = stage.send(call, Expected::status(200, "Owner may change the hub")).await?.json();
    if hub["properties"]["disableLocalAuth"] != disabled {
        bail!("disableLocalAuth was set to {disabled}, and the hub says {}", hub["properties"]["disableLocalAuth"]);
    }
    Ok(())
}
