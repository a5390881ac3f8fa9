//! How a command fails: what is said, and with which status the process ends.
//!
//! Every command returns its failures as [`anyhow::Error`]; where the status is not 1, the error is a [`Failure`].

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::console;

/// The status of a command that was asked wrongly: bad flags, a bad world file, a port in use.
pub(crate) const USAGE: u8 = 2;
/// The status of a command that was asked rightly and did not succeed.
pub(crate) const FAILED: u8 = 1;

/// A failure that carries its exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The status the process ends with.
    pub(crate) code: u8,
    /// What went wrong, where, and what to do, for a person.
    pub(crate) text: String,
}

impl Failure {
    /// The command was asked wrongly.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { code: USAGE, text: text.into() }
    }

    /// Something that is known and not built: refused by name.
    pub(crate) fn not_built(what: &str, why: &str) -> Self {
        Self { code: FAILED, text: format!("{what} is not built yet: {why}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// Says what went wrong on standard error and gives the status to end with. A reader that closed its end of our
/// standard output (`iolite roles | head`) is no failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    report_by(error, |text| console::complain(&format!("iolite: {text}")))
}

/// The same where it is said otherwise.
pub(crate) fn report_by(error: &anyhow::Error, say: impl FnOnce(&str)) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    say(&format!("{error:#}"));
    ExitCode::from(code(error))
}

fn code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failure>().map_or(FAILED, |failure| failure.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_failure_ends_with_two_and_any_other_with_one() {
        assert_eq!(code(&Failure::usage("no such port").into()), 2);
        assert_eq!(code(&anyhow::anyhow!("the emulator said no")), 1);
    }

    #[test]
    fn context_keeps_the_status() {
        let error = anyhow::Error::new(Failure::usage("bad world")).context("cannot start");
        assert_eq!(code(&error), 2);
    }
}
