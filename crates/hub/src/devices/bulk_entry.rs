//! One entry of a bulk request: what is asked, and of which identity.
//!
//! Used by `BulkRegistry_UpdateRegistry`, and by imports, whose lines are the same.

use iolite_kernel::{Precondition, ServiceError};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::authentication::AuthenticationBody;
use crate::body::Object;
use crate::registry::{CapabilitiesBody, DeviceSpec, FirstTwin, ModuleSpec, Registry, Status};
use crate::twin::{Birth, Change, Edit, Twin};
use crate::twins::section::Section;
use crate::twins::unset::Unset;
use crate::{body, errors, etag, ids};

/// `importMode`, in any letter case: the Node SDK says `UpdateIfMatchETag` where the specification has a small `u`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Mode {
    #[default]
    Create,
    /// Imports only say so of a device that may be there or not; it is what they mean where they say nothing.
    CreateOrUpdate,
    CreateOrUpdateIfMatch,
    Update,
    UpdateIfMatch,
    Delete,
    DeleteIfMatch,
    UpdateTwin,
    UpdateTwinIfMatch,
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        const NAMES: [(&str, Mode); 9] = [
            ("create", Mode::Create),
            ("createOrUpdate", Mode::CreateOrUpdate),
            ("createOrUpdateIfMatchETag", Mode::CreateOrUpdateIfMatch),
            ("update", Mode::Update),
            ("updateIfMatchETag", Mode::UpdateIfMatch),
            ("delete", Mode::Delete),
            ("deleteIfMatchETag", Mode::DeleteIfMatch),
            ("updateTwin", Mode::UpdateTwin),
            ("updateTwinIfMatchETag", Mode::UpdateTwinIfMatch),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)).map(|(_, mode)| *mode).ok_or_else(|| {
            let known = NAMES.map(|(known, _)| known).join(", ");
            format!("'{}' is no import mode; {known} are", body::shortened(&name))
        })
    }
}

/// `ExportImportDevice` as sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// The device's id.
    pub(crate) id: String,
    /// The module's id, where the entry is a module's.
    #[serde(default)]
    pub(crate) module_id: Option<String>,
    // The Node SDK sends an identity on as it was read, where the tag is `etag`.
    #[serde(default, rename = "eTag", alias = "etag")]
    etag: Option<String>,
    #[serde(default)]
    import_mode: Option<Mode>,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    status_reason: Option<String>,
    #[serde(default)]
    authentication: Option<Object<AuthenticationBody>>,
    #[serde(default, rename = "twinETag")]
    twin_etag: Option<String>,
    #[serde(default)]
    tags: Option<Map<String, Value>>,
    #[serde(default)]
    properties: Option<Object<PropertiesBody>>,
    #[serde(default)]
    capabilities: Option<Object<CapabilitiesBody>>,
    #[serde(default)]
    device_scope: Option<String>,
    #[serde(default)]
    parent_scopes: Option<Vec<String>>,
    #[serde(default)]
    managed_by: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PropertiesBody {
    desired: Option<Map<String, Value>>,
}

impl Entry {
    /// Reads a line of an import: what says nothing of its mode is made or changed (iot-hub-bulk-identity-mgmt, 2024).
    pub(crate) fn imported(line: &[u8]) -> Result<Self, ServiceError> {
        let Object(mut entry) = serde_json::from_slice::<Object<Self>>(line).map_err(|error| {
            let code = if error.is_data() { &errors::ARGUMENT_INVALID } else { &errors::IOT_HUB_FORMAT_ERROR };
            ServiceError::new(code, format!("The line is not what an import takes: {error}."))
        })?;
        entry.import_mode.get_or_insert(Mode::CreateOrUpdate);
        Ok(entry)
    }

    /// Does what the entry asks, or says why not and has done nothing.
    pub(crate) fn apply(&self, registry: &mut Registry<'_, '_>) -> Result<(), ServiceError> {
        ids::device(&self.id)?;
        match &self.module_id {
            None => self.apply_to_device(registry),
            Some(module) => self.apply_to_module(registry, ids::module(module)?),
        }
    }

    fn apply_to_device(&self, registry: &mut Registry<'_, '_>) -> Result<(), ServiceError> {
        match self.mode() {
            Mode::CreateOrUpdate | Mode::CreateOrUpdateIfMatch if registry.device(&self.id).is_ok() => {
                let current = registry.device(&self.id)?;
                etag::require(&self.condition()?, &current.etag())?;
                let key = ids::device_key(registry.key, &self.id);
                let twin = self.changed_twin(registry, &key)?;
                registry.update_device(&current, &self.device_spec())?;
                put(registry, &key, twin);
            }
            Mode::Create | Mode::CreateOrUpdate | Mode::CreateOrUpdateIfMatch => {
                registry.create_device(&self.id, &self.device_spec(), &self.first_twin(Birth::BulkDevice))?;
            }
            Mode::Update | Mode::UpdateIfMatch => {
                let current = registry.device(&self.id)?;
                etag::require(&self.condition()?, &current.etag())?;
                registry.update_device(&current, &self.device_spec())?;
            }
            Mode::Delete | Mode::DeleteIfMatch => {
                etag::require(&self.condition()?, &registry.device(&self.id)?.etag())?;
                registry.delete_device(&self.id);
            }
            Mode::UpdateTwin | Mode::UpdateTwinIfMatch => {
                registry.device(&self.id)?;
                self.update_twin(registry, &ids::device_key(registry.key, &self.id))?;
            }
        }
        Ok(())
    }

    fn apply_to_module(&self, registry: &mut Registry<'_, '_>, module: &str) -> Result<(), ServiceError> {
        match self.mode() {
            Mode::CreateOrUpdate | Mode::CreateOrUpdateIfMatch if registry.module(&self.id, module).is_ok() => {
                let current = registry.module(&self.id, module)?;
                etag::require(&self.condition()?, &current.etag())?;
                let key = ids::module_key(registry.key, &self.id, module);
                let twin = self.changed_twin(registry, &key)?;
                registry.update_module(&current, &self.module_spec())?;
                put(registry, &key, twin);
            }
            Mode::Create | Mode::CreateOrUpdate | Mode::CreateOrUpdateIfMatch => {
                registry.create_module(&self.id, module, &self.module_spec(), &self.first_twin(Birth::BulkModule))?;
            }
            Mode::Update | Mode::UpdateIfMatch => {
                let current = registry.module(&self.id, module)?;
                etag::require(&self.condition()?, &current.etag())?;
                registry.update_module(&current, &self.module_spec())?;
            }
            Mode::Delete | Mode::DeleteIfMatch => {
                etag::require(&self.condition()?, &registry.module(&self.id, module)?.etag())?;
                registry.delete_module(&self.id, module);
            }
            Mode::UpdateTwin | Mode::UpdateTwinIfMatch => {
                registry.module(&self.id, module)?;
                self.update_twin(registry, &ids::module_key(registry.key, &self.id, module))?;
            }
        }
        Ok(())
    }

    fn update_twin(&self, registry: &mut Registry<'_, '_>, key: &str) -> Result<(), ServiceError> {
        let current = registry.twin(key).ok_or_else(|| errors::device_not_found(&self.id))?;
        if !self.condition()?.holds_for(Some(&current.etag())) {
            return Err(errors::twin_mismatch(&self.id));
        }
        let edit = |sent: Option<&Map<String, Value>>| sent.map_or(Edit::Keep, |sent| Edit::Merge(sent.clone()));
        let change = Change { tags: edit(self.tags.as_ref()), desired: edit(self.desired().as_ref()) };
        let changed = current.changed(&change, registry.hub.ground.now())?;
        registry.put_changed_twin(key, changed, &Unset::by(&change));
        Ok(())
    }

    /// The twin under `key` after an import; `None` where the line says nothing that the twin does not say already.
    fn changed_twin(&self, registry: &Registry<'_, '_>, key: &str) -> Result<Option<Twin>, ServiceError> {
        let current = registry.twin(key).ok_or_else(|| errors::device_not_found(&self.id))?;
        let edit = |sent: Option<&Map<String, Value>>| match sent.filter(|sent| !sent.is_empty()) {
            Some(sent) => Edit::Merge(sent.clone()),
            None => Edit::Keep,
        };
        let change = Change { tags: edit(self.tags.as_ref()), desired: edit(self.desired().as_ref()) };
        if matches!((&change.tags, &change.desired), (Edit::Keep, Edit::Keep)) {
            return Ok(None);
        }
        current.changed(&change, registry.hub.ground.now()).map(Some)
    }

    /// Whether it asks for its identity to go, whatever the etag.
    pub(super) fn is_removal(&self) -> bool {
        self.mode() == Mode::Delete
    }

    fn mode(&self) -> Mode {
        self.import_mode.unwrap_or_default()
    }

    /// Only the modes that say so look at an etag (recorded: the others succeed with a stale one).
    fn condition(&self) -> Result<Precondition, ServiceError> {
        let given = match self.mode() {
            Mode::UpdateIfMatch | Mode::DeleteIfMatch | Mode::CreateOrUpdateIfMatch => &self.etag,
            Mode::UpdateTwinIfMatch => &self.twin_etag,
            _ => return Ok(Precondition::Any),
        };
        match Precondition::parse(given.as_deref()) {
            Ok(Precondition::None) => {
                Err(ServiceError::new(&errors::ARGUMENT_NULL, "The entry has no etag for its mode to match."))
            }
            Ok(condition) => Ok(condition),
            Err(error) => Err(errors::invalid(format!("The entry's etag cannot be used: {error}."))),
        }
    }

    fn desired(&self) -> Option<Map<String, Value>> {
        let Object(properties) = self.properties.as_ref()?;
        properties.desired.clone().map(Section::strip)
    }

    fn first_twin(&self, birth: Birth) -> FirstTwin {
        FirstTwin { birth, tags: self.tags.clone().unwrap_or_default(), desired: self.desired().unwrap_or_default() }
    }

    fn device_spec(&self) -> DeviceSpec {
        DeviceSpec {
            status: self.status,
            status_reason: self.status_reason.clone(),
            authentication: self.authentication.clone(),
            capabilities: self.capabilities.clone(),
            device_scope: self.device_scope.clone(),
            parent_scopes: self.parent_scopes.clone(),
        }
    }

    fn module_spec(&self) -> ModuleSpec {
        ModuleSpec { managed_by: self.managed_by.clone(), authentication: self.authentication.clone() }
    }
}

fn put(registry: &mut Registry<'_, '_>, key: &str, twin: Option<Twin>) {
    if let Some(twin) = twin {
        registry.put_twin(key, twin);
    }
}
