//! "I am Owner, why am I refused?": managing a resource is not using it, and the smallest role that mends it.

use anyhow::{Context, Result};

use super::call::{Call, Expected};
use super::cast;
use super::first_device::DEVICE;
use super::stage::{Grant, Stage, tell};

/// The name of the assignment that this act makes.
const ASSIGNMENT: &str = "c0ffee00-0000-4000-8000-00000000de01";
const OWNER: &str = "subscription-owner";

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    stage.act("The subscription's Owner, who may do everything and may not read a device")?;
    let url = stage.hub_url(&format!("/devices/{DEVICE}"));
    let token = cast::sign_in(stage, OWNER, cast::HUB).await?;
    let expected = Expected::status(401, "Owner has no data action").saying("IotHubUnauthorized;");
    let refused = stage.send(Call::get(url.clone()).with(&token), expected).await?;
    let decision = stage.explain(&refused).await?;
    let role = decision["suggestion"]["role"].as_str().context("the decision suggests no role")?.to_owned();

    tell(&format!("The smallest role that would do is {role}. An Owner may assign it:"))?;
    let arm = cast::sign_in(stage, OWNER, cast::ARM).await?;
    let object_id = stage.principal(OWNER)?["object_id"].as_str().unwrap_or_default().to_owned();
    let scope = stage.hub_id();
    let grant = Grant { name: ASSIGNMENT, role: &role, scope: &scope, object_id: &object_id, principal_type: "User" };
    stage.assign(&arm, grant).await?;
    let expected = Expected::status(200, "the same token, and now a role with devices/read").saying(DEVICE);
    stage.send(Call::get(url).with(&token), expected).await?;
    Ok(())
}
