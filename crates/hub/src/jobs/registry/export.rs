//! An export: every device with its modules as a line each, and the configurations where they go along.
//!
//! Called by the runner. What changes meanwhile is exported as it was before or as it is after.

use crate::Hub;
use crate::configuration::Measurement;
use crate::jobs::registry::job::{Place, RegistryJob};
use crate::jobs::registry::line::Line;
use crate::jobs::registry::step::{Stop, percent, step};
use crate::jobs::registry::writer::Writer;

/// How many devices are looked at at once.
const PIECE: usize = 256;

/// Does the export `job` of the hub keyed `key`.
pub(super) async fn run(hub: &Hub, key: &str, at: &str, job: &RegistryJob) -> Result<(), Stop> {
    let mut writer = Writer::new(&*hub.blobs, &job.output)?;
    let prefix = format!("{key}/");
    let all = hub.devices.count(&prefix) as u64;
    let (mut after, mut done, mut told) = (None::<String>, 0, 0);
    loop {
        let piece = hub.devices.page(&prefix, after.as_deref(), PIECE);
        for (key, device) in &piece {
            let Some(twin) = hub.twins.get(key) else { continue };
            writer.line(&Line::of_device(device, &twin, job.exclude_keys)).await?;
            for (key, module) in hub.modules.all(&format!("{key}/")) {
                let Some(twin) = hub.twins.get(&key) else { continue };
                writer.line(&Line::of_module(&module, &twin, job.exclude_keys)).await?;
            }
        }
        done += piece.len() as u64;
        let percent = percent(done, all);
        if percent >= told + 10 {
            step(hub, at, |_, job| job.progress = percent).await?;
            told = percent;
        }
        match piece.last() {
            Some((last, _)) if piece.len() == PIECE => after = Some(last.to_string()),
            _ => break,
        }
        tokio::task::yield_now().await;
    }
    writer.finish().await?;
    match &job.configurations_blob {
        Some(blob) => configurations(hub, &prefix, &job.output, blob).await,
        None => Ok(()),
    }
}

async fn configurations(hub: &Hub, prefix: &str, output: &Place, blob: &str) -> Result<(), Stop> {
    let place = Place { container: output.container.clone(), blob: blob.into() };
    let mut writer = Writer::new(&*hub.blobs, &place)?;
    for (_, configuration) in hub.configurations.all(prefix) {
        writer.line(&configuration.view(&Measurement::default())).await?;
    }
    writer.finish().await
}
