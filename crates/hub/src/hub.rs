//! The service itself: its tables and the ground it stands on.
//!
//! Made once by the wiring, shared by the wire crates and the doors. One value serves every hub of the world: the hub's
//! name begins each record's key.

use std::fmt;

use iolite_kernel::{Ground, ServiceError};
use iolite_resources::Estate;
use iolite_store::{Store, Table, Versioned};

use crate::registry::Registry;
use crate::{Configuration, Device, Module, Twin, errors, ids};

/// IoT Hub, for every hub of the world.
pub struct Hub {
    pub(crate) store: Store,
    pub(crate) ground: Ground,
    pub(crate) devices: Table<Device>,
    pub(crate) modules: Table<Module>,
    /// The twins of devices and of modules, each under its identity's key.
    pub(crate) twins: Table<Twin>,
    pub(crate) configurations: Table<Configuration>,
}

impl Hub {
    /// The service over the estate's store.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground) -> Self {
        let store = estate.store;
        Self {
            ground,
            devices: store.table(),
            modules: store.table(),
            twins: store.table(),
            configurations: store.table(),
            store,
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

    /// Changes identities of the hub keyed `hub`, all together or not at all.
    pub(crate) async fn change<R: Send>(
        &self,
        hub: &str,
        change: impl Fn(&mut Registry<'_, '_>) -> Result<R, ServiceError> + Send,
    ) -> Result<R, ServiceError> {
        self.store.transact(move |transaction| change(&mut Registry { hub: self, key: hub, transaction })).await
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hub").finish_non_exhaustive()
    }
}
