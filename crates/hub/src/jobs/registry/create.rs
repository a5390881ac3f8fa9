//! `Jobs_CreateImportExportJob`: makes an import or an export job.
//!
//! Source: IoT Hub data plane 2021-04-12, and iot-hub-bulk-identity-mgmt (2024). A hub does one at a time. The containers are
//! tried before the job is taken, so that a wrong signature is refused here. Storage is reached by the containers' own
//! signatures; a hub's identity is not tried at storage.

use iolite_access::Permit;
use iolite_kernel::{Answer, Bytes, Method, Need, Operation, Request, Right, Secret, Service, ServiceError, Support};
use serde::Deserialize;

use crate::blobs::{BlobError, Container};
use crate::jobs::registry::import::ERRORS;
use crate::jobs::registry::job::{Place, RegistryJob, RegistryJobKind, RegistryJobStatus};
use crate::{Hub, body, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_CreateImportExportJob",
    method: Method::Post,
    path: "/jobs/create",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/jobs/write"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Makes an import or export job.",
};

/// The blob of the devices where none is named.
const DEVICES: &str = "devices.txt";
/// The blob of the configurations where none is named.
const CONFIGURATIONS: &str = "configurations.txt";
/// How long a blob's name may be, in characters (documented by Azure Storage).
const LONGEST_BLOB_NAME: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobBody {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    input_blob_container_uri: Option<String>,
    #[serde(default)]
    input_blob_name: Option<String>,
    #[serde(default)]
    output_blob_container_uri: Option<String>,
    #[serde(default)]
    output_blob_name: Option<String>,
    #[serde(default)]
    exclude_keys_in_export: Option<bool>,
    #[serde(default)]
    storage_authentication_type: Option<String>,
    #[serde(default)]
    include_configurations: Option<bool>,
    #[serde(default)]
    configurations_blob_name: Option<String>,
}

/// Makes the job: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let job = read(hub, &request)?;
    let key = permit.resource_key();
    let prefix = format!("{key}/");
    let refuse_second = |jobs: &[(_, _)]| match jobs {
        [] => Ok(()),
        _ => Err(ServiceError::new(&errors::JOB_QUOTA_EXCEEDED, "An import or export job of this hub is under way.")),
    };
    let active = |job: &RegistryJob| !job.status.is_over();
    let known = hub.registry_jobs.all(&prefix);
    refuse_second(&known.into_iter().filter(|(_, job)| active(job)).collect::<Vec<_>>())?;
    try_containers(hub, &job).await?;
    hub.store
        .transact(|transaction| {
            hub.require(transaction, &key)?;
            let known = transaction.all(&hub.registry_jobs, &prefix);
            refuse_second(&known.into_iter().filter(|(_, job)| active(job)).collect::<Vec<_>>())?;
            transaction.put(&hub.registry_jobs, &ids::device_key(&key, &job.id), job.clone());
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(job.answer())
}

fn read(hub: &Hub, request: &Request) -> Result<RegistryJob, ServiceError> {
    let body: JobBody = body::object(request)?;
    let kind = match body.kind.as_deref().unwrap_or_default() {
        kind if kind.eq_ignore_ascii_case("export") => RegistryJobKind::Export,
        kind if kind.eq_ignore_ascii_case("import") => RegistryJobKind::Import,
        kind => {
            let message = format!("'{}' is no type of such a job; export and import are.", body::shortened(kind));
            return Err(errors::invalid(message));
        }
    };
    if body.storage_authentication_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("identityBased")) {
        return Err(refuse(
            "Storage is not reached by the hub's identity here. Send container URIs with a shared access \
                           signature, and 'keyBased'.",
        ));
    }
    let input = match kind {
        RegistryJobKind::Import => Some(place(
            "inputBlobContainerUri",
            body.input_blob_container_uri.as_deref(),
            body.input_blob_name.as_deref().unwrap_or(DEVICES),
        )?),
        RegistryJobKind::Export => None,
    };
    let output = place(
        "outputBlobContainerUri",
        body.output_blob_container_uri.as_deref(),
        body.output_blob_name.as_deref().unwrap_or(DEVICES),
    )?;
    let configurations = body.configurations_blob_name.as_deref().unwrap_or(CONFIGURATIONS);
    check_blob(configurations)?;
    Ok(RegistryJob {
        id: hub.ground.uuid().to_string().into(),
        kind,
        input,
        output,
        exclude_keys: body.exclude_keys_in_export.unwrap_or_default(),
        configurations_blob: body.include_configurations.unwrap_or_default().then(|| configurations.into()),
        status: RegistryJobStatus::Enqueued,
        progress: 0,
        lines_done: 0,
        started_at: hub.ground.now(),
        ended_at: None,
        failure: None,
    })
}

fn place(field: &str, uri: Option<&str>, blob: &str) -> Result<Place, ServiceError> {
    let Some(uri) = uri.filter(|uri| !uri.trim().is_empty()) else {
        return Err(ServiceError::new(&errors::ARGUMENT_NULL, format!("The job has no '{field}'.")));
    };
    Container::parse(uri).map_err(|error| refuse(&format!("'{field}' cannot be used: {error}.")))?;
    check_blob(blob)?;
    Ok(Place { container: Secret::new(uri), blob: blob.into() })
}

fn check_blob(name: &str) -> Result<(), ServiceError> {
    let good = !name.is_empty() && name.chars().count() <= LONGEST_BLOB_NAME && !name.chars().any(char::is_control);
    if good && !name.split('/').any(|part| matches!(part, "." | "..")) {
        return Ok(());
    }
    Err(refuse(&format!("'{}' is no name of a blob.", body::shortened(name))))
}

/// Whether the containers let themselves be used: an export's output is written to, an import's input is looked for and
/// the log of an earlier import taken away.
async fn try_containers(hub: &Hub, job: &RegistryJob) -> Result<(), ServiceError> {
    let unusable = |error: BlobError| refuse(&format!("The container cannot be used: {error}."));
    let container = |place: &Place| place.container().map_err(|error| refuse(&error.to_string()));
    if let Some(input) = &job.input {
        if hub.blobs.length(&container(input)?, &input.blob).await.map_err(unusable)?.is_none() {
            return Err(refuse(&format!("The input container has no blob '{}'.", body::shortened(&input.blob))));
        }
        // What an earlier import wrote down is not this one's.
        return match hub.blobs.delete(&container(&job.output)?, ERRORS).await {
            Ok(()) | Err(BlobError::NotFound(_)) => Ok(()),
            Err(error) => Err(unusable(error)),
        };
    }
    let output = container(&job.output)?;
    hub.blobs.put(&output, &job.output.blob, "text/plain", Bytes::new()).await.map_err(unusable)
}

fn refuse(message: &str) -> ServiceError {
    ServiceError::new(&errors::BLOB_CONTAINER_VALIDATION_ERROR, message)
}
