//! The log: on standard error, as lines or as JSON.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::options::{LogFormat, RunOptions};

/// How much is logged where `-v` is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// What a person at the console wants to know.
    No,
    /// Failures only: another command's output has the console.
    Yes,
}

/// Starts the log. A second call in one process changes nothing.
pub(crate) fn start(options: &RunOptions, quiet: Quiet) {
    let filter = EnvFilter::new(directives(options.verbose, quiet));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(options.verbose > 0);
    // An error says that a log is already there, which is then the one to use.
    let _ = match options.log_format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// Ours at the wanted level, others' only when something is wrong.
fn directives(verbose: u8, quiet: Quiet) -> String {
    let level = match (verbose, quiet) {
        (0, Quiet::Yes) => return "error".to_owned(),
        (0, Quiet::No) | (1, Quiet::Yes) => "info",
        (1, Quiet::No) => "debug",
        _ => "trace",
    };
    format!("warn,iolite={level}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_v_says_more_and_exec_starts_quieter() {
        assert_eq!(directives(0, Quiet::Yes), "error");
        assert_eq!(directives(1, Quiet::Yes), "warn,iolite=info");
        assert_eq!(directives(0, Quiet::No), "warn,iolite=info");
        assert_eq!(directives(1, Quiet::No), "warn,iolite=debug");
        assert_eq!(directives(7, Quiet::No), "warn,iolite=trace");
    }
}
