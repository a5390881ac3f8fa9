//! The cure: the provisioning service signs in to the hub by its managed identity, which needs a role like anyone else.

use anyhow::{Context, Result, bail};
use iolite_kernel::Secret;
use serde_json::{Value, json};

use super::call::{Call, Expected};
use super::cast;
use super::provisioning;
use super::stage::{Grant, Stage, show, tell};
use super::switch::REGISTRATION;
use crate::console;

/// The name of the assignment that this act makes.
const ASSIGNMENT: &str = "c0ffee00-0000-4000-8000-00000000de02";
/// The role that the documentation names for linking by identity.
const ROLE: &str = "IoT Hub Data Contributor";
/// The first version that has links by identity.
const API_VERSION: &str = "2026-11-01";

/// `key` is that of the registration that failed in the act before.
pub(super) async fn play(stage: &mut Stage, key: &Secret) -> Result<()> {
    stage.act("The provisioning service linked by its managed identity")?;
    let arm = cast::sign_in(stage, "subscription-owner", cast::ARM).await?;
    let url = stage.arm_url(&stage.dps_id(), API_VERSION);
    let call = Call::get(url.clone()).with(&arm);
    let service = stage.send(call, Expected::status(200, "Owner may read it")).await?.json();
    let object_id = service["identity"]["principalId"].as_str().context("the service has no identity")?.to_owned();
    let link = link_by_identity(&service["properties"]["iotHubs"][0])?;
    let call = Call::patch(url, &json!({"properties": {"iotHubs": [link]}})).with(&arm);
    stage.send(call, Expected::status(200, "the link now has no key in it").saying("SystemAssigned")).await?;

    tell("The identity has no role on the hub yet:")?;
    let registered = provisioning::register(stage, REGISTRATION, key).await?;
    provisioning::failed(&registered, "IotHubUnauthorized;")?;
    show_missing_role(stage).await?;

    tell(&format!("With the role {ROLE}:"))?;
    let scope = stage.hub_id();
    let principal_type = "ServicePrincipal";
    let grant = Grant { name: ASSIGNMENT, role: ROLE, scope: &scope, object_id: &object_id, principal_type };
    stage.assign(&arm, grant).await?;
    let registered = provisioning::register(stage, REGISTRATION, key).await?;
    provisioning::assigned(&registered, "SAS is still denied, and the identity does not need it")
}

/// The link as it was, signing in by the service's own identity.
fn link_by_identity(link: &Value) -> Result<Value> {
    let host = link["name"].as_str().context("the service is linked to no hub")?;
    Ok(json!({"hostName": host, "authenticationType": "SystemAssigned", "location": link["location"]}))
}

/// Shows why the hub refused the provisioning service, and which role is missing.
async fn show_missing_role(stage: &Stage) -> Result<()> {
    tell("iolite explain --last, of the hub's refusal:")?;
    let refused = stage.control.get("/decisions/last?outcome=denied").await?;
    let lines = console::lines_of(&refused["explanation"]);
    show(&lines)?;
    if refused["suggestion"]["role"].as_str().is_none_or(str::is_empty) {
        bail!("the refusal names no role that would do: {refused}");
    }
    Ok(())
}
