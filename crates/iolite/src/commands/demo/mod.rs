//! `iolite demo`.
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

/// The story.
#[derive(Debug, Args)]
#[command(after_help = "iolite demo")]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        Ok(ExitCode::SUCCESS)
    }
}
