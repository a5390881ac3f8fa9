//! `iolite check`: the decision without the request.

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args};
use serde_json::json;

use super::token::without_nulls;
use crate::console;
use crate::control::Control;
use crate::failure::FAILED;
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite check --as reader-app --action Microsoft.Devices/IotHubs/devices/write --on hub:contoso-hub
  iolite check --as reader-app --operation Devices_CreateOrUpdateIdentity --on hub:contoso-hub \\
               --add-role \"IoT Hub Registry Contributor\"          what if it had that role there?
  iolite check --as owner-app --action Microsoft.Devices/IotHubs/twins/read --on hub:contoso-hub \\
               --without-role \"IoT Hub Data Contributor\"          what if it lost that one?

Status: 0 allowed, 1 refused. `iolite roles` lists actions and operations.";

/// Decide without a request: may this principal do that there?
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("what").required(true).args(["action", "operation"]))]
pub(crate) struct Check {
    /// Who asks.
    #[arg(long = "as", value_name = "PRINCIPAL", env = "IOLITE_AS")]
    principal: String,

    /// The action asked for.
    #[arg(long, value_name = "ACTION", env = "IOLITE_ACTION")]
    action: Option<String>,

    /// The operation asked for, which names its own actions.
    #[arg(long, value_name = "OPERATION", env = "IOLITE_OPERATION")]
    operation: Option<String>,

    /// On what: a resource id, or hub:NAME, dps:NAME, twins:NAME, group:NAME, subscription.
    #[arg(long = "on", value_name = "RESOURCE", env = "IOLITE_ON")]
    resource: String,

    /// As if the principal also had this role there.
    #[arg(long, value_name = "ROLE", env = "IOLITE_ADD_ROLE")]
    add_role: Option<String>,

    /// As if the principal did not have this role.
    #[arg(long, value_name = "ROLE", env = "IOLITE_WITHOUT_ROLE")]
    without_role: Option<String>,
}

impl Check {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let body = json!({
            "principal": self.principal,
            "action": self.action,
            "operation": self.operation,
            "resource": self.resource,
            "addRole": self.add_role,
            "withoutRole": self.without_role,
        });
        let answer = Control::find(global).await?.post("/check", Some(&without_nulls(body))).await?;
        if global.is_json() {
            console::say_json(&answer)?;
        } else {
            console::say_lines(console::lines_of(&answer["explanation"]))?;
            console::say_lines(answer["command"].as_str())?;
        }
        Ok(if answer["allowed"] == true { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}
