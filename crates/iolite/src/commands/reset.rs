//! `iolite reset`: the world as it was at the start, or an empty one.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::control::Control;
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite reset                    everything as at the start
  iolite reset --seed empty       hubs, principals and roles stay; what was put into them goes";

/// Bring a running emulator's world back to its start.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reset {
    /// What is left afterwards.
    #[arg(long, value_enum, default_value = "world", env = "IOLITE_SEED")]
    seed: Seed,
}

/// What is left after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Seed {
    /// The world file's content.
    World,
    /// Resources, principals and role assignments, and nothing in them.
    Empty,
}

impl Reset {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let seed = match self.seed {
            Seed::World => "world",
            Seed::Empty => "empty",
        };
        Control::find(global).await?.post(&format!("/reset?seed={seed}"), None).await?;
        Ok(ExitCode::SUCCESS)
    }
}
