//! What a scheduled job came to on one device or module: its record, and its row in `devices.jobs`.
//!
//! Written by the runner, read by queries. Source of the row's shape: query-jobs (2022) and the .NET SDK's `DeviceJob`.

use iolite_kernel::{ServiceError, Timestamp, iso_shortest};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::document::Doc;

/// What a job came to on a device; keyed by `hub/jobId/deviceId` or `hub/jobId/deviceId/moduleId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceJob {
    /// The job.
    pub job_id: Box<str>,
    /// The job's type on the wire.
    pub kind: Box<str>,
    /// The device.
    pub device_id: Box<str>,
    /// The module, where the job is for modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<Box<str>>,
    /// How far it is.
    pub status: DeviceJobStatus,
    /// When the device was found to be one of the job's.
    pub created_at: Timestamp,
    /// When this last changed.
    pub changed_at: Timestamp,
    /// When it began on this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// When it ended on this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What the device answered to the method: `{"status", "payload"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Doc>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<DeviceJobError>,
}

impl Record for DeviceJob {
    const COLLECTION: &'static str = "hub.deviceJobs";
}

/// How far a job is on one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceJobStatus {
    /// It has not begun.
    Pending,
    /// It is under way.
    Running,
    /// It was done.
    Completed,
    /// It could not be done.
    Failed,
}

impl DeviceJobStatus {
    /// Whether nothing more will become of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// Why a job failed on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceJobError {
    /// The service's number for it, as text.
    pub code: Box<str>,
    /// In words.
    pub description: Box<str>,
}

impl From<&ServiceError> for DeviceJobError {
    fn from(error: &ServiceError) -> Self {
        Self { code: error.code.number.to_string().into(), description: error.message.as_str().into() }
    }
}

impl From<ServiceError> for DeviceJobError {
    fn from(error: ServiceError) -> Self {
        Self::from(&error)
    }
}

/// A row of `devices.jobs`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceJobView<'a> {
    device_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<&'a str>,
    job_id: &'a str,
    job_type: &'a str,
    status: DeviceJobStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time_utc: Option<String>,
    created_date_time_utc: String,
    last_updated_date_time_utc: String,
    outcome: Outcome<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a DeviceJobError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    device_method_response: Option<&'a Doc>,
}

impl DeviceJob {
    /// Its row.
    pub(crate) fn view(&self) -> DeviceJobView<'_> {
        DeviceJobView {
            device_id: &self.device_id,
            module_id: self.module_id.as_deref(),
            job_id: &self.job_id,
            job_type: &self.kind,
            status: self.status,
            start_time_utc: self.begun_at.map(iso_shortest),
            end_time_utc: self.ended_at.map(iso_shortest),
            created_date_time_utc: iso_shortest(self.created_at),
            last_updated_date_time_utc: iso_shortest(self.changed_at),
            outcome: Outcome { device_method_response: self.response.as_ref() },
            error: self.error.as_ref(),
        }
    }
}
