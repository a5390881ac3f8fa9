//! A scheduled job as sent, and the checks that it passes before it is kept.
//!
//! Used by `Jobs_CreateScheduledJob`. A condition that cannot be read is not refused here: the service takes the job, and the
//! job fails (azure-iot-sdk-csharp issue 40, 2017); one longer than a query may be is refused at once (issue 1680, 2021).

use iolite_kernel::{Request, ServiceError, Timestamp};
use iolite_query::iothub::LONGEST_QUERY;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::document::Doc;
use crate::jobs::scheduled::job::Work;
use crate::methods::call::MethodCall;
use crate::twin::Change;
use crate::twins::change_body::{self, Manner};
use crate::{body, errors};

/// How long a job may take where nothing is said, in seconds; Azure CLI sends the same.
const USUAL_SECONDS: u32 = 3600;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobBody {
    #[serde(default)]
    job_id: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    cloud_to_device_method: Option<Box<RawValue>>,
    #[serde(default)]
    update_twin: Option<Map<String, Value>>,
    #[serde(default)]
    query_condition: Option<String>,
    #[serde(default)]
    start_time: Option<String>,
    #[serde(default)]
    max_execution_time_in_seconds: Option<i64>,
}

/// What was sent, found right.
pub(super) struct JobRequest {
    pub(super) work: Work,
    pub(super) condition: Box<str>,
    /// `None` is at once.
    pub(super) start_at: Option<Timestamp>,
    pub(super) most_seconds: u32,
}

/// Reads the job `id` out of `request`.
pub(super) fn read(request: &Request, id: &str) -> Result<JobRequest, ServiceError> {
    let body: JobBody = body::object(request)?;
    body::refuse_long_integers(request)?;
    if body.job_id.as_deref().is_some_and(|sent| sent != id) {
        return Err(errors::invalid("The body's 'jobId' is not the one in the path."));
    }
    let work = work(&body)?;
    let condition = body.query_condition.as_deref().map(str::trim).unwrap_or_default();
    if condition.is_empty() {
        return Err(ServiceError::new(
            &errors::ARGUMENT_NULL,
            "The job has no 'queryCondition'; * is for every device.",
        ));
    }
    if condition.chars().count() > LONGEST_QUERY {
        let message = format!("'queryCondition' is longer than {LONGEST_QUERY} characters.");
        return Err(ServiceError::new(&errors::PRECONDITION_FAILED, message));
    }
    Ok(JobRequest {
        work,
        condition: condition.into(),
        start_at: body.start_time.as_deref().map(moment).transpose()?,
        most_seconds: most_seconds(body.max_execution_time_in_seconds)?,
    })
}

fn work(body: &JobBody) -> Result<Work, ServiceError> {
    match body.kind.as_deref().unwrap_or_default() {
        "scheduleUpdateTwin" => {
            let missing = || ServiceError::new(&errors::ARGUMENT_NULL, "The job has no 'updateTwin'.");
            let sent = body.update_twin.as_ref().ok_or_else(missing)?;
            twin_change(sent)?;
            Ok(Work::UpdateTwin(Doc::new(sent)))
        }
        "scheduleDeviceMethod" => {
            let missing = || ServiceError::new(&errors::ARGUMENT_NULL, "The job has no 'cloudToDeviceMethod'.");
            let sent = body.cloud_to_device_method.clone().ok_or_else(missing)?;
            MethodCall::read(sent.get().as_bytes())?;
            Ok(Work::DeviceMethod(sent.into()))
        }
        // Recorded (azure-docs issue 29484, 2019): a type that is none of these is a bad request and no more.
        kind => {
            let message = format!(
                "'{}' is no type of a scheduled job; scheduleUpdateTwin and scheduleDeviceMethod are.",
                body::shortened(kind)
            );
            Err(ServiceError::new(&errors::GENERIC_BAD_REQUEST, message))
        }
    }
}

/// The change that `updateTwin` asks for, and the etag that it names: a job needs one, `*` for whatever is there.
pub(super) fn twin_change(sent: &Map<String, Value>) -> Result<(Change, String), ServiceError> {
    let Some(Value::String(etag)) = sent.get("etag").filter(|etag| **etag != "") else {
        return Err(errors::invalid("'updateTwin' has no 'etag'; * is for whatever twin there is."));
    };
    if !sent.contains_key("tags") && !sent.contains_key("properties") {
        return Err(errors::invalid("'updateTwin' has neither 'tags' nor 'properties'."));
    }
    let change = change_body::change(sent, Manner::Merge)?;
    change.check()?;
    Ok((change, etag.clone()))
}

fn most_seconds(sent: Option<i64>) -> Result<u32, ServiceError> {
    match sent {
        None | Some(0) => Ok(USUAL_SECONDS),
        Some(seconds) => u32::try_from(seconds).map_err(|_| {
            errors::invalid("'maxExecutionTimeInSeconds' is not a number of seconds that a job can take.")
        }),
    }
}

/// A moment in ISO 8601. Without a zone, as Azure CLI may send it, it is UTC.
fn moment(text: &str) -> Result<Timestamp, ServiceError> {
    let text = text.trim();
    text.parse().or_else(|_| format!("{text}Z").parse()).map_err(|_| {
        errors::invalid(format!("'startTime' is '{}', which is no moment in ISO 8601.", body::shortened(text)))
    })
}
