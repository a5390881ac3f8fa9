//! Whole-world copies: in the data directory where there is one, else in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iolite_store::Snapshot;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Control, Refused};

/// Longer names are refused.
const LONGEST_NAME: usize = 64;
/// More copies than this are refused.
const MOST_COPIES: usize = 64;

/// Where copies are kept.
pub(crate) struct Snapshots {
    folder: Option<PathBuf>,
    memory: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Snapshots {
    pub(crate) fn new(data_dir: Option<&Path>) -> Self {
        Self { folder: data_dir.map(|folder| folder.join("snapshots")), memory: Mutex::default() }
    }

    fn names(&self) -> Vec<String> {
        let Some(folder) = &self.folder else { return self.memory.lock().keys().cloned().collect() };
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".snapshot").map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    fn save(&self, name: &str, bytes: Vec<u8>) -> std::io::Result<()> {
        let Some(folder) = &self.folder else {
            self.memory.lock().insert(name.to_owned(), bytes);
            return Ok(());
        };
        std::fs::create_dir_all(folder)?;
        let temporary = folder.join(format!("{name}.new"));
        crate::issuer_key::write_private(&temporary, &bytes)?;
        std::fs::rename(temporary, folder.join(format!("{name}.snapshot")))
    }

    fn load(&self, name: &str) -> Option<Vec<u8>> {
        match &self.folder {
            Some(folder) => std::fs::read(folder.join(format!("{name}.snapshot"))).ok(),
            None => self.memory.lock().get(name).cloned(),
        }
    }
}

pub(super) fn list(control: &Control) -> Value {
    json!({"value": control.snapshots.names()})
}

pub(super) fn save(control: &Control, name: &str) -> Result<Value, Refused> {
    let well_formed = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !well_formed {
        return Err(Refused::bad_request("a snapshot's name is 1 to 64 letters, digits, hyphens and underscores"));
    }
    let known = control.snapshots.names();
    if known.len() >= MOST_COPIES && !known.iter().any(|other| other == name) {
        return Err(Refused::bad_request(format!("there are {MOST_COPIES} snapshots already")));
    }
    let bytes = control.house.estate.store.export().to_bytes();
    control
        .snapshots
        .save(name, bytes)
        .map_err(|error| Refused::failed(format!("the snapshot cannot be kept: {error}")))?;
    Ok(Value::Null)
}

pub(super) async fn restore(control: &Control, name: &str) -> Result<Value, Refused> {
    let bytes =
        control.snapshots.load(name).ok_or_else(|| Refused::not_found(format!("there is no snapshot `{name}`")))?;
    let snapshot = Snapshot::from_bytes(&bytes)
        .map_err(|error| Refused::failed(format!("the snapshot cannot be read: {error}")))?;
    let store = &control.house.estate.store;
    store.import(snapshot, |_| true).await.map_err(|error| Refused::failed(error.to_string()))?;
    control.house.entra.forget_sessions();
    control.house.origins.open_all();
    Ok(Value::Null)
}
