//! A scheduled job: its record, and how it is answered.
//!
//! Written by the operations and by the runner. What it came to on each device is a record of its own.

use iolite_kernel::{Answer, SignedDuration, Timestamp, iso_shortest};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::document::Doc;
use crate::jobs::scheduled::device_job::DeviceJobStatus;

/// How long a job is remembered after its end (documented: 30 days).
const HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A scheduled job; keyed by `hub/jobId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledJob {
    /// Its id, with case.
    pub id: Box<str>,
    /// What it does.
    pub work: Work,
    /// Which devices it does it on, as it was sent.
    pub condition: Box<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is to begin.
    pub start_at: Timestamp,
    /// How long it may take, in seconds.
    pub most_seconds: u32,
    /// How far it is.
    pub status: JobStatus,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Box<str>>,
    /// Whether all its devices have been found.
    #[serde(default)]
    pub targeted: bool,
    /// How many devices are how far.
    #[serde(default)]
    pub counts: Counts,
}

impl Record for ScheduledJob {
    const COLLECTION: &'static str = "hub.jobs";
}

/// What a job does on each device, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body")]
pub enum Work {
    /// Merges into the twin.
    #[serde(rename = "scheduleUpdateTwin")]
    UpdateTwin(Doc),
    /// Calls a direct method.
    #[serde(rename = "scheduleDeviceMethod")]
    DeviceMethod(Doc),
}

impl Work {
    /// The job's type on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::UpdateTwin(_) => "scheduleUpdateTwin",
            Self::DeviceMethod(_) => "scheduleDeviceMethod",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobStatus {
    /// It waits to be looked at.
    Queued,
    /// Its time is still to come.
    Scheduled,
    /// It is being done.
    Running,
    /// It was done; devices may have failed.
    Completed,
    /// It could not be done.
    Failed,
    /// It was called off before it began.
    Cancelled,
}

impl JobStatus {
    /// Whether nothing more will become of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many of a job's devices are how far (`deviceJobStatistics`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Devices that the job is for.
    #[serde(rename = "deviceCount")]
    pub devices: u32,
    /// Those on which it failed.
    #[serde(rename = "failedCount")]
    pub failed: u32,
    /// Those on which it was done.
    #[serde(rename = "succeededCount")]
    pub succeeded: u32,
    /// Those on which it is being done.
    #[serde(rename = "runningCount")]
    pub running: u32,
    /// Those on which it is still to be done.
    #[serde(rename = "pendingCount")]
    pub pending: u32,
}

/// A job as answered; what is not known is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobView<'a> {
    job_id: &'a str,
    query_condition: &'a str,
    created_time: String,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    max_execution_time_in_seconds: u32,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_to_device_method: Option<&'a Doc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_twin: Option<&'a Doc>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_job_statistics: Option<Counts>,
}

impl ScheduledJob {
    /// Whether it is being done at `now`, or is to be.
    pub(super) fn is_active(&self, now: Timestamp) -> bool {
        !self.status.is_over() && self.start_at <= now
    }

    /// When it is forgotten; `None` while it is not over.
    pub(super) fn forgotten_at(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended| ended.saturating_add(HISTORY).unwrap_or(Timestamp::MAX))
    }

    /// When its time is over; it has begun.
    pub(super) fn deadline(&self) -> Timestamp {
        let begun = self.begun_at.unwrap_or(self.start_at);
        begun.saturating_add(SignedDuration::from_secs(self.most_seconds.into())).unwrap_or(Timestamp::MAX)
    }

    /// It, as an item of a list or an answer.
    pub(super) fn view(&self) -> JobView<'_> {
        let (method, twin) = match &self.work {
            Work::DeviceMethod(body) => (Some(body), None),
            Work::UpdateTwin(body) => (None, Some(body)),
        };
        JobView {
            job_id: &self.id,
            query_condition: &self.condition,
            created_time: iso_shortest(self.created_at),
            start_time: iso_shortest(self.start_at),
            end_time: self.ended_at.map(iso_shortest),
            max_execution_time_in_seconds: self.most_seconds,
            r#type: self.work.kind(),
            cloud_to_device_method: method,
            update_twin: twin,
            status: self.status.name(),
            failure_reason: self.failure.as_deref(),
            device_job_statistics: self.begun_at.map(|_| self.counts),
        }
    }

    /// 200 with it.
    pub(super) fn answer(&self) -> Answer {
        Answer::ok(&self.view())
    }
}

impl Counts {
    /// One device has come from one state to another.
    pub(super) fn moved(&mut self, from: DeviceJobStatus, to: DeviceJobStatus) {
        let place = self.of(from);
        *place = place.saturating_sub(1);
        *self.of(to) += 1;
    }

    fn of(&mut self, status: DeviceJobStatus) -> &mut u32 {
        match status {
            DeviceJobStatus::Pending => &mut self.pending,
            DeviceJobStatus::Running => &mut self.running,
            DeviceJobStatus::Completed => &mut self.succeeded,
            DeviceJobStatus::Failed => &mut self.failed,
        }
    }
}
