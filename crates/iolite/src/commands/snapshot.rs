//! `iolite snapshot`: whole-world copies, to come back to.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::console;
use crate::control::{Control, segment};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite snapshot save before-migration
  iolite snapshot load before-migration
  iolite snapshot list --format json";
const SAVE_EXAMPLE: &str = "Example:\n  iolite snapshot save before-migration";
const LOAD_EXAMPLE: &str = "Example:\n  iolite snapshot load before-migration";
const LIST_EXAMPLE: &str = "Example:\n  iolite snapshot list";

/// Save, load and list copies of the whole world.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Snapshot {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Copy the world as it is now; an earlier copy of that name is replaced.
    #[command(after_help = SAVE_EXAMPLE)]
    Save {
        /// The copy's name.
        name: String,
    },
    /// Bring the world back to a copy.
    #[command(after_help = LOAD_EXAMPLE)]
    Load {
        /// The copy's name.
        name: String,
    },
    /// List the copies.
    #[command(after_help = LIST_EXAMPLE)]
    List,
}

impl Snapshot {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let control = Control::find(global).await?;
        match self.action {
            Action::Save { name } => control.post(&format!("/snapshots/{}", segment(&name)), None).await?,
            Action::Load { name } => control.post(&format!("/snapshots/{}/restore", segment(&name)), None).await?,
            Action::List => {
                let answer = control.get("/snapshots").await?;
                if global.is_json() {
                    console::say_json(&answer["value"])?;
                } else {
                    console::say_lines(console::lines_of(&answer["value"]))?;
                }
                return Ok(ExitCode::SUCCESS);
            }
        };
        Ok(ExitCode::SUCCESS)
    }
}
