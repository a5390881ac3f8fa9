//! What an emulator is started with, and what can stop it from starting.

use std::net::IpAddr;
use std::path::PathBuf;

use iolite_store::OpenError;

use crate::ports::{PortError, Ports};
use crate::world::WorldError;

/// How to start. Every field has its flag and its environment variable on the command line.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The world file; the built-in world where there is none.
    pub world: Option<PathBuf>,
    /// Where state is kept; in memory where there is none.
    pub data_dir: Option<PathBuf>,
    /// Where the certificate authority is kept where there is no `data_dir`.
    pub state_dir: PathBuf,
    /// How ports are chosen.
    pub ports: Ports,
    /// The address to listen on besides both loopback addresses (one of those, or one that stands for all, is the only one).
    pub bind: Option<IpAddr>,
    /// Where the ready file is written; in the state directory where there is none.
    pub ready_file: Option<PathBuf>,
    /// Whether keys that everybody knows may be served beyond loopback.
    pub allow_well_known_keys: bool,
    /// Whether fresh keys and secrets are made.
    pub generate_keys: bool,
}

/// Why an emulator did not start: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The world file is not sound.
    #[error("{0}")]
    World(#[from] WorldError),
    /// A port is taken.
    #[error("{0}")]
    Port(#[from] PortError),
    /// The data directory cannot be used.
    #[error("{0}")]
    Store(#[from] OpenError),
    /// The ready file cannot be written, or cannot tell a path.
    #[error("{path} cannot be used: {why}\n  {remedy}")]
    Path {
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Well-known keys would be served beyond loopback.
    #[error("{0}")]
    WellKnownKeys(#[from] WellKnownKeys),
    /// Certificates cannot be made or read.
    #[error("{0}")]
    Certificates(String),
    /// Something that should not happen.
    #[error("the emulator could not start: {0}")]
    Internal(String),
}

/// Keys that everybody knows would be served beyond loopback.
#[derive(Debug, thiserror::Error)]
#[error(
    "{address} is not a loopback address, and these keys are public knowledge:\n    {}\n  {remedy}, or say \
     --allow-well-known-keys if only trusted machines can reach it",
    .keys.join("\n    ")
)]
pub struct WellKnownKeys {
    /// The address that is listened on.
    pub address: IpAddr,
    /// A line for each resource, and one for the principals.
    pub keys: Vec<String>,
    /// What to do, besides to consent.
    pub remedy: String,
}

impl StartError {
    /// The command's exit status: 2 where a flag or file of the user is at fault, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::World(_) | Self::Port(_) | Self::Path { .. } | Self::WellKnownKeys(_) => 2,
            Self::Store(_) | Self::Certificates(_) | Self::Internal(_) => 1,
        }
    }
}
