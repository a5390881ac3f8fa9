//! Devices in a linked hub, by that hub's own service API.

use iolite_kernel::{Bytes, Method, Secret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Failure, HubAnswer, HubAuthorization, HubCall, HubGateway};
use crate::attestation::CertificatePair;
use crate::enrollment::InitialTwin;

/// The hub's api-version that DPS speaks.
const API_VERSION: &str = "2021-04-12";

/// What may stand bare in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What the new device signs in to its hub with.
#[derive(Debug, Clone)]
pub(crate) enum DeviceKeys {
    /// The enrolment's keys, or those derived from the group's.
    Symmetric { primary: Secret, secondary: Secret },
    /// The enrolment's certificates, by their thumbprints.
    Certificates(Box<CertificatePair>),
}

/// A device that is to be in a hub.
pub(crate) struct Device<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// Its keys.
    pub(crate) keys: &'a DeviceKeys,
    /// Whether it is an Edge device.
    pub(crate) edge: bool,
}

/// A hub that DPS is signed in to.
pub(crate) struct LinkedClient<'a> {
    /// The way there.
    pub(crate) gateway: &'a dyn HubGateway,
    /// The hub's own host name.
    pub(crate) host: &'a str,
    /// What the calls are sent with.
    pub(crate) authorization: HubAuthorization,
}

/// Whether a device was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// It was made.
    New,
    /// It was there, and got the enrolment's keys.
    WasThere,
}

impl LinkedClient<'_> {
    /// Makes the device, or gives the one that is there the enrolment's keys.
    pub(crate) async fn put_device(&self, device: &Device<'_>) -> Result<Came, Failure> {
        let path = format!("/devices/{}", escaped(device.id));
        let body = Bytes::from(identity_body(device).to_string());
        let answer = self.send(Method::Put, &path, None, body.clone()).await;
        if answer.status != 409 {
            return accepted(&answer).map(|()| Came::New);
        }
        let answer = self.send(Method::Put, &path, Some("*"), body).await;
        accepted(&answer).map(|()| Came::WasThere)
    }

    /// Gives a twin what the enrolment starts it with.
    pub(crate) async fn start_twin(&self, device_id: &str, twin: &InitialTwin) -> Result<(), Failure> {
        let desired = twin.properties.as_ref().and_then(|properties| properties.0.desired.clone());
        self.patch_twin(device_id, twin.tags.clone(), desired).await
    }

    /// Gives a twin the tags and desired properties of `source`, the twin that the device had in another hub.
    pub(crate) async fn move_twin(&self, device_id: &str, source: &Value) -> Result<(), Failure> {
        let tags = source.get("tags").and_then(Value::as_object).cloned();
        let desired = source.pointer("/properties/desired").and_then(Value::as_object).cloned();
        let own = |mut node: Map<String, Value>| {
            node.retain(|name, _| !name.starts_with('$'));
            node
        };
        self.patch_twin(device_id, tags, desired.map(own)).await
    }

    /// A device's twin; `None` where the hub no longer has the device.
    pub(crate) async fn twin(&self, device_id: &str) -> Result<Option<Value>, Failure> {
        let answer = self.send(Method::Get, &format!("/twins/{}", escaped(device_id)), None, Bytes::new()).await;
        if answer.status == 404 {
            return Ok(None);
        }
        accepted(&answer)?;
        Ok(serde_json::from_slice(&answer.body).ok())
    }

    /// Removes a device; one that is gone already is as good.
    pub(crate) async fn delete_device(&self, device_id: &str) -> Result<(), Failure> {
        let path = format!("/devices/{}", escaped(device_id));
        let answer = self.send(Method::Delete, &path, Some("*"), Bytes::new()).await;
        if answer.status == 404 { Ok(()) } else { accepted(&answer) }
    }

    async fn patch_twin(
        &self,
        device_id: &str,
        tags: Option<Map<String, Value>>,
        desired: Option<Map<String, Value>>,
    ) -> Result<(), Failure> {
        let mut body = Map::new();
        if let Some(tags) = tags.filter(|tags| !tags.is_empty()) {
            body.insert("tags".to_owned(), Value::Object(tags));
        }
        if let Some(desired) = desired.filter(|desired| !desired.is_empty()) {
            body.insert("properties".to_owned(), json!({ "desired": desired }));
        }
        if body.is_empty() {
            return Ok(());
        }
        let path = format!("/twins/{}", escaped(device_id));
        let answer = self.send(Method::Patch, &path, Some("*"), Value::Object(body).to_string().into()).await;
        accepted(&answer)
    }

    async fn send(&self, method: Method, path: &str, if_match: Option<&str>, body: Bytes) -> HubAnswer {
        let call = HubCall {
            hub_host: self.host.to_owned(),
            authorization: self.authorization.clone(),
            method,
            path: format!("{path}?api-version={API_VERSION}"),
            if_match: if_match.map(str::to_owned),
            body,
        };
        self.gateway.call(call).await
    }
}

fn accepted(answer: &HubAnswer) -> Result<(), Failure> {
    if (200..300).contains(&answer.status) { Ok(()) } else { Err(Failure::of_hub(answer)) }
}

fn escaped(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn identity_body(device: &Device<'_>) -> Value {
    let authentication = match device.keys {
        DeviceKeys::Symmetric { primary, secondary } => json!({
            "type": "sas",
            "symmetricKey": {"primaryKey": primary.reveal(), "secondaryKey": secondary.reveal()},
        }),
        DeviceKeys::Certificates(pair) => json!({
            "type": "selfSigned",
            "x509Thumbprint": {
                "primaryThumbprint": pair.primary.info.sha256_thumbprint,
                "secondaryThumbprint": pair.secondary.info.sha256_thumbprint,
            },
        }),
    };
    json!({
        "deviceId": device.id,
        "status": "enabled",
        "authentication": authentication,
        "capabilities": {"iotEdge": device.edge},
    })
}
