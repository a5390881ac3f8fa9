//! Rolls configurations out: puts what they set on the twins that they target, and says so there.
//!
//! [`crate::Hub::run_configurations`] is spawned once, with the hub's other work. A change of a configuration has the whole hub looked at, a
//! piece at a time; a change of a device, a module or a twin only that device. The service does both every few minutes
//! (iot-hub-automatic-device-management); here it is done at once. What a configuration set stays when it goes.

mod outcome;
mod plan;
mod settle;
#[cfg(test)]
mod tests;
mod unsettled;

use std::sync::Arc;

use iolite_store::Record;

use crate::configurations::rollout::plan::Plans;
use crate::configurations::rollout::unsettled::{Unsettled, Work};
use crate::{Configuration, Device, Hub, Module, Twin};

/// What a roll-out may follow from.
const WATCHED: [&str; 4] = [Configuration::COLLECTION, Device::COLLECTION, Module::COLLECTION, Twin::COLLECTION];
/// How many devices of a hub are looked at between two chances for others.
const PIECE: usize = 128;

impl Hub {
    /// Rolls the configurations of every hub out, for as long as the future is polled. Spawn it once.
    pub(crate) async fn run_configurations(self: Arc<Self>) {
        let configurations = self.configurations.clone();
        let mut changes = self.store.watch_where(&WATCHED, move |change| unsettled::matters(&configurations, change));
        let (mut unsettled, mut plans) = (Unsettled::everything(), Plans::default());
        loop {
            unsettled.note_all(&self, &mut changes);
            match unsettled.next(&self) {
                Some(Work::Device(key)) => {
                    let plan = plans.of(&self, crate::ids::hub_of(&key));
                    if !plan.is_empty() {
                        settle::settle(&self, &plan, &key).await;
                        tokio::task::yield_now().await;
                    }
                }
                Some(Work::Hub(key, after)) => {
                    let plan = plans.of(&self, &key);
                    let piece = self.devices.page(&format!("{key}/"), after.as_deref(), PIECE);
                    for (device, _) in &piece {
                        settle::settle(&self, &plan, device).await;
                    }
                    if let Some((last, _)) = piece.last().filter(|_| piece.len() == PIECE) {
                        unsettled.go_on(key, last.to_string());
                    }
                    tokio::task::yield_now().await;
                }
                None => unsettled.wait(&self, &mut changes).await,
            }
        }
    }
}
