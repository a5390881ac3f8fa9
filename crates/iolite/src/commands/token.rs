//! `iolite token`: an Entra access token, good or deliberately bad.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::console;
use crate::control::Control;
use crate::failure::Failure;
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite token --as owner-app --for hub
  curl --cacert \"$NODE_EXTRA_CA_CERTS\" -H \"Authorization: Bearer $(iolite token --as reader-app)\" \\
       \"https://localhost:8443/devices?api-version=2021-04-12\"
  iolite token --for twins --flaw expired        how does my program take an expired token?
  iolite token --as owner-app --for https://my-api.example --format json";

/// Print an Entra access token, good or deliberately bad.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Token {
    /// Whose token: a principal of the world [default: owner-app, or the
    /// first application with a secret in a world that has no such principal].
    #[arg(long = "as", value_name = "PRINCIPAL", env = "IOLITE_AS")]
    principal: Option<String>,

    /// What it is for: hub, dps, twins, central, arm, an audience URI, or an
    /// application's client id.
    #[arg(long = "for", value_name = "AUDIENCE", default_value = "hub", env = "IOLITE_FOR")]
    audience: String,

    /// What is to be wrong with it.
    #[arg(long, value_enum, env = "IOLITE_FLAW")]
    flaw: Option<Flaw>,
}

/// What can be wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Flaw {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another service.
    WrongAudience,
    /// Another tenant issued it.
    WrongIssuer,
    /// One bit of its signature is wrong.
    BadSignature,
    /// It says `alg: none` and has no signature.
    Unsigned,
    /// It is signed by a key that the issuer does not publish.
    UnknownKey,
}

impl Token {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let flaw = self.flaw.and_then(|flaw| flaw.to_possible_value());
        let control = Control::find(global).await?;
        let principal = match self.principal {
            Some(name) => name,
            None => usual_principal(&control.get("/ready-file").await?)?,
        };
        let body = json!({
            "principal": principal,
            "audience": self.audience,
            "flaw": flaw.as_ref().map(clap::builder::PossibleValue::get_name),
        });
        let answer = control.post("/token", Some(&without_nulls(body))).await?;
        if global.is_json() {
            console::say_json(&answer)?;
        } else {
            console::say(answer["access_token"].as_str().unwrap_or_default())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Who signs in where nobody is named, as in the environment that `iolite env` prints.
fn usual_principal(ready: &Value) -> Result<String> {
    let name = iolite_server::usual_principal(ready).and_then(|entry| entry["name"].as_str());
    let nobody = || Failure::usage("this world has no application with a secret: say whose token by --as");
    Ok(name.map(str::to_owned).ok_or_else(nobody)?)
}

/// The object without the members that were not given.
pub(super) fn without_nulls(mut body: Value) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flaws_have_the_names_that_the_control_api_knows() {
        let names: Vec<String> = Flaw::value_variants()
            .iter()
            .filter_map(|flaw| flaw.to_possible_value().map(|value| value.get_name().to_owned()))
            .collect();
        assert_eq!(
            names,
            ["expired", "not-yet-valid", "wrong-audience", "wrong-issuer", "bad-signature", "unsigned", "unknown-key"]
        );
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        assert_eq!(without_nulls(json!({"a": null, "b": false})), json!({"b": false}));
    }
}
