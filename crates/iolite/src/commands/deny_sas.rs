//! `iolite deny-sas`: rehearses and turns on a hub's `disableLocalAuth`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::{Value, json};

use crate::console;
use crate::control::{Control, segment};
use crate::failure::{FAILED, Failure};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite deny-sas contoso-hub --dry-run      who would lose access?
  iolite deny-sas contoso-hub                the same, then asks, then does it
  iolite deny-sas contoso-hub --yes          for scripts
  iolite allow-sas contoso-hub               back again; nothing is lost";

/// Rehearse and turn off SAS on a hub's service API (disableLocalAuth).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DenySas {
    /// The hub.
    #[arg(value_name = "HUB")]
    hub: String,

    /// Only tell who would lose access.
    #[arg(long, env = "IOLITE_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,

    /// Do not ask.
    #[arg(long, short, env = "IOLITE_YES", value_parser = FalseyValueParser::new())]
    yes: bool,
}

impl DenySas {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let control = Control::find(global).await?;
        let path = format!("/hubs/{}/local-auth", segment(&self.hub));
        let rehearsal = control.get(&path).await?;
        if self.dry_run {
            show(global, &rehearsal)?;
            return Ok(ExitCode::SUCCESS);
        }
        if !self.yes && !self.is_agreed(&rehearsal)? {
            console::complain("iolite: nothing was changed");
            return Ok(ExitCode::from(FAILED));
        }
        let after = control.post(&path, Some(&json!({"disabled": true}))).await?;
        if global.is_json() {
            console::say_json(&after)?;
        } else {
            if self.yes {
                console::say_lines(console::lines_of(&rehearsal["rehearsal"]["lines"]))?;
            }
            console::say(&format!(
                "SAS is now denied on {}; `iolite allow-sas {}` allows it again.",
                self.hub, self.hub
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Shows the rehearsal, on standard error so that a result on standard output stays one document, and asks.
    fn is_agreed(&self, rehearsal: &Value) -> Result<bool> {
        console::complain_lines(console::lines_of(&rehearsal["rehearsal"]["lines"]));
        match console::ask(&format!("Deny SAS on {}?", self.hub))? {
            Some(agreed) => Ok(agreed),
            None => Err(Failure::usage(
                "nobody is at a terminal to be asked, and nothing was changed: give --yes to go ahead, or --dry-run to only look",
            )
            .into()),
        }
    }
}

fn show(global: &Global, rehearsal: &Value) -> Result<()> {
    if global.is_json() {
        console::say_json(rehearsal)?;
    } else {
        console::say_lines(console::lines_of(&rehearsal["rehearsal"]["lines"]))?;
    }
    Ok(())
}
