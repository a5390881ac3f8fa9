//! Who is connected: devices and modules over MQTT and AMQP, for as long as what let them in holds.
//!
//! The door (in the wiring) decides and calls [`Hub::connect`](crate::Hub::connect) with the permit; the wire crates drive
//! the session that comes of it. A session is closed here when its credential ends, when the identity connects anew, and
//! when a change of keys, status, policies or switches takes away what it was granted on. No protocol is known here.

mod announced;
pub mod connect_device;
pub mod connect_module;
mod expiries;
mod grounds;
mod line;
mod presence;
mod roster;
mod session;
mod twin;
mod watch;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use grounds::{Connection, Grounds, Renewal};

pub(crate) use line::{Line, Reply, Told};
pub(crate) use presence::{Presence, PresenceRecord};
pub(crate) use roster::{MemoryRoster, Roster};

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::FutureExt;
use iolite_kernel::{ServiceError, Timestamp};
use iolite_messaging::{CloseReason, SignedIn};
use tokio::sync::{Notify, mpsc};

use crate::sessions::expiries::Expiries;
use crate::sessions::session::Session;
use crate::throttles::Meter;
use crate::{Hub, ids};

/// How many of the hub's news a session may leave unread before it is closed as too slow.
const INBOX: usize = 128;

/// Everything a hub knows of its connections.
pub(crate) struct Sessions {
    pub(crate) roster: Box<dyn Roster>,
    /// When which session's credential ends.
    pub(crate) expiries: Expiries,
    /// Tells those who wait for a device that a session began to listen.
    pub(crate) listening: Notify,
    /// The number of the last connection of this process.
    pub(crate) last: AtomicU64,
}

impl Sessions {
    /// No connection yet, in a process of its own.
    pub(crate) fn new() -> Self {
        Self {
            roster: Box::new(MemoryRoster::default()),
            expiries: Expiries::default(),
            listening: Notify::new(),
            last: AtomicU64::new(0),
        }
    }
}

impl Hub {
    /// Opens the session of a device or module that was let in by `permit`.
    ///
    /// An exclusive one becomes the identity's one connection: an earlier one ends with [`CloseReason::TakenOver`].
    pub async fn connect(
        self: &Arc<Self>,
        permit: iolite_access::Permit,
        connection: Connection,
    ) -> Result<SignedIn, ServiceError> {
        if connection.exclusive {
            self.meter(&permit.resource_key(), Meter::Connection, 1.0)?;
        }
        let session = Session::open(self, &permit, &connection)?;
        let line = session.line().clone();
        let (inbox, news) = mpsc::channel(INBOX + 1);
        line.attach(inbox);
        if connection.exclusive
            && let Some(earlier) = self.sessions.roster.claim(&line)
        {
            self.end(&earlier, Some(CloseReason::TakenOver));
            // Its end finds another in its place and says nothing: that it went is told here, and before who came.
            earlier.announced.went(|| self.tell_connection(&earlier.key, false));
        }
        if !connection.exclusive {
            self.sessions.roster.admit(&line);
        }
        if let Some(at) = line.expires_at() {
            self.sessions.expiries.set(&line, at);
        }
        if connection.exclusive {
            self.came(&line);
        }
        // Between the decision and here the identity may have gone; whoever removes it from now on finds the session.
        if !line.holds() {
            self.end(&line, Some(CloseReason::Revoked));
        }
        if let Some(model_id) = connection.model_id.as_deref() {
            self.announce_model(&line, model_id).await?;
        }
        let expires_at = line.expires_at();
        Ok(SignedIn { session: Box::new(session), inbox: news, expires_at })
    }

    /// Who is there and since when, for the identity under `key`.
    pub(crate) fn presence(&self, key: &str) -> Presence {
        let line = self.sessions.roster.find(key);
        let record = self.presences.get(key);
        let recorded = record.as_ref().and_then(|record| record.active_at);
        Presence {
            connected: line.is_some(),
            changed_at: record.as_ref().and_then(|record| record.changed_at),
            active_at: line.and_then(|line| line.active_at()).max(recorded),
            waiting: self.waiting(key),
        }
    }

    /// How many devices of the hub keyed `hub` are connected.
    pub(crate) fn connected_devices(&self, hub: &str) -> usize {
        self.sessions.roster.below(&format!("{hub}/")).iter().filter(|line| line.is_seat_of_device()).count()
    }

    /// Ends a session: by the hub for a reason, or because its connection ended.
    pub(crate) fn end(&self, line: &Arc<Line>, reason: Option<CloseReason>) {
        if !line.end(reason) {
            return;
        }
        self.sessions.expiries.clear(line);
        self.let_go(line);
        if self.sessions.roster.release(line) {
            self.went(line);
        }
    }

    /// Records the beginning of a connection.
    fn came(&self, line: &Arc<Line>) {
        line.announced.came(|| {
            self.record_presence(line, self.ground.now(), true);
            self.tell_connection(&line.key, true);
        });
    }

    /// Records the end of a connection.
    fn went(&self, line: &Arc<Line>) {
        line.announced.went(|| {
            self.record_presence(line, self.ground.now(), false);
            self.tell_connection(&line.key, false);
        });
    }

    fn record_presence(&self, line: &Line, now: Timestamp, connected: bool) {
        self.write_presence(&line.key, |record| {
            record.epoch += u64::from(connected);
            record.connected = connected;
            record.changed_at = Some(now);
            record.active_at = record.active_at.max(line.active_at()).max(connected.then_some(now));
        });
    }

    /// Writes a record without waiting for the disk: who is connected is known from the roster, and after a crash nobody is.
    fn write_presence(&self, key: &str, edit: impl Fn(&mut PresenceRecord) + Send + Sync) {
        let writing = self.store.transact(|transaction| {
            // A connection that outlived its identity leaves no trace of it.
            if transaction.get(&self.twins, key).is_some() {
                let known = transaction.get(&self.presences, key);
                let mut record = known.map(|record| PresenceRecord::clone(&record)).unwrap_or_default();
                edit(&mut record);
                transaction.put(&self.presences, key, record);
            }
            Ok::<(), ServiceError>(())
        });
        if let Some(Err(error)) = writing.now_or_never() {
            tracing::warn!(%error, key, "who is connected could not be recorded");
        }
    }

    /// Notes that the identity under `key` did something over HTTPS.
    pub(crate) fn note_activity(&self, key: &str) {
        let now = self.ground.now();
        if let Some(line) = self.sessions.roster.find(key) {
            return line.touch(now);
        }
        // To the second: a device that posts often does not write the same again and again.
        let known = self.presences.get(key).and_then(|record| record.active_at);
        if known.is_none_or(|active| active.as_second() < now.as_second()) {
            self.write_presence(key, |record| record.active_at = Some(now));
        }
    }

    async fn announce_model(&self, line: &Line, model_id: &str) -> Result<(), ServiceError> {
        let known = |twin: &crate::Twin| twin.model_id.as_deref() == Some(model_id);
        if self.twins.get(&line.key).is_some_and(|twin| known(&twin)) {
            return Ok(());
        }
        self.change(ids::hub_of(&line.key), |registry| {
            if let Some(twin) = registry.twin(&line.key).filter(|twin| !known(twin)) {
                let mut twin = crate::Twin::clone(&twin);
                twin.model_id = Some(model_id.into());
                twin.version += 1;
                registry.put_twin(&line.key, twin);
            }
            Ok(())
        })
        .await
    }
}
