//! The world at a start: a store that is new gets the file's, any other goes on with its own.
//!
//! Called by the emulator before anything listens. It never changes a world that is there.

use std::path::Path;

use super::{Seeder, WorldMark};
use crate::settings::{Settings, StartError};

/// Sees to it that the store in `folder`, of which `mark` tells where it is not new, holds a world whose keys may be served
/// where the settings want to listen. Returns what the user should know of a world that goes on.
pub(crate) async fn settle(
    seeder: &Seeder,
    settings: &Settings,
    folder: &Path,
    mark: Option<&WorldMark>,
) -> Result<Vec<String>, StartError> {
    let Some(mark) = mark else {
        let world = seeder.make().await.map_err(|error| StartError::Internal(error.to_string()))?;
        seeder
            .reach
            .check(&world.public_keys, "start with --generate-keys for fresh ones, give your own in a world file")?;
        seeder.put(world).await.map_err(|error| StartError::Internal(error.to_string()))?;
        return Ok(Vec::new());
    };
    let (keys, folder) = (mark.public_keys(), folder.display());
    let remedy = format!(
        "{folder} holds a world that was made with them, and it goes on: start it once on loopback with --generate-keys and \
         say `iolite reset`, which starts the world afresh; or choose an empty --data-dir"
    );
    seeder.reach.check(keys, &remedy)?;
    let is_other = mark.name != seeder.file.name;
    let other = is_other.then(|| {
        format!(
            "the data directory holds the world \"{}\", which goes on; `iolite reset` and a restart start \"{}\" afresh",
            mark.name, seeder.file.name
        )
    });
    let is_in_vain = settings.generate_keys && !keys.is_empty();
    let in_vain = is_in_vain.then(|| {
        format!(
            "--generate-keys made no keys: {folder} holds a world with keys that are public knowledge, which goes on; \
             `iolite reset` starts it afresh with keys of its own, and so does an empty --data-dir"
        )
    });
    Ok(other.into_iter().chain(in_vain).collect())
}
