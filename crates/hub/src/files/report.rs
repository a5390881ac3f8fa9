//! A device's report on an upload: it ends the upload, and tells the back end where the hub is configured to.

use iolite_kernel::{Request, ServiceError, SignedDuration, Timestamp};
use serde::Deserialize;

use super::notification;
use super::settings::UploadSettings;
use super::upload;
use crate::blobs::{BlobProperties, BlobRights};
use crate::notifications::NoticeQueue;
use crate::{Hub, body, errors};

/// The report as sent. The status and its description are for people, and not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(default)]
    pub(super) correlation_id: Option<String>,
    #[serde(default)]
    is_success: Option<bool>,
}

impl Report {
    pub(super) fn read(request: &Request) -> Result<Self, ServiceError> {
        body::object(request)
    }
}

impl Hub {
    /// Ends the upload `correlation_id` of a device of the hub keyed `key`.
    pub(super) async fn end_upload(
        &self,
        key: &str,
        device_id: &str,
        correlation_id: &str,
        report: &Report,
    ) -> Result<(), ServiceError> {
        let Some(is_success) = report.is_success else {
            let message = "The report does not say isSuccess, true or false.";
            return Err(ServiceError::new(&errors::INVALID_FILE_UPLOAD_COMPLETION_STATUS, message));
        };
        let place = format!("{}{correlation_id}", upload::prefix(key, device_id));
        let now = self.ground.now();
        let open = self.uploads.get(&place).ok_or_else(unknown)?;
        if open.expires_at <= now {
            let message = format!("The correlation id ran out at {}.", open.expires_at);
            return Err(ServiceError::new(&errors::EXPIRED_FILE_UPLOAD_CORRELATION_ID, message));
        }
        let notice = if is_success { self.notice_of(key, device_id, &open.blob_name, now).await? } else { None };
        let rings = notice.is_some();
        let ended = self.store.transact(|transaction| {
            // Reported twice at once: the second finds nothing.
            if transaction.get(&self.uploads, &place).is_none() {
                return Err(unknown());
            }
            transaction.delete(&self.uploads, &place);
            if let Some(notice) = &notice {
                self.put_notice(transaction, key, NoticeQueue::FileNotifications, notice.clone(), now);
            }
            Ok(())
        });
        ended.await?;
        if rings {
            self.notices.ring();
        }
        Ok(())
    }

    /// The notice of a finished upload, where the hub gives any: with what the blob service says of the blob.
    async fn notice_of(
        &self,
        key: &str,
        device_id: &str,
        blob: &str,
        now: Timestamp,
    ) -> Result<Option<String>, ServiceError> {
        let settings = UploadSettings::of(self.hubs.get(key).as_deref())?;
        if !settings.notifies {
            return Ok(None);
        }
        let until = now.saturating_add(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MAX);
        let container = settings.account.container(&settings.container, BlobRights::ALL, until);
        let container = container.map_err(|error| unreadable(blob).because(error))?;
        let container = settings.account.open(container, key, self.storage_tokens.as_ref()).await.map_err(|why| {
            tracing::warn!(why, "a finished upload could not be looked at");
            unreadable(blob)
        })?;
        let found: BlobProperties = self
            .blobs
            .properties(&container, blob)
            .await
            .map_err(|error| unreadable(blob).because(error))?
            .ok_or_else(|| unreadable(blob))?;
        let uri = container.place_of(blob);
        Ok(Some(notification::body(&notification::Finished { device_id, uri: &uri, blob, found, now })))
    }
}

fn unknown() -> ServiceError {
    let message = "The device has no open upload of this correlation id.";
    ServiceError::new(&errors::INVALID_FILE_UPLOAD_CORRELATION_ID, message)
}

fn unreadable(blob: &str) -> ServiceError {
    let message = format!("The blob '{blob}' could not be found in the hub's storage account.");
    ServiceError::new(&errors::INVALID_STORAGE_ENDPOINT_OR_BLOB, message)
}
