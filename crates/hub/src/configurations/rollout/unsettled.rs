//! What the roll-out still has to look at.
//!
//! Used by the runner alone. A hub that is looked at as a whole needs no devices of its own on the list, so the list stays
//! short however many twins change.

use std::collections::{BTreeMap, BTreeSet};

use iolite_store::{Change, Record, Table};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

use crate::{Configuration, Hub, ids};

/// How many devices of a hub are listed before the whole hub is looked at instead.
const MOST_LISTED: usize = 10_000;
/// How many hubs are looked up at once.
const PIECE: usize = 512;

/// Something to be looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// One device with its modules.
    Device(String),
    /// The devices of a hub after a key, or from the beginning.
    Hub(String, Option<String>),
}

/// What is still to be looked at.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    everything: bool,
    hubs: BTreeMap<String, Option<String>>,
    devices: BTreeSet<String>,
}

impl Unsettled {
    /// Everything: nothing is known of what happened before the process began.
    pub(super) fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Notes all changes that are known already.
    pub(super) fn note_all(&mut self, hub: &Hub, changes: &mut Receiver<Change>) {
        loop {
            match changes.try_recv() {
                Ok(change) if !matters(&hub.configurations, &change) => {}
                Ok(change) => self.note(&change),
                Err(TryRecvError::Lagged(_)) => self.everything = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Waits for a change.
    pub(super) async fn wait(&mut self, hub: &Hub, changes: &mut Receiver<Change>) {
        match changes.recv().await {
            Ok(change) if !matters(&hub.configurations, &change) => {}
            Ok(change) => self.note(&change),
            Err(RecvError::Lagged(_)) => self.everything = true,
            // The store is closed: nothing will change any more.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    fn note(&mut self, change: &Change) {
        match (&*change.collection, change.key.as_deref()) {
            ("hub.configurations", Some(key)) => {
                self.hubs.insert(ids::hub_of(key).to_owned(), None);
            }
            ("hub.devices" | "hub.modules" | "hub.twins", Some(key)) => {
                self.devices.insert(ids::device_key(ids::hub_of(key), ids::device_of(key)));
                if self.devices.len() > MOST_LISTED {
                    let hubs = std::mem::take(&mut self.devices);
                    self.hubs.extend(hubs.iter().map(|key| (ids::hub_of(key).to_owned(), None)));
                }
            }
            ("hub.configurations" | "hub.devices" | "hub.modules" | "hub.twins", None) => self.everything = true,
            _ => {}
        }
    }

    /// What to look at next.
    pub(super) fn next(&mut self, hub: &Hub) -> Option<Work> {
        if std::mem::take(&mut self.everything) {
            self.hubs.extend(configured_hubs(hub).into_iter().map(|key| (key, None)));
            self.devices.clear();
        }
        if let Some(device) = self.devices.pop_first() {
            return Some(Work::Device(device));
        }
        self.hubs.pop_first().map(|(hub, after)| Work::Hub(hub, after))
    }

    /// Looks at the hub `key` after `after` later; if it is to be looked at from its beginning by now, then from there.
    pub(super) fn go_on(&mut self, key: String, after: String) {
        self.hubs.entry(key).or_insert(Some(after));
    }
}

/// Whether anything may have to be rolled out because of a change. Nothing has while there is no configuration; one that
/// comes later has its whole hub looked at.
pub(super) fn matters(configurations: &Table<Configuration>, change: &Change) -> bool {
    change.key.is_none() || *change.collection == *Configuration::COLLECTION || configurations.count("") > 0
}

/// The hubs that have configurations.
fn configured_hubs(hub: &Hub) -> BTreeSet<String> {
    let (mut hubs, mut after) = (BTreeSet::new(), None::<String>);
    loop {
        let piece = hub.configurations.page("", after.as_deref(), PIECE);
        hubs.extend(piece.iter().map(|(key, _)| ids::hub_of(key).to_owned()));
        match piece.last() {
            Some((last, _)) if piece.len() == PIECE => after = Some(last.to_string()),
            _ => return hubs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::World;

    fn change(collection: &'static str, key: Option<&str>) -> Change {
        Change { collection: collection.into(), key: key.map(Into::into), revision: 1 }
    }

    #[test]
    fn a_change_below_a_device_is_the_device_s() {
        let (world, mut unsettled) = (World::new(), Unsettled::default());
        for key in ["h/d1", "h/d1/m1", "h/d1/m2"] {
            unsettled.note(&change("hub.twins", Some(key)));
        }
        unsettled.note(&change("hub.jobs", Some("h/d2")));
        assert_eq!(unsettled.next(&world.hub), Some(Work::Device("h/d1".to_owned())));
        assert_eq!(unsettled.next(&world.hub), None);
    }

    #[test]
    fn a_hub_whose_configurations_change_is_begun_anew() {
        let (world, mut unsettled) = (World::new(), Unsettled::default());
        unsettled.note(&change("hub.configurations", Some("h/c1")));
        unsettled.go_on("h".to_owned(), "h/d9".to_owned());
        assert_eq!(unsettled.next(&world.hub), Some(Work::Hub("h".to_owned(), None)));
    }

    #[test]
    fn too_many_devices_are_their_hubs() {
        let (world, mut unsettled) = (World::new(), Unsettled::default());
        for number in 0..=MOST_LISTED {
            unsettled.note(&change("hub.devices", Some(&format!("h/d{number}"))));
        }
        assert_eq!(unsettled.next(&world.hub), Some(Work::Hub("h".to_owned(), None)));
        assert!(unsettled.devices.is_empty());
    }
}
