//! The flags that `start` and `exec` share: which world to run, where to keep it, and where to listen.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};
use iolite_server::{Ports, Settings};

use crate::failure::Failure;
use crate::surroundings;
use crate::variables::verbosity;

/// How an emulator is run.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunOptions {
    /// The world to run, in TOML; without it, the built-in world `contoso`.
    #[arg(long, value_name = "FILE", env = "IOLITE_WORLD")]
    world: Option<PathBuf>,

    /// Keep state on disk here; without it, state lives in memory and ends with the process.
    #[arg(long, value_name = "DIR", env = "IOLITE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// Where the certificate authority is kept between runs without --data-dir; by default the user's state directory.
    #[arg(long, value_name = "DIR", env = "IOLITE_STATE_DIR")]
    state_dir: Option<PathBuf>,

    /// Which ports to listen on [default: standard for `start`, auto for `exec`].
    #[arg(long, value_enum, env = "IOLITE_PORTS")]
    ports: Option<PortChoice>,

    /// Listen on this address too, besides 127.0.0.1 and ::1; 0.0.0.0 is every address.
    #[arg(long, value_name = "ADDR", env = "IOLITE_BIND")]
    bind: Option<IpAddr>,

    /// Where to write the ready file: endpoints, keys and principals as JSON, there once everything listens.
    #[arg(long, value_name = "FILE", env = "IOLITE_READY_FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    /// Make fresh keys instead of the built-in world's, which are public knowledge.
    #[arg(long, env = "IOLITE_GENERATE_KEYS", value_parser = FalseyValueParser::new())]
    generate_keys: bool,

    /// Let the built-in, publicly known keys be used on an address that is not loopback.
    #[arg(long, env = "IOLITE_ALLOW_WELL_KNOWN_KEYS", value_parser = FalseyValueParser::new())]
    allow_well_known_keys: bool,

    /// How the log on standard error is written.
    #[arg(
        long,
        value_enum,
        value_name = "text|json",
        hide_possible_values = true,
        default_value = "text",
        env = "IOLITE_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,

    /// Log every request with its status and decision; twice for everything.
    #[arg(short, long, action = ArgAction::Count, env = "IOLITE_VERBOSE", value_parser = verbosity)]
    pub(crate) verbose: u8,
}

/// Which ports to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PortChoice {
    /// 8443, 443, 8883, 5671, 5672 and 8080, the ones that SDKs know.
    Standard,
    /// The same without 443.
    High,
    /// Free ports, told by the ready file; many emulators run side by side.
    Auto,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl RunOptions {
    /// The server's settings; `ports` holds where no flag or variable says otherwise.
    pub(crate) fn settings(&self, ports: PortChoice) -> Result<Settings, Failure> {
        // In a data directory everything is kept: no other place is looked for then.
        let state_dir = match self.state_dir.as_ref().or(self.data_dir.as_ref()) {
            Some(folder) => folder.clone(),
            None => surroundings::state_dir()?,
        };
        Ok(Settings {
            world: self.world.clone(),
            data_dir: self.data_dir.clone(),
            state_dir,
            ports: self.ports.unwrap_or(ports).into(),
            bind: self.bind,
            ready_file: self.ready_file.clone(),
            allow_well_known_keys: self.allow_well_known_keys,
            generate_keys: self.generate_keys,
        })
    }
}

impl From<PortChoice> for Ports {
    fn from(choice: PortChoice) -> Self {
        match choice {
            PortChoice::Standard => Self::Standard,
            PortChoice::High => Self::High,
            PortChoice::Auto => Self::Auto,
        }
    }
}
