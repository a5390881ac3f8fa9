//! `iolite demo`: the main job, told with real HTTPS requests to an emulator of its own.
//!
//! Each act is one file. An act says what it is about to show, sends requests as any client would, and stops the demo
//! where an answer is not the one it told of.

mod back_on;
mod call;
mod cast;
mod first_device;
mod https;
mod identity_link;
mod owner;
mod provisioning;
mod rehearsal;
mod stage;
mod switch;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use iolite_server::{Emulator, Ports, Settings};

use crate::signals::Signals;
use crate::{console, emulator};
use stage::Stage;

const EXAMPLES: &str = "\
Example:
  iolite demo                                about a second; nothing is kept, no port is fixed

Status: 0 where every answer was the one that was told, else 1.";

/// Tell the main job with real requests: SAS and Entra, the Owner who is refused, provisioning, and SAS turned off.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let mut signals = Signals::catch().context("signals cannot be caught")?;
        let folder =
            tempfile::Builder::new().prefix("iolite-demo-").tempdir().context("no temporary folder can be made")?;
        let running = emulator::start(settings(folder.path())).await?;
        let outcome = tokio::select! {
            outcome = perform(&running) => outcome.map(|()| ExitCode::SUCCESS),
            stop = signals.next() => Ok(ExitCode::from(stop.status())),
        };
        running.shutdown().await;
        outcome
    }
}

/// The built-in world in memory, on free ports, with everything it writes in one temporary folder.
fn settings(folder: &Path) -> Settings {
    Settings {
        world: None,
        data_dir: None,
        state_dir: folder.to_owned(),
        ports: Ports::Auto,
        bind: None,
        ready_file: Some(folder.join("ready.json")),
        allow_well_known_keys: false,
        generate_keys: false,
    }
}

async fn perform(running: &Emulator) -> Result<()> {
    let mut stage = Stage::new(running.ready().clone())?;
    let origin = stage.text(&["arm", "endpoint"]);
    console::say(&format!(
        "Iolite, told by itself. An emulator was started for this at {origin}; every status below is a real answer."
    ))?;
    first_device::play(&mut stage).await.context("act 1")?;
    owner::play(&mut stage).await.context("act 2")?;
    provisioning::play(&mut stage).await.context("act 3")?;
    rehearsal::play(&mut stage).await.context("act 4")?;
    let key = switch::play(&mut stage).await.context("act 5")?;
    identity_link::play(&mut stage, &key).await.context("act 6")?;
    back_on::play(&mut stage).await.context("act 7")?;
    console::say(&format!("\nAll {} answers were as told. Your own turn: `iolite start`.", stage.answers()))?;
    Ok(())
}
