//! Whether a database that is empty or missing never was there, or was lost.
//!
//! Used by the SQLite engine before it opens the database, which would make a new one in its place and drop its log.

use std::fs;
use std::path::Path;

use crate::OpenError;
use crate::directory::{Directory, refused};

/// What a first start that was killed may leave besides an empty database. Before the database has its first page, neither
/// the write-ahead file holds anything nor does anybody else make files in the directory.
const OF_A_FIRST_START: [&str; 4] = ["state.sqlite", "state.lock", "state.sqlite-journal", "state.sqlite-shm"];

/// The write-ahead file and the folder of the streams: there is none of them without a database.
const NEVER_ALONE: [&str; 2] = ["state.sqlite-wal", "streams"];

/// Refuses the database called `name` as damaged if it holds nothing and other files tell that it did.
pub(super) fn refuse_emptied(directory: &Directory, name: &str) -> Result<(), OpenError> {
    let path = directory.path();
    let file = path.join(name);
    let length = fs::metadata(&file).ok().map(|found| found.len());
    let what = match length {
        None => "it is missing",
        Some(0) => "it is empty",
        Some(_) => return Ok(()),
    };
    let is_there = |name: &str| name != NEVER_ALONE[0] || fs::metadata(path.join(name)).is_ok_and(|log| log.len() > 0);
    let tells = |name: &str| match length {
        None => NEVER_ALONE.contains(&name),
        Some(_) => !OF_A_FIRST_START.contains(&name),
    };
    let witness = names(path)?.into_iter().find(|name| tells(name) && is_there(name));
    let Some(witness) = witness else { return Ok(()) };
    let what = format!("{what}, and {witness} beside it tells that there was more");
    Err(OpenError::Corrupt { file, position: "byte 0".to_owned(), what })
}

/// The names in a directory, in order.
fn names(path: &Path) -> Result<Vec<String>, OpenError> {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|cause| refused(path, cause))?;
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}
