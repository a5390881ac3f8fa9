//! Begins an upload: tells a device where to put its file, and signs for that blob.
//!
//! Source: iot-hub-devguide-file-upload and the device SDKs (.NET `FileUploadSasUriResponse`, Node `blob_upload`), which build
//! `https://{hostName}/{containerName}/{blobName}{sasToken}`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_access::Permit;
use iolite_kernel::{
    Answer, Method, Need, Operation, Request, Service, ServiceError, SignedDuration, Support, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::settings::UploadSettings;
use super::upload::{self, Upload};
use crate::blobs::BlobRights;
use crate::{Hub, body, errors, ids, versions};

/// How many uploads of one device may be open (documented).
const MOST_OPEN: usize = 10;

/// For how long a correlation id that ran out is told from one that never was.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// How long the blob service may take to make the container.
const CONTAINER_DEADLINE: Duration = Duration::from_secs(5);

/// `POST /devices/{id}/files`.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_CreateFileUploadSasUri",
    method: Method::Post,
    path: "/devices/{id}/files",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Begins a file upload.",
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    #[serde(default)]
    blob_name: Option<String>,
}

/// The answer, in the documented order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SasUri<'a> {
    correlation_id: &'a str,
    host_name: &'a str,
    container_name: &'a str,
    blob_name: &'a str,
    sas_token: String,
}

/// Answers 200 with the place and the signature; 403006 while the device has ten uploads open.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, device_id) = (permit.resource_key(), request.param("id"));
    let settings = UploadSettings::of(hub.hubs.get(&key).as_deref())?;
    let wish: Wish = body::object(&request)?;
    let Some(name) = wish.blob_name else {
        return Err(ServiceError::new(&errors::ARGUMENT_NULL, "The body has no blobName."));
    };
    let blob_name = upload::blob_name(device_id, &name)?;
    let now = hub.ground.now();
    let expires_at = now.saturating_add(settings.life).unwrap_or(Timestamp::MAX);
    let correlation_id = STANDARD.encode(format!("{}_{}", now.strftime("%Y%m%d%H%M"), hub.ground.uuid()));
    open(
        hub,
        &upload::prefix(&key, device_id),
        &correlation_id,
        Upload { blob_name: blob_name.clone(), opened_at: now, expires_at },
    )
    .await?;
    hub.make_container(&key, &settings, now).await;
    let account = &settings.account;
    let token = match account.blob_token(&settings.container, &blob_name, BlobRights::READ_WRITE, expires_at) {
        Some(token) => token,
        None => hub.delegated_token(&key, &settings, &blob_name, (now, expires_at)).await?,
    };
    Ok(Answer::ok(&SasUri {
        correlation_id: &correlation_id,
        host_name: settings.account.host_name(),
        container_name: &settings.container,
        blob_name: &blob_name,
        sas_token: format!("?{token}"),
    }))
}

async fn open(hub: &Hub, prefix: &str, correlation_id: &str, upload: Upload) -> Result<(), ServiceError> {
    let now = upload.opened_at;
    let opened = hub.store.transact(|transaction| {
        hub.require(transaction, ids::hub_of(prefix))?;
        let mut open = 0;
        for (key, known) in transaction.all(&hub.uploads, prefix) {
            if known.expires_at > now {
                open += 1;
            } else if known.expires_at.saturating_add(REMEMBERED).is_ok_and(|until| until <= now) {
                transaction.delete(&hub.uploads, &key);
            }
        }
        if open >= MOST_OPEN {
            let message = format!("The device has {MOST_OPEN} uploads open; report one of them first.");
            return Err(ServiceError::new(&errors::DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED, message));
        }
        transaction.put(&hub.uploads, &format!("{prefix}{correlation_id}"), upload.clone());
        Ok(())
    });
    opened.await
}

impl Hub {
    /// Makes the hub's container where it is not there yet, once in a process. A blob service that cannot be asked does not keep
    /// the device from its answer: its own upload will tell.
    async fn make_container(&self, key: &str, settings: &UploadSettings, now: Timestamp) {
        let place = format!("{}/{}", settings.account.host_name(), settings.container);
        if self.containers.lock().contains(&place) {
            return;
        }
        let until = now.saturating_add(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MAX);
        let Ok(container) = settings.account.container_to_make(&settings.container, until) else { return };
        let container = match settings.account.open(container, key, self.storage_tokens.as_ref()).await {
            Ok(container) => container,
            Err(why) => return tracing::warn!(why, place, "the container for uploads could not be made"),
        };
        match tokio::time::timeout(CONTAINER_DEADLINE, self.blobs.make(&container)).await {
            Ok(Ok(())) => {
                self.containers.lock().insert(place);
            }
            Ok(Err(error)) => tracing::warn!(%error, place, "the container for uploads could not be made"),
            Err(_) => tracing::warn!(place, "the container for uploads could not be made in time"),
        }
    }
}

impl Hub {
    /// The signature of a blob that the hub's identity makes; 400031 where the hub has none, or the account does not take it.
    async fn delegated_token(
        &self,
        key: &str,
        settings: &UploadSettings,
        blob: &str,
        (now, expires_at): (Timestamp, Timestamp),
    ) -> Result<String, ServiceError> {
        let account = &settings.account;
        let refuse = |why: &str| {
            let message = format!("The hub's identity cannot sign for its storage account. {why}");
            ServiceError::new(&errors::INVALID_ENDPOINT_AUTHENTICATION_TYPE, message)
        };
        let container = account.container(&settings.container, BlobRights::READ_WRITE, expires_at);
        let container = container.map_err(|error| refuse(&error.to_string()))?;
        let container = account.open(container, key, self.storage_tokens.as_ref()).await.map_err(|why| refuse(&why))?;
        let asked =
            account.delegated_token(self.blobs.as_ref(), &container, blob, BlobRights::READ_WRITE, (now, expires_at));
        match tokio::time::timeout(CONTAINER_DEADLINE, asked).await {
            Ok(token) => token.map_err(|why| refuse(&why)),
            Err(_) => Err(refuse("It did not answer in time.")),
        }
    }
}

#[cfg(test)]
mod tests;
