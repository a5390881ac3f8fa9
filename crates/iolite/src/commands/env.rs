//! `iolite env`: the variables that point SDKs at a running emulator.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::console;
use crate::control::Control;
use crate::failure::Failure;
use crate::global::Global;
use crate::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  eval \"$(iolite env)\"                                     bash, zsh
  iolite env --shell fish | source                         fish
  iolite env --shell powershell | Out-String | iex         PowerShell
  iolite env --shell dotenv > .env
  iolite env --as reader-app                               another principal's credentials";

/// Print the environment that points SDKs at a running emulator.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Env {
    /// Who reads it [default: bash, or json with --format json].
    #[arg(long, value_enum, env = "IOLITE_SHELL")]
    shell: Option<Shell>,

    /// The principal whose credentials are given.
    #[arg(long = "as", value_name = "PRINCIPAL", default_value = "owner-app", env = "IOLITE_AS")]
    principal: String,
}

impl Env {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let ready = Control::find(global).await?.get("/ready-file").await?;
        let variables = iolite_server::environment(&ready, &self.principal).map_err(Failure::usage)?;
        let shell = self.shell.unwrap_or(if global.is_json() { Shell::Json } else { Shell::Bash });
        console::say(&shell.render(&variables))?;
        Ok(ExitCode::SUCCESS)
    }
}
