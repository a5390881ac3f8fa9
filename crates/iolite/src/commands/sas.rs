//! `iolite sas`: a shared access signature for a hub, a device or a provisioning service.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::token::without_nulls;
use crate::console;
use crate::control::Control;
use crate::duration::positive_seconds;
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite sas                                            the first hub's iothubowner, one hour
  iolite sas --hub contoso-hub --policy service --ttl 15m
  iolite sas --device thermostat-1                      with the device's own primary key
  iolite sas --registration press-7                     for a device that registers itself
  curl --cacert \"$NODE_EXTRA_CA_CERTS\" -H \"Authorization: $(iolite sas)\" \\
       \"https://localhost:8443/devices?api-version=2021-04-12\"";

/// Print a SAS token.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sas {
    /// The hub; the first one without this and --dps.
    #[arg(long, value_name = "NAME", conflicts_with = "dps", env = "IOLITE_HUB")]
    hub: Option<String>,

    /// The provisioning service.
    #[arg(long, value_name = "NAME", env = "IOLITE_DPS")]
    dps: Option<String>,

    /// The shared access policy to sign with; by default the owner's.
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["device", "registration"], env = "IOLITE_POLICY")]
    policy: Option<String>,

    /// The device to sign as, with its own key.
    #[arg(long, value_name = "DEVICE", conflicts_with = "dps", env = "IOLITE_DEVICE")]
    device: Option<String>,

    /// The device's module to sign as.
    #[arg(
        long,
        value_name = "MODULE",
        requires = "device",
        conflicts_with_all = ["dps", "policy", "registration"],
        env = "IOLITE_MODULE"
    )]
    module: Option<String>,

    /// The registration to sign as, with its enrolment's key; at the first
    /// provisioning service without --dps.
    #[arg(long, value_name = "ID", conflicts_with_all = ["hub", "device"], env = "IOLITE_REGISTRATION")]
    registration: Option<String>,

    /// How long it is good for.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1h",
        value_parser = positive_seconds,
        // So that a length below zero is refused as such, not taken for another flag.
        allow_hyphen_values = true,
        env = "IOLITE_TTL"
    )]
    ttl: i64,
}

impl Sas {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let body = json!({
            "hub": self.hub,
            "dps": self.dps,
            "policy": self.policy,
            "device": self.device,
            "module": self.module,
            "registration": self.registration,
            "ttlSeconds": self.ttl,
        });
        let answer = Control::find(global).await?.post("/sas", Some(&without_nulls(body))).await?;
        if global.is_json() {
            console::say_json(&answer)?;
        } else {
            console::say(answer["token"].as_str().unwrap_or_default())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
