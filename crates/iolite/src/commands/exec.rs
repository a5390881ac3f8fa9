//! `iolite exec -- CMD …`: an emulator for as long as one command runs.

use std::ffi::OsString;
use std::io;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};
use clap::Args;
use iolite_server::{Emulator, Ports};
use tokio::process::{Child, Command};

use super::env::of_others;
use crate::emulator;
use crate::failure::Failure;
use crate::logging::{Log, Quiet};
use crate::options::{PortChoice, RunOptions};
use crate::signals::{Signals, Stop};

const EXAMPLES: &str = "\
Examples:
  iolite exec -- pytest tests/                   free ports, a fresh world, gone afterwards
  iolite exec --as reader-app -- node app.js     AZURE_CLIENT_ID and _SECRET of another principal
  iolite exec -- sh -c 'curl --cacert \"$NODE_EXTRA_CA_CERTS\" \"$AZURE_DIGITALTWINS_URL/models\"'
  iolite exec --ports standard -- npm test       for clients that know no port but 443

The command gets the variables that `iolite env` prints. The status is its own; 128 and the number
of the signal that ended it, 127 where it is not found, 126 where it cannot be run.";

/// Run a command with an emulator of its own.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Exec {
    #[command(flatten)]
    options: RunOptions,

    /// The principal whose credentials the command gets [default: owner-app, or the
    /// first application with a secret in a world that has no such principal].
    #[arg(long = "as", value_name = "PRINCIPAL", env = "IOLITE_AS")]
    principal: Option<String>,

    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

impl Exec {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let log = Log::start(&self.options, Quiet::Yes);
        log.end(self.serve(log).await)
    }

    async fn serve(&self, log: Log) -> Result<ExitCode> {
        let mut signals = Signals::catch().context("signals cannot be caught")?;
        let folder = tempfile::Builder::new().prefix("iolite-").tempdir().context("no temporary folder can be made")?;
        let mut settings = self.options.settings(PortChoice::Auto)?;
        // Who asks for the documented ports has a client that knows no other, and must know which are not to be had.
        let wants_well_known_ports = settings.ports == Ports::Standard;
        // What recovery cut off from a torn file must be told.
        let keeps_state = settings.data_dir.is_some();
        settings.ready_file.get_or_insert_with(|| folder.path().join("ready.json"));
        let running = tokio::select! {
            running = emulator::start(settings) => running?,
            stop = signals.next() => return Ok(ExitCode::from(stop.status())),
        };
        if self.options.verbose > 0 || wants_well_known_ports || keeps_state {
            running.notices().iter().for_each(|notice| log.tell(notice));
        }
        let outcome = self.run_child(&running, &mut signals).await;
        tokio::select! {
            // In this order: the ready file goes first.
            biased;
            () = running.shutdown() => outcome,
            // The command is over: there is nothing left to wait for but our own connections.
            _ = signals.next() => outcome,
        }
    }

    async fn run_child(&self, running: &Emulator, signals: &mut Signals) -> Result<ExitCode> {
        let variables =
            iolite_server::environment(running.ready(), self.principal.as_deref()).map_err(Failure::usage)?;
        let (program, arguments) = self.command.split_first().context("no command is given")?;
        let mut command = Command::new(program);
        // What was there of another principal, a developer's own in Azure perhaps, would take precedence.
        for name in of_others(&variables) {
            command.env_remove(name);
        }
        let spawned = command.args(arguments).envs(variables).env("IOLITE_READY", running.ready_path()).spawn();
        let mut child = spawned.map_err(|error| not_run(program.to_string_lossy().as_ref(), &error))?;
        loop {
            tokio::select! {
                ended = child.wait() => return Ok(ExitCode::from(status_of(ended?))),
                stop = signals.next() => pass_on(&child, stop),
            }
        }
    }
}

/// A command that did not start, with the status that shells give it.
fn not_run(program: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure { code: 127, text: format!("`{program}` is not found") },
        _ => Failure { code: 126, text: format!("`{program}` cannot be run: {error}") },
    }
}

/// The command's own status as ours.
fn status_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128));
    }
    // Windows has statuses above 255; they must not turn into success by losing their upper bits.
    status.code().map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}

/// Hands a signal to the command. A terminal's Ctrl-C has reached it already: the terminal sends it to every process in
/// the foreground, and twice would mean "at once" to many.
#[cfg(unix)]
fn pass_on(child: &Child, stop: Stop) {
    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use rustix::termios::tcgetpgrp;

    let is_from_terminal = || tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp());
    let signal = match stop {
        Stop::Interrupt if is_from_terminal() => return,
        Stop::Interrupt => Signal::INT,
        Stop::Terminate => Signal::TERM,
        Stop::HangUp => Signal::HUP,
    };
    let process = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(process) = process {
        // The command may have ended a moment ago; then there is nobody to tell.
        let _ = kill_process(process, signal);
    }
}

/// Windows sends Ctrl-C to every process of the console by itself.
#[cfg(windows)]
fn pass_on(_child: &Child, _stop: Stop) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn ended(script: &str) -> u8 {
        status_of(Command::new("sh").args(["-c", script]).status().await.expect("sh runs"))
    }

    #[tokio::test]
    async fn the_commands_own_status_is_ours() {
        assert_eq!(ended("exit 0").await, 0);
        assert_eq!(ended("exit 42").await, 42);
    }

    #[tokio::test]
    async fn a_command_ended_by_a_signal_counts_as_shells_count() {
        assert_eq!(ended("kill -TERM $$").await, 143);
    }

    #[tokio::test]
    async fn a_signal_is_passed_on_to_the_command() {
        // The shell says that it is ready to be told before it waits.
        let mut child = Command::new("sh")
            .args(["-c", "trap 'exit 7' TERM; echo ready; while :; do read line; done"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 6];
        tokio::io::AsyncReadExt::read_exact(child.stdout.as_mut().unwrap(), &mut line).await.unwrap();
        pass_on(&child, Stop::Terminate);
        drop(child.stdin.take());
        assert_eq!(status_of(child.wait().await.unwrap()), 7);
    }

    #[test]
    fn a_command_that_is_not_there_and_one_that_may_not_run_have_their_own_statuses() {
        assert_eq!(not_run("nope", &io::ErrorKind::NotFound.into()).code, 127);
        assert_eq!(not_run("/etc/passwd", &io::ErrorKind::PermissionDenied.into()).code, 126);
    }
}
