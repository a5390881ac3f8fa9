//! What making, changing and removing an identity does to all of a hub's tables, inside one transaction.
//!
//! Called by PUT, DELETE and bulk requests over devices and modules, so that an identity, its twin and its modules always
//! come and go together. It checks no permission and builds no answer.

use std::sync::Arc;

use iolite_kernel::{Precondition, ServiceError, Timestamp};
use iolite_store::{Transaction, Versioned};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::authentication::{AuthenticationBody, Credentials};
use crate::body::Object;
use crate::c2d::queue_of;
use crate::device::Device;
use crate::module::Module;
use crate::news::{News, What};
use crate::twin::{Birth, Twin};
use crate::twins::unset::Unset;
use crate::{Hub, errors, etag, ids};

/// How many modules a device may have (documented).
const MOST_MODULES: usize = 50;
/// How long the reason of a status may be, in characters (documented).
const LONGEST_REASON: usize = 128;

/// `status` as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Status {
    /// It may connect.
    Enabled,
    /// It may not.
    Disabled,
}

/// `capabilities` as sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CapabilitiesBody {
    iot_edge: Option<bool>,
}

/// What a client says about a device; what is not said is kept, or as usual for a new one.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeviceSpec {
    pub(crate) status: Option<Status>,
    pub(crate) status_reason: Option<String>,
    pub(crate) authentication: Option<Object<AuthenticationBody>>,
    pub(crate) capabilities: Option<Object<CapabilitiesBody>>,
    pub(crate) device_scope: Option<String>,
    pub(crate) parent_scopes: Option<Vec<String>>,
}

/// What a client says about a module.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModuleSpec {
    pub(crate) managed_by: Option<String>,
    pub(crate) authentication: Option<Object<AuthenticationBody>>,
}

/// What a new twin begins with.
#[derive(Debug, Clone)]
pub(crate) struct FirstTwin {
    pub(crate) birth: Birth,
    pub(crate) tags: Map<String, Value>,
    pub(crate) desired: Map<String, Value>,
}

impl FirstTwin {
    /// Nothing.
    pub(crate) fn empty(birth: Birth) -> Self {
        Self { birth, tags: Map::new(), desired: Map::new() }
    }

    fn made_at(&self, now: Timestamp) -> Result<Twin, ServiceError> {
        Twin::new(self.birth, self.tags.clone(), self.desired.clone(), now)
    }
}

/// The tables of one hub in one transaction.
///
/// A step that is refused has written nothing, so that a bulk request can go on with its next entry.
pub(crate) struct Registry<'a, 't> {
    pub(crate) hub: &'a Hub,
    /// The hub's key.
    pub(crate) key: &'a str,
    pub(crate) transaction: &'a mut Transaction<'t>,
    /// What the change means to others.
    pub(crate) news: Vec<News>,
}

impl Registry<'_, '_> {
    /// The device `id`.
    pub(crate) fn device(&self, id: &str) -> Result<Versioned<Device>, ServiceError> {
        let found = self.transaction.get(&self.hub.devices, &ids::device_key(self.key, id));
        found.ok_or_else(|| errors::device_not_found(id))
    }

    /// The module `id` of the device `device_id`.
    pub(crate) fn module(&self, device_id: &str, id: &str) -> Result<Versioned<Module>, ServiceError> {
        let found = self.transaction.get(&self.hub.modules, &ids::module_key(self.key, device_id, id));
        match found {
            Some(module) => Ok(module),
            None => self.device(device_id).and_then(|_| Err(errors::module_not_found(device_id, id))),
        }
    }

    /// Makes the device `id` with its twin, and an Edge device's own modules.
    pub(crate) fn create_device(
        &mut self,
        id: &str,
        spec: &DeviceSpec,
        twin: &FirstTwin,
    ) -> Result<Arc<Device>, ServiceError> {
        // One text for the records of both tables and for the news.
        let key: Arc<str> = ids::device_key(self.key, ids::device(id)?).into();
        if self.transaction.get(&self.hub.devices, &key).is_some() {
            let message = format!("A device with ID '{id}' is already registered.");
            return Err(ServiceError::new(&errors::DEVICE_ALREADY_EXISTS, message));
        }
        let now = self.hub.ground.now();
        let blank = Device {
            id: id.into(),
            generation: ticks(now),
            tag: etag::first_number(&*self.hub.ground.entropy),
            enabled: true,
            status_reason: None,
            status_changed_at: None,
            credentials: Credentials::None,
            iot_edge: false,
            device_scope: None,
            parent_scopes: Vec::new(),
        };
        let mut device = self.described(blank, spec, true)?;
        device.status_changed_at = None;
        let (device, twin) = (Arc::new(device), twin.made_at(now)?);
        self.transaction.put_at(&self.hub.devices, key.clone(), device.clone());
        self.make_twin(key, twin);
        self.follow_edge(false, &device)?;
        Ok(device)
    }

    /// Changes the device that stands as `current`.
    pub(crate) fn update_device(&mut self, current: &Device, spec: &DeviceSpec) -> Result<Arc<Device>, ServiceError> {
        let mut device = self.described(current.clone(), spec, false)?;
        device.tag = current.tag.wrapping_add(1);
        let device = Arc::new(device);
        self.transaction.put(&self.hub.devices, &ids::device_key(self.key, &device.id), device.clone());
        self.follow_edge(current.iot_edge, &device)?;
        Ok(device)
    }

    /// Removes the device `id` with its modules and all their twins.
    pub(crate) fn delete_device(&mut self, id: &str) {
        let key = ids::device_key(self.key, id);
        for (module, _) in self.transaction.all(&self.hub.modules, &format!("{key}/")) {
            self.transaction.delete(&self.hub.modules, &module);
            self.drop_belongings(&module);
        }
        self.transaction.delete(&self.hub.devices, &key);
        self.drop_belongings(&key);
    }

    /// Makes the module `id` of the device `device_id` with its twin.
    pub(crate) fn create_module(
        &mut self,
        device_id: &str,
        id: &str,
        spec: &ModuleSpec,
        twin: &FirstTwin,
    ) -> Result<Module, ServiceError> {
        ids::module(id)?;
        self.device(device_id)?;
        let key = ids::module_key(self.key, device_id, id);
        if self.transaction.get(&self.hub.modules, &key).is_some() {
            let message = format!("A module with ID '{id}' on device with ID '{device_id}' is already registered.");
            return Err(ServiceError::new(&errors::MODULE_ALREADY_EXISTS, message));
        }
        let below = format!("{}/", ids::device_key(self.key, device_id));
        if self.transaction.all(&self.hub.modules, &below).len() >= MOST_MODULES {
            let message =
                format!("The device '{device_id}' has {MOST_MODULES} modules, which is as many as it may have.");
            return Err(ServiceError::new(&errors::TOO_MANY_MODULES, message));
        }
        self.insert_module(device_id, id, spec, twin)
    }

    /// Changes the module that stands as `current`.
    pub(crate) fn update_module(&mut self, current: &Module, spec: &ModuleSpec) -> Result<Module, ServiceError> {
        let module = Module {
            tag: current.tag.wrapping_add(1),
            managed_by: spec.managed_by.as_deref().map(Box::from),
            credentials: self.credentials(spec.authentication.as_ref(), Some(&current.credentials))?,
            ..current.clone()
        };
        let key = ids::module_key(self.key, &current.device_id, &current.id);
        self.transaction.put(&self.hub.modules, &key, module.clone());
        Ok(module)
    }

    /// Removes a module with its twin.
    pub(crate) fn delete_module(&mut self, device_id: &str, id: &str) {
        let key = ids::module_key(self.key, device_id, id);
        self.transaction.delete(&self.hub.modules, &key);
        self.drop_belongings(&key);
    }

    /// The twin under an identity's key.
    pub(crate) fn twin(&self, key: &str) -> Option<Versioned<Twin>> {
        self.transaction.get(&self.hub.twins, key)
    }

    /// Puts the twin of an identity that is there.
    pub(crate) fn put_twin(&mut self, key: &str, twin: Twin) {
        self.put_changed_twin(key, twin, &Unset::default());
    }

    /// The same after a client's patch, which `unset` this.
    pub(crate) fn put_changed_twin(&mut self, key: &str, twin: Twin, unset: &Unset) {
        let twin = Arc::new(twin);
        self.note_twin(key, &twin, |before, after| What::Updated { before, after, unset: unset.clone() });
        self.transaction.put(&self.hub.twins, key, twin);
    }

    /// The same where tags and desired properties were replaced as a whole.
    pub(crate) fn put_replaced_twin(&mut self, key: &str, twin: Twin) {
        let twin = Arc::new(twin);
        self.note_twin(key, &twin, |before, after| What::Replaced { before, after });
        self.transaction.put(&self.hub.twins, key, twin);
    }

    fn note_twin(&mut self, key: &str, twin: &Arc<Twin>, what: impl Fn(Arc<Twin>, Arc<Twin>) -> What) {
        if let Some(before) = self.twin(key) {
            self.news.push(News { key: key.into(), what: what(before.value, twin.clone()) });
        }
    }

    fn make_twin(&mut self, key: Arc<str>, twin: Twin) {
        let twin = Arc::new(twin);
        self.news.push(News { key: key.clone(), what: What::Created(twin.clone()) });
        self.transaction.put_at(&self.hub.twins, key, twin);
    }

    /// Drops what is kept of an identity besides itself: its twin, its connections, the messages that wait for it.
    fn drop_belongings(&mut self, key: &str) {
        if let Some(twin) = self.twin(key) {
            self.news.push(News { key: key.into(), what: What::Deleted(twin.value) });
        }
        self.transaction.delete(&self.hub.twins, key);
        self.transaction.delete(&self.hub.presences, key);
        for (message, _) in self.transaction.all(&self.hub.bound, &queue_of(key)) {
            self.transaction.delete(&self.hub.bound, &message);
        }
    }

    /// Puts a new module, however many there are.
    pub(crate) fn insert_module(
        &mut self,
        device_id: &str,
        id: &str,
        spec: &ModuleSpec,
        twin: &FirstTwin,
    ) -> Result<Module, ServiceError> {
        let now = self.hub.ground.now();
        let module = Module {
            id: id.into(),
            device_id: device_id.into(),
            generation: ticks(now),
            tag: etag::first_number(&*self.hub.ground.entropy),
            managed_by: spec.managed_by.as_deref().map(Box::from),
            credentials: self.credentials(spec.authentication.as_ref(), None)?,
        };
        let twin = twin.made_at(now)?;
        let key: Arc<str> = ids::module_key(self.key, device_id, id).into();
        self.transaction.put_at(&self.hub.modules, key.clone(), module.clone());
        self.make_twin(key, twin);
        Ok(module)
    }

    fn credentials(
        &self,
        sent: Option<&Object<AuthenticationBody>>,
        current: Option<&Credentials>,
    ) -> Result<Credentials, ServiceError> {
        let nothing = AuthenticationBody::default();
        sent.map_or(&nothing, |Object(sent)| sent).resolve(current, &*self.hub.ground.entropy)
    }

    /// `device` as `spec` describes it; a new one has no credentials yet.
    fn described(&self, mut device: Device, spec: &DeviceSpec, is_new: bool) -> Result<Device, ServiceError> {
        if spec.status_reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
            return Err(errors::invalid(format!("'statusReason' is longer than {LONGEST_REASON} characters.")));
        }
        let current = (!is_new).then_some(&device.credentials);
        device.credentials = self.credentials(spec.authentication.as_ref(), current)?;
        device.status_reason = spec.status_reason.as_deref().map(Box::from);
        let enabled = spec.status.map_or(device.enabled, |status| status == Status::Enabled);
        if enabled != device.enabled {
            device.enabled = enabled;
            device.status_changed_at = Some(self.hub.ground.now());
        }
        if let Some(edge) = spec.capabilities.as_ref().and_then(|Object(capabilities)| capabilities.iot_edge) {
            device.iot_edge = edge;
        }
        self.place(&mut device, spec)?;
        Ok(device)
    }
}

/// Whether a PUT makes or changes: without `If-Match` it makes, and where the thing is there already that is a conflict;
/// with one it changes, and where the thing is missing there is nothing to change.
pub(crate) fn makes(precondition: &Precondition) -> bool {
    matches!(precondition, Precondition::None)
}

/// .NET ticks: tenths of a microsecond since the year 1.
pub(crate) fn ticks(at: Timestamp) -> i64 {
    const UNIX_EPOCH: i64 = 621_355_968_000_000_000;
    UNIX_EPOCH + at.as_second() * 10_000_000 + i64::from(at.subsec_nanosecond()) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_eighteen_digits_of_ticks() {
        let at: Timestamp = "2020-09-01T20:58:35.9909997Z".parse().unwrap();
        assert_eq!(ticks(at), 637_345_907_159_909_997);
    }
}
