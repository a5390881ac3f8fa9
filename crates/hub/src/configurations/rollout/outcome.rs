//! What a plan makes of one device and its modules.
//!
//! Worked out by [`super::settle`], from the tables first and inside the change again. It writes nothing.
//!
//! One configuration wins a device's twin, and one a module's. Of Edge deployments the first one that says by itself which
//! modules run is the base, and layered ones of a higher priority are laid over it; layered ones without a base wait
//! (iot-edge module-deployment-monitoring). What a module configuration sets is laid over what deployments set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use iolite_kernel::{ServiceError, Timestamp};
use iolite_store::Versioned;

use crate::configurations::content::AGENT;
use crate::configurations::rollout::plan::{Plan, Rollout};
use crate::devices::query_row::Row;
use crate::twin::{Edit, RolloutStatus};
use crate::twins::section::Author;
use crate::twins::view::Owner;
use crate::{Device, Hub, Module, Twin};

/// A device with its twin and its modules with theirs, each under its key.
pub(super) struct Standing {
    pub(super) key: String,
    pub(super) device: Versioned<Device>,
    pub(super) twin: Versioned<Twin>,
    pub(super) modules: Vec<(Arc<str>, Versioned<Module>, Versioned<Twin>)>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Twins that are to be as here, by their keys.
    pub(super) twins: Vec<(String, Twin)>,
    /// Modules that deployments name and the device has not.
    pub(super) missing: BTreeSet<String>,
}

impl Outcome {
    /// Whether all is as the plan has it.
    pub(super) fn is_nothing(&self) -> bool {
        self.twins.is_empty() && self.missing.is_empty()
    }
}

type Statuses = BTreeMap<Box<str>, RolloutStatus>;
type Parts<'a> = Vec<(&'a Author, &'a [Edit])>;

/// What `plan` makes of `standing`.
pub(super) fn outcome(hub: &Hub, plan: &Plan, standing: &Standing, now: Timestamp) -> Outcome {
    let mut outcome = Outcome::default();
    let row = Row::of_twin(hub, &standing.key, Owner::Device(&standing.device), &standing.twin);
    let (parts, statuses) = winner(&plan.devices, &row, |rollout| &rollout.content.device);
    outcome.add(&standing.key, &standing.twin, &parts, statuses, now);
    let deployed = if standing.device.iot_edge { Deployed::of(&plan.edge, &row) } else { Deployed::default() };
    for (key, module, twin) in &standing.modules {
        let row = Row::of_twin(hub, key, Owner::Module(module), twin);
        let (won, mut statuses) = winner(&plan.modules, &row, |rollout| &rollout.content.module);
        let mut parts = deployed.parts(&module.id);
        parts.extend(won);
        statuses.extend(deployed.statuses(&module.id));
        outcome.add(key, twin, &parts, statuses, now);
    }
    let has = |id: &String| standing.modules.iter().any(|(_, module, _)| *module.id == **id);
    outcome.missing = deployed.module_ids().filter(|id| !has(id)).cloned().collect();
    outcome
}

impl Outcome {
    fn add(&mut self, key: &str, twin: &Twin, parts: &Parts<'_>, statuses: Statuses, now: Timestamp) {
        let changed = twin.rolled_out(parts, statuses.clone(), now).or_else(|_| {
            // What a twin cannot hold is not applied to it.
            let targeted = statuses.into_keys().map(|id| (id, RolloutStatus::Targeted)).collect();
            twin.rolled_out(&[], targeted, now)
        });
        let changed: Result<Option<Twin>, ServiceError> = changed;
        if let Ok(Some(changed)) = changed {
            self.twins.push((key.to_owned(), changed));
        }
    }
}

/// What the first of those that are for `row` sets, and what becomes of all of them.
fn winner<'a>(
    rollouts: &'a [Rollout],
    row: &Row<'_>,
    edits: impl Fn(&'a Rollout) -> &'a Vec<Edit>,
) -> (Parts<'a>, Statuses) {
    let (mut parts, mut statuses) = (Vec::new(), Statuses::new());
    for rollout in rollouts.iter().filter(|rollout| rollout.is_for(row)) {
        let status = if parts.is_empty() { RolloutStatus::Applied } else { RolloutStatus::Targeted };
        if parts.is_empty() {
            parts.push((&rollout.author, edits(rollout).as_slice()));
        }
        statuses.insert(rollout.author.id.clone(), status);
    }
    (parts, statuses)
}

/// The deployments of an Edge device.
#[derive(Default)]
struct Deployed<'a> {
    /// The base and what is laid over it, in the order in which it is laid.
    applied: Vec<&'a Rollout>,
    targeted: Vec<&'a Rollout>,
}

impl<'a> Deployed<'a> {
    fn of(rollouts: &'a [Rollout], row: &Row<'_>) -> Self {
        let mut applied: Vec<&Rollout> = rollouts.iter().filter(|rollout| rollout.is_for(row)).collect();
        let base = applied.iter().position(|rollout| rollout.content.is_base());
        let targeted = applied.split_off(base.map_or(0, |base| base + 1));
        applied.reverse();
        Self { applied, targeted }
    }

    fn parts(&self, module: &str) -> Parts<'a> {
        self.applied.iter().filter_map(|rollout| Some((&rollout.author, edits_of(rollout, module)?))).collect()
    }

    /// The agent's twin tells of every deployment, another module's of those that set something on it.
    fn statuses(&self, module: &'a str) -> impl Iterator<Item = (Box<str>, RolloutStatus)> {
        let applied = self.applied.iter().map(|rollout| (*rollout, RolloutStatus::Applied));
        let targeted = self.targeted.iter().map(|rollout| (*rollout, RolloutStatus::Targeted));
        let told = move |rollout: &Rollout| module == AGENT || edits_of(rollout, module).is_some();
        let told = applied.chain(targeted).filter(move |(rollout, _)| told(rollout));
        told.map(|(rollout, status)| (rollout.author.id.clone(), status))
    }

    fn module_ids(&self) -> impl Iterator<Item = &'a String> {
        self.applied.iter().flat_map(|rollout| rollout.content.modules.iter().map(|(module, _)| module))
    }
}

fn edits_of<'a>(rollout: &'a Rollout, module: &str) -> Option<&'a [Edit]> {
    rollout.content.modules.iter().find(|(id, _)| id == module).map(|(_, edits)| edits.as_slice())
}
