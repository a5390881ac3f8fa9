//! The service itself: its tables and the ground it stands on.
//!
//! Made once by the wiring, shared by the wire crates and the doors. One value serves every hub of the world: the hub's
//! name begins each record's key.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use iolite_kernel::{Ground, ServiceError};
use iolite_resources::{Certificate, Estate, Hub as HubRecord};
use iolite_store::streams::{Limits, Streams};
use iolite_store::{Store, Table, Transaction, Versioned};
use parking_lot::Mutex;

use crate::blobs::{BlobClient, Blobs, NoTokens, StorageTokens};
use crate::c2d::{Bound, Deadlines, FeedbackRecord, Locks};
use crate::devices::readings::Readings;
use crate::doomed_streams::DoomedStream;
use crate::event_grid::{EventGrid, Webhooks};
use crate::files::Upload;
use crate::jobs::registry::RegistryJob;
use crate::jobs::scheduled::{DeviceJob, ScheduledJob};
use crate::news::Newsroom;
use crate::notifications::Notices;
use crate::outbound::Outbound;
use crate::outbox::Outboxes;
use crate::registry::Registry;
use crate::routing::{Routing, Storage};
use crate::service_links::ReaderBook;
use crate::sessions::{PresenceRecord, Sessions};
use crate::throttles::Throttles;
use crate::{Configuration, Device, Module, Twin, errors, ids};

/// How many records are looked at under one lock.
const PIECE: usize = 2048;

/// IoT Hub, for every hub of the world.
pub struct Hub {
    pub(crate) store: Store,
    pub(crate) ground: Ground,
    /// The hubs' own records, as Resource Manager wrote them; read here and changed there.
    pub(crate) hubs: Table<HubRecord>,
    /// The X.509 authorities of hubs, likewise.
    pub(crate) certificates: Table<Certificate>,
    /// The storage accounts that hubs are configured with.
    pub(crate) blobs: Arc<dyn Blobs>,
    /// How hubs' identities sign in there.
    pub(crate) storage_tokens: Arc<dyn StorageTokens>,
    pub(crate) devices: Table<Device>,
    /// What reads of them were answered lately.
    pub(crate) readings: Readings,
    pub(crate) modules: Table<Module>,
    /// The twins of devices and of modules, each under its identity's key.
    pub(crate) twins: Table<Twin>,
    pub(crate) configurations: Table<Configuration>,
    pub(crate) jobs: Table<ScheduledJob>,
    /// What scheduled jobs came to, device by device.
    pub(crate) device_jobs: Table<DeviceJob>,
    pub(crate) registry_jobs: Table<RegistryJob>,
    /// What is remembered of connections, each under its identity's key.
    pub(crate) presences: Table<PresenceRecord>,
    /// Who is connected.
    pub(crate) sessions: Sessions,
    /// Where events go.
    pub(crate) streams: Streams,
    /// Those of deleted hubs, which are to go.
    pub(crate) doomed_streams: Table<DoomedStream>,
    /// Who reads them.
    pub(crate) readers: ReaderBook,
    /// Cloud-to-device messages that wait.
    pub(crate) bound: Table<Bound>,
    /// Those of them that somebody has under lock.
    pub(crate) locks: Locks,
    /// When messages run out.
    pub(crate) deadlines: Deadlines,
    /// What became of messages, before it is told.
    pub(crate) feedback_records: Table<FeedbackRecord>,
    /// What the back end is told of: feedback in batches, and finished uploads.
    pub(crate) notices: Notices,
    /// Uploads that devices began.
    pub(crate) uploads: Table<Upload>,
    /// The containers that are known to be there, by their place.
    pub(crate) containers: Mutex<HashSet<String>>,
    /// How fast each hub may go.
    pub(crate) throttles: Throttles,
    /// What changes mean to sessions and routes.
    pub(crate) newsroom: Newsroom,
    /// Where events go, besides the hub's own stream.
    pub routing: Arc<Routing>,
    /// The webhooks that events go to.
    pub event_grid: Arc<EventGrid>,
    webhooks: Arc<dyn Webhooks>,
    /// What waits for containers and webhooks.
    pub(crate) outboxes: Arc<Outboxes>,
    /// Held by the one who takes them up or removes some.
    pub(crate) outboxes_turn: tokio::sync::Mutex<()>,
}

impl Hub {
    /// The service over the estate's store.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground) -> Self {
        let blobs: Arc<dyn Blobs> = Arc::new(BlobClient::default());
        let webhooks: Arc<dyn Webhooks> = Arc::new(Outbound::default());
        let storage_tokens: Arc<dyn StorageTokens> = Arc::new(NoTokens);
        let outboxes = Arc::<Outboxes>::default();
        let storage = Storage { blobs: blobs.clone(), tokens: storage_tokens.clone() };
        let (event_grid, routing) = join(&estate.hubs, &estate.store, &ground, &webhooks, storage, &outboxes);
        let store = estate.store;
        Self {
            ground,
            hubs: estate.hubs,
            certificates: estate.certificates,
            blobs,
            storage_tokens,
            devices: store.table(),
            readings: Readings::default(),
            modules: store.table(),
            twins: store.table(),
            configurations: store.table(),
            jobs: store.table(),
            device_jobs: store.table(),
            registry_jobs: store.table(),
            presences: store.table(),
            sessions: Sessions::new(),
            streams: Streams::memory(Limits::default()),
            doomed_streams: store.table(),
            readers: ReaderBook::default(),
            bound: store.table(),
            locks: Locks::default(),
            deadlines: Deadlines::default(),
            feedback_records: store.table(),
            notices: Notices::new(&store),
            uploads: store.table(),
            containers: Mutex::default(),
            throttles: Throttles::default(),
            newsroom: Newsroom::default(),
            routing,
            event_grid,
            webhooks,
            outboxes,
            outboxes_turn: tokio::sync::Mutex::default(),
            store,
        }
    }

    /// The same over another blob service: one that trusts the emulator's own authority, or a test's.
    #[must_use]
    pub fn with_blobs(mut self, blobs: Arc<dyn Blobs>) -> Self {
        self.blobs = blobs;
        self.joined()
    }

    /// The same with the identities of its hubs, who sign in at storage accounts with these tokens.
    #[must_use]
    pub fn with_storage_tokens(mut self, tokens: Arc<dyn StorageTokens>) -> Self {
        self.storage_tokens = tokens;
        self.joined()
    }

    /// The same with webhooks reached another way: by a client that trusts the emulator's own authority, or a test's.
    #[must_use]
    pub fn with_webhooks(mut self, webhooks: Arc<dyn Webhooks>) -> Self {
        self.webhooks = webhooks;
        self.joined()
    }

    /// The same over the streams that keep its events.
    #[must_use]
    pub fn with_streams(mut self, streams: Streams) -> Self {
        self.outboxes = Arc::new(Outboxes::new(streams.clone(), self.store.clone(), self.hubs.clone()));
        self.streams = streams;
        self.joined()
    }

    /// The same with routing and Event Grid over what it stands on now.
    fn joined(mut self) -> Self {
        let storage = Storage { blobs: self.blobs.clone(), tokens: self.storage_tokens.clone() };
        (self.event_grid, self.routing) =
            join(&self.hubs, &self.store, &self.ground, &self.webhooks, storage, &self.outboxes);
        self
    }

    /// How many partitions the events of the hub keyed `hub` have.
    pub(crate) fn partition_count(&self, hub: &str) -> u32 {
        self.hubs.get(hub).map_or(1, |hub| hub.events.partition_count)
    }

    /// How many devices the hub keyed `hub` has, and how many of those are enabled.
    #[must_use]
    pub fn device_counts(&self, hub: &str) -> (u64, u64) {
        let prefix = format!("{hub}/");
        let (mut total, mut enabled, mut after) = (0, 0, None);
        loop {
            let piece = self.devices.page(&prefix, after.as_deref(), PIECE);
            for (_, device) in &piece {
                total += 1;
                enabled += u64::from(device.enabled);
            }
            match piece.last() {
                Some((last, _)) if piece.len() == PIECE => after = Some(last.clone()),
                _ => return (total, enabled),
            }
        }
    }

    /// The device `id` of the hub keyed `hub`.
    pub(crate) fn device(&self, hub: &str, id: &str) -> Result<Versioned<Device>, ServiceError> {
        self.devices.get(&ids::device_key(hub, id)).ok_or_else(|| errors::device_not_found(id))
    }

    /// The module `id` of a device of the hub keyed `hub`.
    pub(crate) fn module(&self, hub: &str, device_id: &str, id: &str) -> Result<Versioned<Module>, ServiceError> {
        match self.modules.get(&ids::module_key(hub, device_id, id)) {
            Some(module) => Ok(module),
            None => self.device(hub, device_id).and_then(|_| Err(errors::module_not_found(device_id, id))),
        }
    }

    /// Refuses a change of what the hub keyed `hub` holds once the hub is deleted: what a request that was let in before
    /// wrote then would stay for ever. To be asked inside the change itself, by every one that makes a record.
    pub(crate) fn require(&self, transaction: &Transaction<'_>, hub: &str) -> Result<(), ServiceError> {
        match transaction.get(&self.hubs, hub) {
            Some(_) => Ok(()),
            None => Err(ServiceError::new(&errors::IOT_HUB_NOT_FOUND, format!("There is no hub '{hub}' any more."))),
        }
    }

    /// Changes identities of the hub keyed `hub`, all together or not at all.
    pub(crate) async fn change<R: Send>(
        &self,
        hub: &str,
        change: impl Fn(&mut Registry<'_, '_>) -> Result<R, ServiceError> + Send,
    ) -> Result<R, ServiceError> {
        let changed = self.store.transact(move |transaction| {
            self.require(transaction, hub)?;
            let revision = transaction.revision();
            let mut registry = Registry { hub: self, key: hub, transaction, news: Vec::new() };
            let result = change(&mut registry)?;
            self.newsroom.note(revision, registry.news);
            Ok::<_, ServiceError>((result, revision))
        });
        let (result, revision) = changed.await?;
        self.tell_news(revision);
        Ok(result)
    }
}

/// Event Grid and the routing in front of it.
fn join(
    hubs: &Table<HubRecord>,
    store: &Store,
    ground: &Ground,
    webhooks: &Arc<dyn Webhooks>,
    storage: Storage,
    outboxes: &Arc<Outboxes>,
) -> (Arc<EventGrid>, Arc<Routing>) {
    let grid = EventGrid::new(hubs.clone(), store.table(), ground.clone(), webhooks.clone());
    let grid = Arc::new(grid.with_outboxes(outboxes.clone()));
    let routing = Routing::new(hubs.clone(), ground.clone(), storage, grid.clone(), outboxes.clone());
    (grid, Arc::new(routing))
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hub").finish_non_exhaustive()
    }
}
