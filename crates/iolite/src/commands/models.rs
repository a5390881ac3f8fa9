//! `iolite models`: will judge DTDL documents; refused by name until the model language is there.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};

use crate::failure::Failure;

const EXAMPLES: &str = "\
Example (refused for now):
  iolite models check thermostat.json";

/// Judge DTDL models offline (not built yet).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check DTDL documents (not built yet).
    #[command(after_help = EXAMPLES)]
    Check {
        /// One document a line.
        #[arg(long, env = "IOLITE_JSONL", value_parser = FalseyValueParser::new())]
        jsonl: bool,
        /// The documents; `-` is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

impl Models {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Action::Check { jsonl: _, files } = self.action;
        let count = files.len();
        Err(Failure::not_built(
            "`iolite models check`",
            &format!("DTDL validation is to come with Digital Twins. The {count} document(s) were not looked at"),
        )
        .into())
    }
}
