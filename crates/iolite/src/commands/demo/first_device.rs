//! A device made with SAS and read with an Entra token: two credentials, one registry.

use anyhow::Result;
use serde_json::json;

use super::call::{Call, Expected};
use super::cast;
use super::stage::Stage;

/// The device of the whole demo.
pub(super) const DEVICE: &str = "press-1";

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    stage.act("A device, made with a SAS token and read with an Entra token")?;
    let url = stage.hub_url(&format!("/devices/{DEVICE}"));
    let sas = cast::hub_sas(stage).await?;
    let call = Call::put(url.clone(), &json!({"deviceId": DEVICE})).with(&sas);
    stage.send(call, Expected::status(200, "the policy has RegistryWrite")).await?;
    let token = cast::sign_in(stage, "owner-app", cast::HUB).await?;
    let expected = Expected::status(200, "owner-app has the role IoT Hub Data Contributor").saying(DEVICE);
    stage.send(Call::get(url).with(&token), expected).await?;
    Ok(())
}
