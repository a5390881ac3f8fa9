//! `iolite env`: the variables that point SDKs at a running emulator.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

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

    /// The principal whose credentials are given [default: owner-app, or the
    /// first application with a secret in a world that has no such principal].
    #[arg(long = "as", value_name = "PRINCIPAL", env = "IOLITE_AS")]
    principal: Option<String>,
}

impl Env {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let ready = Control::find(global).await?.get("/ready-file").await?;
        let mut variables = iolite_server::environment(&ready, self.principal.as_deref()).map_err(Failure::usage)?;
        if let Some(path) =
            ready_file(global, &ready).filter(|_| !variables.iter().any(|(name, _)| name == "IOLITE_READY"))
        {
            variables.insert(0, ("IOLITE_READY".to_owned(), path));
        }
        let shell = self.shell.unwrap_or(if global.is_json() { Shell::Json } else { Shell::Bash });
        // Another principal's secret beside this one's name would sign in as that one, or as nobody.
        if let Some(line) = shell.forget(&of_others(&variables)) {
            console::say(&line)?;
        }
        console::say(&shell.render(&variables))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The variables of the sign-in that these do not set.
pub(super) fn of_others(variables: &[(String, String)]) -> Vec<&'static str> {
    let is_set = |name: &&str| variables.iter().any(|(known, _)| known == name);
    iolite_server::SIGN_IN_VARIABLES.into_iter().filter(|name| !is_set(name)).collect()
}

/// The ready file that led here, where it is this emulator's; an older one could have been passed over.
fn ready_file(global: &Global, ready: &Value) -> Option<String> {
    let path = std::path::absolute(global.ready.as_deref()?).ok()?;
    let content: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
    (content["control"] == ready["control"]).then(|| path.to_str().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::global::Format;

    #[test]
    fn what_another_principal_signed_in_with_is_forgotten() {
        let user = [("AZURE_USERNAME".to_owned(), "u".to_owned()), ("AZURE_PASSWORD".to_owned(), "p".to_owned())];
        assert_eq!(of_others(&user), ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"]);
        let identity = [("AZURE_CLIENT_ID".to_owned(), "c".to_owned())];
        assert_eq!(of_others(&identity), ["AZURE_CLIENT_SECRET", "AZURE_USERNAME", "AZURE_PASSWORD"]);
    }

    #[test]
    fn a_ready_file_is_passed_on_only_where_it_is_this_emulators() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        std::fs::write(&path, r#"{"control": "http://localhost:1/iolite/v1"}"#).unwrap();
        let global = Global { format: Format::Text, ready: Some(path.clone()), control: None };
        assert_eq!(ready_file(&global, &json!({"control": "http://localhost:1/iolite/v1"})).as_deref(), path.to_str());
        assert_eq!(ready_file(&global, &json!({"control": "http://localhost:2/iolite/v1"})), None);
    }
}
