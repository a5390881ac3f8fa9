//! `iolite allow-sas`: turns a hub's `disableLocalAuth` off again.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::console;
use crate::control::{Control, segment};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite allow-sas contoso-hub               connection strings work again at once";

/// Turn SAS on a hub's service API back on.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AllowSas {
    /// The hub.
    #[arg(value_name = "HUB")]
    hub: String,
}

impl AllowSas {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let path = format!("/hubs/{}/local-auth", segment(&self.hub));
        let after = Control::find(global).await?.post(&path, Some(&json!({"disabled": false}))).await?;
        if global.is_json() {
            console::say_json(&after)?;
        } else {
            console::say(&format!("SAS is allowed on {}.", self.hub))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
