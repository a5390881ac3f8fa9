//! SAS allowed again: everything works at once, and nothing was restarted.

use anyhow::Result;

use super::call::{Call, Expected};
use super::first_device::DEVICE;
use super::stage::Stage;
use super::{cast, switch};

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    stage.act("SAS allowed again")?;
    switch::flip(stage, false).await?;
    let sas = cast::hub_sas(stage).await?;
    let call = Call::get(stage.hub_url(&format!("/devices/{DEVICE}"))).with(&sas);
    stage.send(call, Expected::status(200, "the same key as in act 1, without a restart").saying(DEVICE)).await?;
    Ok(())
}
