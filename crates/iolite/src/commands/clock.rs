//! `iolite clock`: the one clock behind every expiry, delay and timestamp.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::console;
use crate::control::Control;
use crate::duration::seconds;
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite clock show
  iolite clock advance 1h         tokens, locks and delays expire as if an hour had gone by
  iolite clock set 2030-01-01T00:00:00Z
  iolite clock freeze && iolite clock resume";
const SHOW_EXAMPLE: &str = "Example:\n  iolite clock show --format json";
const ADVANCE_EXAMPLE: &str = "Example:\n  iolite clock advance 1h30m";
const SET_EXAMPLE: &str = "Example:\n  iolite clock set 2030-01-01T00:00:00Z";
const FREEZE_EXAMPLE: &str = "Example:\n  iolite clock freeze";
const RESUME_EXAMPLE: &str = "Example:\n  iolite clock resume";
const RESET_EXAMPLE: &str = "Example:\n  iolite clock reset";

/// Show and steer a running emulator's clock.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Clock {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the time there.
    #[command(after_help = SHOW_EXAMPLE)]
    Show,
    /// Let time go by at once: 90s, 15m, 1h30m, 2d.
    #[command(after_help = ADVANCE_EXAMPLE)]
    Advance {
        /// How much.
        #[arg(value_name = "TIME", value_parser = seconds, allow_hyphen_values = true)]
        by: i64,
    },
    /// Set it to a moment; it goes on from there.
    #[command(after_help = SET_EXAMPLE)]
    Set {
        /// The moment, as in 2030-01-01T00:00:00Z.
        #[arg(value_name = "RFC3339")]
        to: String,
    },
    /// Stop it.
    #[command(after_help = FREEZE_EXAMPLE)]
    Freeze,
    /// Let it go on.
    #[command(after_help = RESUME_EXAMPLE)]
    Resume,
    /// Back to this machine's own time.
    #[command(after_help = RESET_EXAMPLE)]
    Reset,
}

impl Clock {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let control = Control::find(global).await?;
        let answer = match body(&self.action) {
            None => control.get("/clock").await?,
            Some(body) => control.post("/clock", Some(&body)).await?,
        };
        if global.is_json() {
            console::say_json(&answer)?;
        } else {
            console::say(&line(&answer))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn body(action: &Action) -> Option<Value> {
    match action {
        Action::Show => None,
        Action::Advance { by } => Some(json!({"advanceSeconds": by})),
        Action::Set { to } => Some(json!({"set": to})),
        Action::Freeze => Some(json!({"freeze": true})),
        Action::Resume => Some(json!({"resume": true})),
        Action::Reset => Some(json!({"reset": true})),
    }
}

fn line(answer: &Value) -> String {
    let now = answer["now"].as_str().unwrap_or_default();
    let distance = match answer["offsetSeconds"].as_f64() {
        Some(offset) if offset > 0.0 => format!("  {offset} s ahead of this machine"),
        Some(offset) if offset < 0.0 => format!("  {} s behind this machine", -offset),
        _ => String::new(),
    };
    let frozen = if answer["frozen"] == true { "  frozen" } else { "" };
    format!("{now}{distance}{frozen}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_tells_how_far_it_is_from_this_machines() {
        assert_eq!(line(&json!({"now": "T", "frozen": false, "offsetSeconds": 0})), "T");
        assert_eq!(
            line(&json!({"now": "T", "frozen": true, "offsetSeconds": -90})),
            "T  90 s behind this machine  frozen"
        );
        assert_eq!(line(&json!({"now": "T", "offsetSeconds": 3600})), "T  3600 s ahead of this machine");
    }
}
