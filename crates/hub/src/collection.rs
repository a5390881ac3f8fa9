//! Walks a collection that queries read: device twins, module twins, or what jobs came to on each device.
//!
//! Used by queries, scheduled jobs and the roll-out of configurations. A walk looks at a piece at a time and lets other work
//! run in between; what is made or removed meanwhile may or may not be met.

use std::collections::VecDeque;
use std::sync::Arc;

use iolite_query::iothub::From;
use iolite_store::{Record, Table, Versioned};

use crate::devices::query_row::Row;
use crate::jobs::scheduled::DeviceJob;
use crate::twins::view::Owner;
use crate::{Device, Hub, Module, Twin};

/// How many records are looked at between two chances for others.
const PIECE: usize = 512;

/// A document as it was found.
pub(crate) enum Found {
    /// A device with its twin.
    Device(Versioned<Device>, Versioned<Twin>),
    /// A module with its twin.
    Module(Versioned<Module>, Versioned<Twin>),
    /// What a job came to on a device.
    Job(Versioned<DeviceJob>),
}

impl Found {
    /// It, as a query sees it, where it was found under `key`.
    pub(crate) fn row<'a>(&'a self, hub: &'a Hub, key: &'a str) -> Row<'a> {
        match self {
            Self::Device(device, twin) => Row::of_twin(hub, key, Owner::Device(device), twin),
            Self::Module(module, twin) => Row::of_twin(hub, key, Owner::Module(module), twin),
            Self::Job(job) => Row::of_job(job),
        }
    }

    /// The device it is of or on.
    pub(crate) fn device_id(&self) -> &str {
        match self {
            Self::Device(device, _) => &device.id,
            Self::Module(module, _) => &module.device_id,
            Self::Job(job) => &job.device_id,
        }
    }

    /// The module it is of or on.
    pub(crate) fn module_id(&self) -> Option<&str> {
        match self {
            Self::Device(..) => None,
            Self::Module(module, _) => Some(&module.id),
            Self::Job(job) => job.module_id.as_deref(),
        }
    }
}

/// A walk in the order of keys.
pub(crate) struct Walk<'a> {
    hub: &'a Hub,
    from: From,
    prefix: String,
    after: Option<String>,
    piece: VecDeque<(Arc<str>, Found)>,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// Over `from` in the hub keyed `key`, beginning after the key `after`.
    pub(crate) fn new(hub: &'a Hub, key: &str, from: From, after: Option<String>) -> Self {
        Self { hub, from, prefix: format!("{key}/"), after, piece: VecDeque::new(), ended: false }
    }

    /// The next document with its key.
    pub(crate) async fn next(&mut self) -> Option<(Arc<str>, Found)> {
        while self.piece.is_empty() && !self.ended {
            let hub = self.hub;
            let twin = |key: &str| hub.twins.get(key);
            match self.from {
                From::Devices => self.fill(&hub.devices, |key, found| Some(Found::Device(found, twin(key)?))),
                From::Modules => self.fill(&hub.modules, |key, found| Some(Found::Module(found, twin(key)?))),
                From::Jobs => self.fill(&hub.device_jobs, |_, found| Some(Found::Job(found))),
            }
            tokio::task::yield_now().await;
        }
        self.piece.pop_front()
    }

    fn fill<T: Record>(&mut self, table: &Table<T>, found: impl Fn(&str, Versioned<T>) -> Option<Found>) {
        let records = table.page(&self.prefix, self.after.as_deref(), PIECE);
        self.ended = records.len() < PIECE;
        self.after = records.last().map(|(key, _)| key.to_string());
        self.piece =
            records.into_iter().filter_map(|(key, record)| found(&key, record).map(|found| (key, found))).collect();
    }
}
