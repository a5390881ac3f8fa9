//! Whole-world copies: in the data directory where there is one, else in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iolite_store::Snapshot;
use iolite_store::streams::StreamsSnapshot;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Control, Refused};
use crate::world::WorldMark;

/// Longer names are refused.
const LONGEST_NAME: usize = 64;
/// More copies than this are refused.
const MOST_COPIES: usize = 64;
/// So many bytes of the newest events go into a copy.
const MOST_EVENT_BYTES: u64 = 64 << 20;
/// How many bytes say where the records end and the events begin.
const LENGTH_BYTES: usize = 8;

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

pub(super) async fn save(control: &Control, name: &str) -> Result<Value, Refused> {
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
    let streams = control.house.streams.export(MOST_EVENT_BYTES).await;
    let streams = streams.map_err(|error| Refused::failed(error.to_string()))?.to_bytes();
    let bytes = joined(&control.house.estate.store.export().to_bytes(), &streams);
    control
        .snapshots
        .save(name, bytes)
        .map_err(|error| Refused::failed(format!("the snapshot cannot be kept: {error}")))?;
    Ok(Value::Null)
}

pub(super) async fn restore(control: &Control, name: &str) -> Result<Value, Refused> {
    let bytes =
        control.snapshots.load(name).ok_or_else(|| Refused::not_found(format!("there is no snapshot `{name}`")))?;
    let unreadable = |error: &dyn std::fmt::Display| Refused::failed(format!("the snapshot cannot be read: {error}"));
    let (records, events) = parted(&bytes).ok_or_else(|| unreadable(&"it is too short"))?;
    let snapshot = Snapshot::from_bytes(records).map_err(|error| unreadable(&error))?;
    let events = StreamsSnapshot::from_bytes(events).map_err(|error| unreadable(&error))?;
    let mark: Option<WorldMark> = snapshot.record(WorldMark::KEY);
    let keys = mark.as_ref().map(WorldMark::public_keys).unwrap_or_default();
    let allowed = control.seeder.reach.check(keys, "put it back while listening on loopback only");
    allowed.map_err(|error| Refused::forbidden(format!("the snapshot `{name}` is not put back: {error}")))?;
    let store = &control.house.estate.store;
    store.import(snapshot, |_| true).await.map_err(|error| Refused::failed(error.to_string()))?;
    control.house.streams.import(events).await.map_err(|error| Refused::failed(error.to_string()))?;
    control.house.hub.start_outboxes_over().await;
    control.house.entra.forget_sessions();
    control.house.origins.open_all();
    super::world::tell(control);
    Ok(Value::Null)
}

/// Records and events in one copy.
fn joined(records: &[u8], events: &[u8]) -> Vec<u8> {
    let length = u64::try_from(records.len()).unwrap_or(u64::MAX).to_le_bytes();
    [&length, records, events].concat()
}

/// The records and the events of a copy.
fn parted(copy: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = copy.split_first_chunk::<LENGTH_BYTES>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_parted_where_it_was_joined() {
        assert_eq!(parted(&joined(b"records", b"events")), Some((&b"records"[..], &b"events"[..])));
        assert_eq!(parted(&joined(b"records", b"events")[..12]), None);
        assert_eq!(parted(b"short"), None);
    }
}
