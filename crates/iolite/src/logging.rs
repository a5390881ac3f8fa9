//! The log: on standard error, as lines or as JSON.
//!
//! Used by the commands that run an emulator. Whatever else they say on standard error goes through it, so that a log in
//! JSON has nothing but JSON.

use std::io;
use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::options::{LogFormat, RunOptions};
use crate::{console, failure};

/// What a person at the console is told goes into a log of JSON whatever else is left out.
const TOLD: &str = "iolite::told";

/// How much is logged where `-v` is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// What a person at the console wants to know.
    No,
    /// Failures only: another command's output has the console.
    Yes,
}

/// A log that was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    format: LogFormat,
}

impl Log {
    /// Starts the log. A second call in one process changes nothing.
    pub(crate) fn start(options: &RunOptions, quiet: Quiet) -> Self {
        let filter = EnvFilter::new(directives(options.verbose, quiet));
        let builder =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(options.verbose > 0);
        // An error says that a log is already there, which is then the one to use.
        let _ = match options.log_format {
            LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
            LogFormat::Json => {
                panic::set_hook(Box::new(enter));
                builder.json().try_init()
            }
        };
        Self { format: options.log_format }
    }

    /// Tells the person at the console something.
    pub(crate) fn tell(self, text: &str) {
        match self.format {
            LogFormat::Text => console::complain(&format!("iolite: {text}")),
            LogFormat::Json => tracing::info!(target: TOLD, "{text}"),
        }
    }

    /// Sees to a failure that ends the process, unless it is told in plain words, as every other command's is.
    pub(crate) fn end(self, outcome: Result<ExitCode>) -> Result<ExitCode> {
        match (self.format, outcome) {
            (LogFormat::Json, Err(error)) => {
                Ok(failure::report_by(&error, |text| tracing::error!(target: TOLD, "{text}")))
            }
            (_, outcome) => outcome,
        }
    }
}

/// Enters a panic into the log.
fn enter(panic: &PanicHookInfo<'_>) {
    tracing::error!(target: TOLD, "{panic}");
}

/// Ours at the wanted level, others' only when something is wrong.
fn directives(verbose: u8, quiet: Quiet) -> String {
    let level = match (verbose, quiet) {
        (0, Quiet::Yes) => return format!("error,{TOLD}=info"),
        (0, Quiet::No) => "info",
        // Every request, with its answer.
        (1, _) => "debug",
        _ => "trace",
    };
    format!("warn,iolite={level}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_v_says_more_and_exec_starts_quieter() {
        assert_eq!(directives(0, Quiet::Yes), "error,iolite::told=info");
        assert_eq!(directives(1, Quiet::Yes), "warn,iolite=debug");
        assert_eq!(directives(0, Quiet::No), "warn,iolite=info");
        assert_eq!(directives(1, Quiet::No), "warn,iolite=debug");
        assert_eq!(directives(7, Quiet::No), "warn,iolite=trace");
    }

    /// What `says` enters into a log of JSON.
    fn entry(says: impl FnOnce()) -> Value {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let filter = EnvFilter::new(directives(0, Quiet::Yes));
        let writer = Kept(kept.clone());
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).json().finish();
        tracing::subscriber::with_default(log, says);
        let kept = kept.lock().unwrap();
        serde_json::from_slice(&kept).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&kept)))
    }

    #[derive(Clone)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_told_is_an_entry_even_where_the_log_is_quiet() {
        let told = entry(|| Log { format: LogFormat::Json }.tell("port 443 is not ours"));
        assert_eq!(told["fields"]["message"], "port 443 is not ours");
    }

    #[test]
    fn a_failure_and_a_panic_are_entries_of_a_log_in_json() {
        let failed = entry(|| {
            let outcome = Log { format: LogFormat::Json }.end(Err(anyhow::anyhow!("no\nworld")));
            assert!(outcome.is_ok(), "it is told already");
        });
        assert_eq!((&failed["fields"]["message"], &failed["level"]), (&"no\nworld".into(), &"ERROR".into()));
        assert!(Log { format: LogFormat::Text }.end(Err(anyhow::anyhow!("no world"))).is_err(), "main tells it");

        let before = panic::take_hook();
        let panicked = entry(|| {
            panic::set_hook(Box::new(enter));
            panic::catch_unwind(|| panic!("a bug")).unwrap_err();
        });
        panic::set_hook(before);
        assert!(panicked["fields"]["message"].as_str().unwrap().ends_with("a bug"), "{panicked}");
    }
}
