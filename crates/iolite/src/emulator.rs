//! Starting the emulator inside this process, with its failures turned into the command's own.

use iolite_server::{Emulator, Settings};

use crate::failure::Failure;

/// Starts an emulator. The error says what is wrong, where, and what to do, and carries the exit status that fits: 2 for
/// a bad world file or a port in use.
pub(crate) async fn start(settings: Settings) -> Result<Emulator, Failure> {
    Emulator::start(settings).await.map_err(|error| Failure { code: error.exit_code(), text: error.to_string() })
}
