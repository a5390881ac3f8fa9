//! Ends sessions whose grounds are gone: one task for all of them.
//!
//! It hears of every change of what sessions stand on, looks again at the sessions that the change can concern, and at no other; and it
//! waits on the injected clock for the next credential to end.

use std::collections::BTreeSet;
use std::sync::Arc;

use iolite_messaging::CloseReason;
use iolite_resources::{Certificate, Hub as HubRecord};
use iolite_store::{Change, Record};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::c2d::Bound;
use crate::sessions::Line;
use crate::{Device, Hub, Module};

/// What a session stands on, and the queues that may be replaced as a whole.
const GROUNDS: [&str; 5] =
    [Device::COLLECTION, Module::COLLECTION, HubRecord::COLLECTION, Certificate::COLLECTION, Bound::COLLECTION];
/// How many sessions are looked at between two chances for others.
const PIECE: usize = 128;

/// Whose grounds changes may have taken away.
#[derive(Debug, Default, PartialEq, Eq)]
struct Concerned {
    all: bool,
    /// The queues were replaced as a whole.
    queues: bool,
    /// Every session of these hubs.
    hubs: BTreeSet<Box<str>>,
    /// The sessions of these devices, modules included, or of these modules.
    identities: BTreeSet<Box<str>>,
}

impl Concerned {
    fn note(&mut self, change: &Change) {
        match (&*change.collection, change.key.as_deref()) {
            ("hub.devices" | "hub.modules", Some(key)) => drop(self.identities.insert(key.into())),
            ("hubs", Some(key)) => drop(self.hubs.insert(key.into())),
            ("certificates", Some(key)) => {
                if let Some(hub) = key.strip_prefix("iothubs/").and_then(|rest| rest.split('/').next()) {
                    self.hubs.insert(hub.into());
                }
            }
            ("hub.devices" | "hub.modules" | "hubs" | "certificates", None) => self.all = true,
            ("hub.device-bound", None) => self.queues = true,
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Hub {
    /// Everything that a hub does without being asked: ends sessions, runs messages out, sends feedback, does jobs and rolls
    /// configurations out. Runs until it is dropped; the wiring spawns it once.
    pub async fn attend(self: Arc<Self>) {
        tokio::join!(
            self.watch_sessions(),
            self.watch_queues(),
            self.watch_streams(),
            self.routing.run(),
            self.event_grid.run(),
            self.clone().work(),
        );
    }

    /// Looks after sessions and links until the process ends: closes those whose credential ends or whose grounds go.
    pub(crate) async fn watch_sessions(self: &Arc<Self>) {
        // Weak: the store keeps the question, and the hub the store.
        let hub = Arc::downgrade(self);
        let concern = move |change: &Change| hub.upgrade().is_some_and(|hub| hub.concerns_a_session(change));
        let mut changes = self.store.watch_where(&GROUNDS, concern);
        loop {
            let next = self.sessions.expiries.next();
            tokio::select! {
                change = changes.recv() => {
                    let mut concerned = Concerned::default();
                    match change {
                        Ok(change) => concerned.note(&change),
                        Err(RecvError::Lagged(_)) => concerned.all = true,
                        Err(RecvError::Closed) => return,
                    }
                    loop {
                        match changes.try_recv() {
                            Ok(change) => concerned.note(&change),
                            Err(TryRecvError::Lagged(_)) => concerned.all = true,
                            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                        }
                    }
                    self.look_again(&concerned).await;
                }
                () = self.sessions.expiries.sooner() => {}
                () = self.until(next) => self.expire(),
            }
        }
    }

    /// Whether a change may take a session's grounds: of a device or module, only where it or a module of it is connected.
    fn concerns_a_session(&self, change: &Change) -> bool {
        let connected = |key: &str| !self.sessions.roster.of(key).is_empty();
        match (&*change.collection, change.key.as_deref()) {
            ("hub.devices", Some(key)) => {
                let has_modules = self.modules.count("") > 0;
                connected(key)
                    || has_modules && self.modules.all(&format!("{key}/")).iter().any(|(module, _)| connected(module))
            }
            ("hub.modules", Some(key)) => connected(key),
            _ => true,
        }
    }

    fn expire(self: &Arc<Self>) {
        for line in self.sessions.expiries.due(self.ground.now()) {
            self.end(&line, Some(CloseReason::Expired));
        }
    }

    /// Lets the streams follow what became of the hub keyed `hub`: other retention, more partitions, or none at all.
    async fn follow_hub(&self, hub: &str) {
        self.follow_throttle(hub);
        let followed = if self.hubs.get(hub).is_some() {
            self.own_stream(hub).map(drop)
        } else {
            self.streams.remove(&Self::own_stream_name(hub)).await.map_err(crate::telemetry::unavailable)
        };
        if let Err(error) = followed {
            tracing::warn!(%error, hub, "the hub's events could not follow it");
        }
    }

    async fn look_again(self: &Arc<Self>, concerned: &Concerned) {
        if concerned.is_empty() {
            return;
        }
        if concerned.queues || concerned.all {
            self.list_deadlines();
        }
        for hub in &concerned.hubs {
            self.follow_hub(hub).await;
        }
        let roster = &self.sessions.roster;
        let mut lines: Vec<Arc<Line>> = if concerned.all {
            roster.below("")
        } else {
            concerned.hubs.iter().flat_map(|hub| roster.below(&format!("{hub}/"))).collect()
        };
        if !concerned.all {
            for key in &concerned.identities {
                lines.extend(roster.of(key));
                // A device's change concerns its modules too. A store change names one record; walking all sessions for it
                // would make every PUT as dear as the fleet is large, so modules are found by their own records.
                let below = format!("{key}/");
                for (module, _) in self.modules.all(&below) {
                    lines.extend(roster.of(&module));
                }
            }
        }
        for piece in lines.chunks(PIECE) {
            for line in piece {
                if !line.has_ended() && !line.holds() {
                    self.end(line, Some(CloseReason::Revoked));
                }
            }
            tokio::task::yield_now().await;
        }
    }
}
