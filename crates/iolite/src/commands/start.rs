//! `iolite start`: runs every service in the foreground until it is told to stop.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::global::Global;
use crate::logging::{Log, Quiet};
use crate::options::{PortChoice, RunOptions};
use crate::signals::Signals;
use crate::{banner, console, emulator};

const EXAMPLES: &str = "\
Examples:
  iolite start                                   the built-in world `contoso`, kept in memory
  iolite start --world factory.toml --data-dir ./state
  iolite start --ports auto --ready-file run/iolite.json --format json
  iolite start --bind 0.0.0.0 --generate-keys    for other machines to reach, with keys nobody knows

Ctrl-C or SIGTERM lets running requests finish and ends with 0; a second one ends at once.";

/// Run every service in the foreground.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Start {
    #[command(flatten)]
    options: RunOptions,
}

impl Start {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let log = Log::start(&self.options, Quiet::No);
        log.end(self.serve(global, log).await)
    }

    async fn serve(&self, global: &Global, log: Log) -> Result<ExitCode> {
        let mut signals = Signals::catch().context("signals cannot be caught")?;
        let settings = self.options.settings(PortChoice::Standard)?;
        let running = tokio::select! {
            running = emulator::start(settings) => running?,
            stop = signals.next() => return Ok(ExitCode::from(stop.status())),
        };
        if global.is_json() {
            console::say(&running.ready().to_string())?;
            running.notices().iter().for_each(|notice| log.tell(notice));
        } else {
            console::say_lines(banner::lines(running.ready(), running.ready_path(), running.notices()))?;
        }
        signals.next().await;
        log.tell("stopping; once more to stop at once");
        tokio::select! {
            // In this order: the ready file goes first, and whoever sends two signals at once is no reason to leave it.
            biased;
            () = running.shutdown() => Ok(ExitCode::SUCCESS),
            stop = signals.next() => Ok(ExitCode::from(stop.status())),
        }
    }
}
