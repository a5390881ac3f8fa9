//! Before SAS is turned off: who would lose access, told without changing anything.

use anyhow::{Result, bail};

use super::stage::{Stage, show, tell};
use crate::console;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    stage.act("Rehearsal: what would break if SAS were denied on the hub?")?;
    let hub = stage.text(&["iot_hubs", "0", "name"]).to_owned();
    tell(&format!("iolite deny-sas {hub} --dry-run"))?;
    let told = stage.local_auth().await?;
    let rehearsal = &told["rehearsal"];
    show(&console::lines_of(&rehearsal["lines"]))?;
    let is_any = |list: &str| rehearsal[list].as_array().is_some_and(|items| !items.is_empty());
    if told["disabled"] != false || !is_any("sasUsers") {
        bail!("SAS was used in act 1 and is still allowed, and the rehearsal does not say so: {told}");
    }
    if rehearsal["linkedServices"][0]["breaks"] != true {
        bail!(
            "the provisioning service is linked by a connection string, and the rehearsal does not say it breaks: {told}"
        );
    }
    Ok(())
}
