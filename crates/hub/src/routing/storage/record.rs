//! One event as stored: the time, the properties, and the body.
//!
//! Source: the blobs that Microsoft's tutorials show (tutorial-message-enrichments, 2019); the body of a JSON blob is base64
//! unless the message says that it is JSON in UTF-8 (iot-hub-devguide-messages-d2c).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::iso_seven_digits;
use serde_json::{Map, Value, json};

use crate::routing::Routable;

/// The application properties, in their order; one without a value has an empty one.
pub(super) fn properties<'m>(event: &Routable<'m>) -> impl ExactSizeIterator<Item = (&'m str, &'m str)> {
    event.message.properties.iter().map(|(name, value)| (&**name, value.as_deref().unwrap_or_default()))
}

/// Appends the event as a line of JSON.
pub(super) fn write_json(event: &Routable<'_>, out: &mut Vec<u8>) {
    let own: Map<String, Value> = properties(event).map(|(name, value)| (name.to_owned(), value.into())).collect();
    let system: Map<String, Value> =
        event.system_properties().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let body = event.json_body().unwrap_or_else(|| STANDARD.encode(&event.message.body).into());
    let record = json!({
        "EnqueuedTimeUtc": iso_seven_digits(event.at),
        "Properties": own,
        "SystemProperties": system,
        "Body": body,
    });
    out.extend_from_slice(record.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}
