//! Counts what a configuration's metrics ask for, over the twins as they are.
//!
//! Used when a configuration is read. The service measures in the background: an answer straight after a change has no
//! results (recorded), and so has one here for the first half minute.

use iolite_kernel::{ServiceError, SignedDuration};

use crate::Hub;
use crate::configuration::{Configuration, Measurement};
use crate::configurations::check;
use crate::devices::query_page::Reader;

/// How long after its last change a configuration is first measured.
const FIRST_MEASUREMENT: SignedDuration = SignedDuration::from_secs(30);

/// Hubs with more devices are not measured when configurations are read: it would walk all of them for each metric.
const MOST_DEVICES: usize = 20_000;

/// The counts for `configuration` of the hub keyed `key`.
pub(super) async fn measure(hub: &Hub, key: &str, configuration: &Configuration) -> Result<Measurement, ServiceError> {
    let mut measurement = Measurement::default();
    let age = hub.ground.now().duration_since(configuration.changed_at);
    if age < FIRST_MEASUREMENT || hub.devices.count(&format!("{key}/")) > MOST_DEVICES {
        return Ok(measurement);
    }
    for (name, text) in configuration.system_queries() {
        if name == "targetedCount" && configuration.target_condition.trim().is_empty() {
            measurement.system.insert(name.to_owned(), 0);
        } else if let Some(count) = count(hub, key, &text).await? {
            measurement.system.insert(name.to_owned(), count);
        }
    }
    for (name, text) in &configuration.metrics {
        if let Some(count) = count(hub, key, text).await? {
            measurement.custom.insert(name.clone(), count);
        }
    }
    Ok(measurement)
}

/// `None` where the query cannot be read; those of a kept configuration were read when it was put.
async fn count(hub: &Hub, key: &str, text: &str) -> Result<Option<usize>, ServiceError> {
    match check::metric(text) {
        Ok(query) => Reader::new(hub, key.to_owned(), &query, text).count().await.map(Some),
        Err(_) => Ok(None),
    }
}
