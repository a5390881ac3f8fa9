//! An import: every line of a blob done to the registry, and what could not be done written down.
//!
//! Called by the runner. Lines are done a piece at a time, each piece one change that carries the count of lines along, so
//! that no line is done twice. What is refused goes to `importErrors.log` in the output container (recorded form:
//! azure-functions-host issue 1641, 2017).

use iolite_kernel::ServiceError;
use serde::Serialize;

use crate::configurations::put;
use crate::devices::bulk_entry::Entry;
use crate::jobs::registry::job::RegistryJob;
use crate::jobs::registry::step::{Stop, percent, step};
use crate::jobs::registry::writer::failed;
use crate::{Hub, errors};

/// The blob that says what was refused.
pub(super) const ERRORS: &str = "importErrors.log";
/// How long an imported blob may be, in bytes.
const LONGEST: usize = 512 * 1024 * 1024;
/// How many lines one change takes along.
const PIECE: usize = 100;
/// How long a line may be, in bytes: a twin whose every byte is escaped is not a fourth of it.
const LONGEST_LINE: usize = 1024 * 1024;

/// A line that was refused.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_id: Option<String>,
    error_code: u32,
    error_status: String,
}

/// Does the import `job` of the hub keyed `key`.
pub(super) async fn run(hub: &Hub, key: &str, at: &str, job: &RegistryJob) -> Result<(), Stop> {
    let Some(input) = &job.input else { return Err(Stop::Failed("The job has no input container.".to_owned())) };
    let container = input.container().map_err(|error| Stop::Failed(error.to_string()))?;
    let content = hub.blobs.get(&container, &input.blob, LONGEST).await.map_err(failed)?;
    let lines: Vec<&[u8]> = lines(&content).collect();
    let all = lines.len() as u64;
    let done = usize::try_from(job.lines_done).unwrap_or(usize::MAX).min(lines.len());
    for piece in lines[done..].chunks(PIECE) {
        let entries: Vec<_> = piece.iter().map(|line| read(line)).collect();
        let refused = step(hub, at, |registry, job| {
            job.lines_done += piece.len() as u64;
            job.progress = percent(job.lines_done, all);
            let refused = entries.iter().filter_map(|entry| match entry {
                Ok(entry) => entry.apply(registry).err().map(|error| about(entry, &error)),
                Err(error) => Some(unreadable(error)),
            });
            refused.collect::<Vec<_>>()
        });
        write_down(hub, job, &refused.await?).await?;
        tokio::task::yield_now().await;
    }
    if let Some(blob) = &job.configurations_blob {
        let content = hub.blobs.get(&container, blob, LONGEST).await.map_err(failed)?;
        for line in self::lines(&content) {
            let refused = configuration(hub, key, line).await?;
            write_down(hub, job, refused.as_slice()).await?;
        }
    }
    Ok(())
}

/// Adds to the log of the import.
async fn write_down(hub: &Hub, job: &RegistryJob, refused: &[Refused]) -> Result<(), Stop> {
    if refused.is_empty() {
        return Ok(());
    }
    let output = job.output.container().map_err(|error| Stop::Failed(error.to_string()))?;
    let mut text = Vec::new();
    for line in refused {
        serde_json::to_writer(&mut text, line).map_err(|error| Stop::Failed(error.to_string()))?;
        text.push(b'\n');
    }
    hub.blobs.append(&output, ERRORS, text.into()).await.map_err(failed)
}

/// The lines that hold something.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

fn read(line: &[u8]) -> Result<Entry, ServiceError> {
    if line.len() > LONGEST_LINE {
        return Err(ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, "The line is longer than any device's."));
    }
    Entry::imported(line)
}

/// Makes or changes the configuration of a line, or says why not.
async fn configuration(hub: &Hub, key: &str, line: &[u8]) -> Result<Option<Refused>, Stop> {
    match put::import(hub, key, line).await {
        Ok(()) => Ok(None),
        Err((_, error)) if error.code.status >= 500 => Err(Stop::Store(error)),
        Err((id, error)) => Ok(Some(Refused { configuration_id: id, ..unreadable(&error) })),
    }
}

fn about(entry: &Entry, error: &ServiceError) -> Refused {
    Refused { device_id: Some(entry.id.clone()), module_id: entry.module_id.clone(), ..unreadable(error) }
}

fn unreadable(error: &ServiceError) -> Refused {
    Refused {
        device_id: None,
        module_id: None,
        configuration_id: None,
        error_code: error.code.number,
        error_status: error.message.clone(),
    }
}
