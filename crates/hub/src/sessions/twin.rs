//! A twin as its device or module reads and writes it.
//!
//! Called by sessions. A device sees both sections without metadata, reads the desired one, and merges into the reported
//! one; tags are not its own. Source: iot-hub-devguide-device-twins (limits) and the wire facts of MQTT and AMQP.

use bytes::Bytes;
use iolite_kernel::ServiceError;
use serde_json::{Map, Value, json};

use crate::twins::section::Section;
use crate::twins::unset::Unset;
use crate::{Doc, Hub, errors, ids};

impl Hub {
    /// `{"desired":{…,"$version":n},"reported":{…,"$version":n}}` of the identity under `key`.
    pub(crate) fn twin_of_device(&self, key: &str) -> Result<Bytes, ServiceError> {
        let twin = self.twins.get(key).ok_or_else(|| errors::device_not_found(ids::device_of(key)))?;
        let text = json!({"desired": plain(&twin.desired), "reported": plain(&twin.reported)}).to_string();
        Ok(text.into())
    }

    /// Merges `patch`, JSON text, into the reported properties of the identity under `key`; the section's new version.
    pub(crate) async fn report(&self, key: &str, patch: &[u8]) -> Result<u64, ServiceError> {
        let patch = read(patch)?;
        self.change(ids::hub_of(key), |registry| {
            let current = registry.twin(key).ok_or_else(|| errors::device_not_found(ids::device_of(key)))?;
            let changed = current.reported_by_device(&patch, registry.hub.ground.now())?;
            let version = Section::read(&changed.reported).version;
            registry.put_changed_twin(key, changed, &Unset::by_report(&patch));
            Ok(version)
        })
        .await
    }
}

fn read(patch: &[u8]) -> Result<Map<String, Value>, ServiceError> {
    let sent: Value = serde_json::from_slice(patch).map_err(|error| {
        ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, format!("The reported properties are not JSON: {error}."))
    })?;
    match sent {
        // A whole twin may be sent back: what only the service writes is not read.
        Value::Object(sent) => Ok(Section::strip(sent)),
        _ => Err(errors::invalid("The reported properties are not a JSON object.")),
    }
}

/// A section as a device sees it.
fn plain(section: &Doc) -> Value {
    let Section { mut values, version, .. } = Section::read(section);
    values.insert("$version".to_owned(), version.into());
    Value::Object(values)
}
