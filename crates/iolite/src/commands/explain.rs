//! `iolite explain`: why a request was let through or refused, and what would change it.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::builder::FalseyValueParser;

use crate::console;
use crate::control::{Control, segment};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite explain                   the last request
  iolite explain 6f1c1f9e-…        by the x-iolite-decision header or the request id of an answer
  iolite explain --last --format json | jq .suggestion";

/// Say why a request was let through or refused, and which command would change it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// The decision: what the answer's x-iolite-decision header says.
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// The last request that was decided; the default.
    #[arg(long, conflicts_with = "id", env = "IOLITE_LAST", value_parser = FalseyValueParser::new())]
    last: bool,
}

impl Explain {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let path = match &self.id {
            Some(id) => format!("/decisions/{}", segment(id)),
            None => "/decisions/last".to_owned(),
        };
        let decision = Control::find(global).await?.get(&path).await?;
        if global.is_json() {
            console::say_json(&decision)?;
        } else {
            console::say_lines(console::lines_of(&decision["explanation"]))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
