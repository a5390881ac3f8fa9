//! Brings one device to what the plan makes of it.
//!
//! Called by the runner. It looks first without disturbing anybody, and only where something is to be written looks again
//! inside a change.

use iolite_kernel::ServiceError;

use crate::configurations::rollout::outcome::{Standing, outcome};
use crate::configurations::rollout::plan::Plan;
use crate::registry::{FirstTwin, ModuleSpec, Registry};
use crate::twin::Birth;
use crate::{Hub, ids};

/// Settles the device under `key`. A store that takes no changes any more leaves it as it is, for the next process.
pub(super) async fn settle(hub: &Hub, plan: &Plan, key: &str) {
    let now = hub.ground.now();
    let Some(standing) = kept(hub, key) else { return };
    if outcome(hub, plan, &standing, now).is_nothing() {
        return;
    }
    let settled = hub.change(ids::hub_of(key), |registry| {
        let Some(standing) = current(registry, key) else { return Ok(()) };
        let mut wanted = outcome(hub, plan, &standing, now);
        if !wanted.missing.is_empty() {
            for module in &wanted.missing {
                // A device that has as many modules as it may keeps those.
                drop(make(registry, &standing.device.id, module));
            }
            let Some(standing) = current(registry, key) else { return Ok(()) };
            wanted = outcome(hub, plan, &standing, now);
        }
        for (key, twin) in wanted.twins {
            registry.put_twin(&key, twin);
        }
        Ok::<_, ServiceError>(())
    });
    if let Err(error) = settled.await {
        tracing::warn!(%error, key, "configurations could not be rolled out");
    }
}

fn make(registry: &mut Registry<'_, '_>, device_id: &str, module: &str) -> Result<(), ServiceError> {
    let spec = ModuleSpec { managed_by: Some("iotEdge".to_owned()), authentication: None };
    registry.create_module(device_id, module, &spec, &FirstTwin::empty(Birth::Module)).map(|_| ())
}

fn kept(hub: &Hub, key: &str) -> Option<Standing> {
    let modules = hub.modules.all(&format!("{key}/")).into_iter();
    Some(Standing {
        key: key.to_owned(),
        device: hub.devices.get(key)?,
        twin: hub.twins.get(key)?,
        modules: modules.filter_map(|(key, module)| hub.twins.get(&key).map(|twin| (key, module, twin))).collect(),
    })
}

fn current(registry: &Registry<'_, '_>, key: &str) -> Option<Standing> {
    let (hub, transaction) = (registry.hub, &registry.transaction);
    let modules = transaction.all(&hub.modules, &format!("{key}/")).into_iter();
    Some(Standing {
        key: key.to_owned(),
        device: transaction.get(&hub.devices, key)?,
        twin: transaction.get(&hub.twins, key)?,
        modules: modules
            .filter_map(|(key, module)| transaction.get(&hub.twins, &key).map(|twin| (key, module, twin)))
            .collect(),
    })
}
