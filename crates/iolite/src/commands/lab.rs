//! `iolite lab`: will be guided 401 and 403 scenarios; refused by name until they are written.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::failure::Failure;

const EXAMPLES: &str = "\
Example (refused for now):
  iolite lab list

Until then, `iolite demo` tells the 401 stories, and `iolite explain` explains your own requests.";

/// Guided 401 and 403 scenarios (not built yet).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lab {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the scenarios (not built yet).
    #[command(after_help = EXAMPLES)]
    List,
    /// Set a scenario up (not built yet).
    #[command(after_help = EXAMPLES)]
    Start {
        /// The scenario.
        name: String,
    },
    /// See whether a scenario is solved (not built yet).
    #[command(after_help = EXAMPLES)]
    Check {
        /// The scenario.
        name: String,
    },
}

impl Lab {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let what = match self.action {
            Action::List => "`iolite lab list`".to_owned(),
            Action::Start { name } => format!("`iolite lab start {name}`"),
            Action::Check { name } => format!("`iolite lab check {name}`"),
        };
        Err(Failure::not_built(&what, "no guided scenario is written; `iolite demo` tells the main ones").into())
    }
}
