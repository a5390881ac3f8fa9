//! An import or export job: its record, and how it is answered.
//!
//! Written by the operations and by the runner. A container's signature is never answered, and not kept once the job is over.

use iolite_kernel::{Answer, Secret, SignedDuration, Timestamp, iso_shortest};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::blobs::{Container, ContainerError};

/// How long a job is remembered after its end (documented: 30 days).
const HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// An import or export job; keyed by `hub/jobId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryJob {
    /// Its id.
    pub id: Box<str>,
    /// Which way the registry goes.
    pub kind: RegistryJobKind,
    /// Where an import reads from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Place>,
    /// Where an export is written, or an import's errors.
    pub output: Place,
    /// Whether keys are left out of an export.
    #[serde(default)]
    pub exclude_keys: bool,
    /// The blob of the configurations, where they go along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configurations_blob: Option<Box<str>>,
    /// How far it is.
    pub status: RegistryJobStatus,
    /// How much of it is done, in percent.
    #[serde(default)]
    pub progress: u8,
    /// How many lines of an import were done.
    #[serde(default)]
    pub lines_done: u64,
    /// When it was made.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Box<str>>,
}

impl Record for RegistryJob {
    const COLLECTION: &'static str = "hub.registryJobs";
}

/// A blob in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The container's URI with its signature.
    pub container: Secret,
    /// The blob's name.
    pub blob: Box<str>,
}

/// Which way the registry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RegistryJobKind {
    /// From the hub into a blob.
    Export,
    /// From a blob into the hub.
    Import,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RegistryJobStatus {
    /// It waits for its turn.
    Enqueued,
    /// It is being done.
    Running,
    /// It was done.
    Completed,
    /// It could not be done.
    Failed,
    /// It was called off.
    Cancelled,
}

impl RegistryJobStatus {
    /// Whether nothing more will become of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A job as answered; what is not known is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegistryJobView<'a> {
    job_id: &'a str,
    r#type: RegistryJobKind,
    status: RegistryJobStatus,
    progress: u8,
    start_time_utc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_blob_container_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_blob_name: Option<&'a str>,
    output_blob_container_uri: &'a str,
    output_blob_name: &'a str,
    exclude_keys_in_export: bool,
    storage_authentication_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
    include_configurations: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    configurations_blob_name: Option<&'a str>,
}

impl RegistryJob {
    /// When it is forgotten; `None` while it is not over.
    pub(super) fn forgotten_at(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended| ended.saturating_add(HISTORY).unwrap_or(Timestamp::MAX))
    }

    /// It, once nothing more becomes of it.
    pub(super) fn over(&self, status: RegistryJobStatus, failure: Option<&str>, now: Timestamp) -> Self {
        let progress = if status == RegistryJobStatus::Completed { 100 } else { self.progress };
        Self {
            status,
            progress,
            failure: failure.map(Box::from),
            ended_at: Some(now),
            input: self.input.as_ref().map(Place::forgetful),
            output: self.output.forgetful(),
            ..self.clone()
        }
    }

    /// 200 with it.
    pub(super) fn answer(&self) -> Answer {
        Answer::ok(&self.view())
    }

    /// It, as an item of a list or an answer.
    pub(super) fn view(&self) -> RegistryJobView<'_> {
        RegistryJobView {
            job_id: &self.id,
            r#type: self.kind,
            status: self.status,
            progress: self.progress,
            start_time_utc: iso_shortest(self.started_at),
            end_time_utc: self.ended_at.map(iso_shortest),
            input_blob_container_uri: self.input.as_ref().map(Place::bare),
            input_blob_name: self.input.as_ref().map(|input| &*input.blob),
            output_blob_container_uri: self.output.bare(),
            output_blob_name: &self.output.blob,
            exclude_keys_in_export: self.exclude_keys,
            storage_authentication_type: "keyBased",
            failure_reason: self.failure.as_deref(),
            include_configurations: self.configurations_blob.is_some(),
            configurations_blob_name: self.configurations_blob.as_deref(),
        }
    }
}

impl Place {
    /// The container, ready to be used.
    pub(super) fn container(&self) -> Result<Container, ContainerError> {
        Container::parse(self.container.reveal())
    }

    fn forgetful(&self) -> Self {
        Self { container: Secret::new(self.bare()), blob: self.blob.clone() }
    }

    /// The container's URI without its signature.
    fn bare(&self) -> &str {
        let whole = self.container.reveal();
        whole.split_once('?').map_or(whole, |(place, _)| place)
    }
}
