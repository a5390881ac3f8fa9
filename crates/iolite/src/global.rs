//! The flags that every command takes: how to answer, and where a running emulator is.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// How results are printed.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "text|json",
        hide_possible_values = true,
        default_value = "text",
        env = "IOLITE_FORMAT",
        display_order = 900
    )]
    pub(crate) format: Format,

    /// The ready file of the emulator to talk to.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        // The parser of paths refuses an empty text, and an empty variable counts as none.
        value_parser = OsStringValueParser::new().map(PathBuf::from),
        env = "IOLITE_READY",
        display_order = 901
    )]
    pub(crate) ready: Option<PathBuf>,

    /// The control API of the emulator to talk to, where there is no ready file
    /// [default: http://localhost:8080/iolite/v1].
    #[arg(long, global = true, value_name = "URL", env = "IOLITE_CONTROL", display_order = 902)]
    pub(crate) control: Option<String>,
}

impl Global {
    /// Whether results are printed as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    Text,
    /// JSON for programs.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    /// `IOLITE_READY=` reaches the parser as an empty text.
    #[test]
    fn an_empty_ready_file_is_taken_for_none() {
        assert!(Cli::try_parse_from(["iolite", "--ready", "", "roles"]).is_ok());
    }
}
