//! Word of a finished upload, as the back end reads it.
//!
//! Source: iot-hub-devguide-file-upload: names, order and the two forms of time are those of its example.

use iolite_kernel::{Timestamp, iso_seconds, iso_shortest};
use serde::Serialize;

use crate::blobs::BlobProperties;

/// An upload that a device reported as done.
pub(super) struct Finished<'a> {
    pub(super) device_id: &'a str,
    pub(super) uri: &'a str,
    pub(super) blob: &'a str,
    pub(super) found: BlobProperties,
    pub(super) now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    device_id: &'a str,
    blob_uri: &'a str,
    blob_name: &'a str,
    last_updated_time: String,
    blob_size_in_bytes: u64,
    enqueued_time_utc: String,
}

/// The notice's JSON text.
pub(super) fn body(finished: &Finished<'_>) -> String {
    let updated_at = finished.found.updated_at.unwrap_or(finished.now);
    let body = Body {
        device_id: finished.device_id,
        blob_uri: finished.uri,
        blob_name: finished.blob,
        last_updated_time: iso_seconds(updated_at).replace('Z', "+00:00"),
        blob_size_in_bytes: finished.found.length,
        enqueued_time_utc: iso_shortest(finished.now),
    };
    serde_json::to_string(&body).unwrap_or_default()
}
