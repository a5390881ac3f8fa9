//! The content of a configuration, taken apart into what it sets on which twin.
//!
//! Used by `Configuration_ApplyOnEdgeDevice`, and by the roll-out of configurations. Keys are `properties.desired`, which sets all of them, or a path below it,
//! which sets that one.

use iolite_kernel::ServiceError;
use serde_json::{Map, Value};

use crate::registry::{FirstTwin, ModuleSpec, Registry};
use crate::twin::{Birth, Change, Edit};
use crate::twins::unset::Unset;
use crate::{body, errors, ids};

/// The key that stands for all desired properties.
const DESIRED: &str = "properties.desired";

/// How many names a path below it may have; a twin takes no deeper ones.
const DEEPEST: usize = 11;

/// The module whose desired properties say which modules a device runs.
pub(super) const AGENT: &str = "$edgeAgent";
/// How many modules a content may be for (documented).
const MOST_MODULES: usize = 50;

/// What a content sets.
#[derive(Debug)]
pub(super) struct Content {
    /// On the device's twin.
    pub(super) device: Vec<Edit>,
    /// On the twin of each module that is targeted.
    pub(super) module: Vec<Edit>,
    /// On the twins of an Edge device's modules, by their ids.
    pub(super) modules: Vec<(String, Vec<Edit>)>,
}

impl Content {
    /// Reads what is to be put on one Edge device: `deviceContent` and `modulesContent`; one of them must be there.
    pub(super) fn of_device(sent: &Map<String, Value>) -> Result<Self, ServiceError> {
        if body::section(sent, "deviceContent")?.is_none() && body::section(sent, "modulesContent")?.is_none() {
            return Err(refuse("The body has neither 'deviceContent' nor 'modulesContent'.".to_owned()));
        }
        Self::read(sent)
    }

    /// Reads a content of any kind.
    pub(super) fn read(sent: &Map<String, Value>) -> Result<Self, ServiceError> {
        let part = |name: &str| body::section(sent, name)?.map_or_else(|| Ok(Vec::new()), edits);
        let mut content = Self { device: part("deviceContent")?, module: part("moduleContent")?, modules: Vec::new() };
        let modules = body::section(sent, "modulesContent")?;
        if modules.is_some_and(|modules| modules.len() > MOST_MODULES) {
            return Err(refuse(format!("The content is for more than {MOST_MODULES} modules.")));
        }
        for (id, part) in modules.into_iter().flatten() {
            let Value::Object(part) = part else {
                return Err(refuse(format!("The content of module '{}' is not a JSON object.", body::shortened(id))));
            };
            let id = ids::module(id).map_err(|error| refuse(error.message))?;
            content.modules.push((id.to_owned(), edits(part)?));
        }
        Ok(content)
    }

    /// Checks what can be checked without the twins: names, values and depth.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        let modules = self.modules.iter().flat_map(|(_, edits)| edits);
        for edit in self.device.iter().chain(&self.module).chain(modules) {
            let change = Change { tags: Edit::Keep, desired: edit.clone() };
            change.check().map_err(|error| refuse(error.message))?;
        }
        Ok(())
    }

    /// Whether it says by itself which modules an Edge device runs; what does not is laid over one that does.
    pub(super) fn is_base(&self) -> bool {
        let agent = self.modules.iter().find(|(module, _)| module == AGENT);
        agent.is_some_and(|(_, edits)| edits.iter().any(|edit| matches!(edit, Edit::Replace(_))))
    }

    /// Sets it all on the twins of `device_id` and of its modules; a module that is missing is made.
    pub(super) fn apply(&self, registry: &mut Registry<'_, '_>, device_id: &str) -> Result<(), ServiceError> {
        let key = ids::device_key(registry.key, device_id);
        apply_to(registry, &key, &self.device)?;
        for (module, edits) in &self.modules {
            if registry.module(device_id, module).is_err() {
                let spec = ModuleSpec { managed_by: Some("iotEdge".to_owned()), authentication: None };
                registry.create_module(device_id, module, &spec, &FirstTwin::empty(Birth::Module))?;
            }
            let key = ids::module_key(registry.key, device_id, module);
            apply_to(registry, &key, edits)?;
        }
        Ok(())
    }
}

fn apply_to(registry: &mut Registry<'_, '_>, key: &str, edits: &[Edit]) -> Result<(), ServiceError> {
    for edit in edits {
        if let Some(current) = registry.twin(key) {
            let change = Change { tags: Edit::Keep, desired: edit.clone() };
            let changed = current.changed(&change, registry.hub.ground.now())?;
            registry.put_changed_twin(key, changed, &Unset::by(&change));
        }
    }
    Ok(())
}

/// The edits that a part asks for: the whole first, so that single paths stay.
fn edits(part: &Map<String, Value>) -> Result<Vec<Edit>, ServiceError> {
    let mut edits = Vec::new();
    if let Some(whole) = part.get(DESIRED) {
        let Value::Object(whole) = whole else {
            return Err(refuse(format!("'{DESIRED}' is not a JSON object.")));
        };
        edits.push(Edit::Replace(whole.clone()));
    }
    for (key, value) in part.iter().filter(|(key, _)| *key != DESIRED) {
        let path = key.strip_prefix(DESIRED).and_then(|rest| rest.strip_prefix('.'));
        let readable = |path: &&str| !path.split('.').any(str::is_empty) && path.split('.').count() <= DEEPEST;
        let Some(path) = path.filter(readable) else {
            let message = format!("'{}' is neither '{DESIRED}' nor a path below it.", body::shortened(key));
            return Err(refuse(message));
        };
        edits.push(Edit::Merge(nested(path, value.clone())));
    }
    Ok(edits)
}

/// `a.b` and a value as `{"a": {"b": value}}`.
fn nested(path: &str, value: Value) -> Map<String, Value> {
    let mut names = path.rsplit('.');
    let innermost = Map::from_iter([(names.next().unwrap_or_default().to_owned(), value)]);
    names.fold(innermost, |inner, name| Map::from_iter([(name.to_owned(), Value::Object(inner))]))
}

fn refuse(message: String) -> ServiceError {
    ServiceError::new(&errors::INVALID_CONFIGURATION_CONTENT, message)
}
