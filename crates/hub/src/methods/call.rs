//! A direct method call as sent, and the checks that it passes before a device is asked.
//!
//! Used by the calls of devices' and of modules' methods, by scheduled jobs and by digital twins' commands. Source: iot-hub-devguide-direct-methods (limits checked 2026).

use std::sync::Arc;

use bytes::Bytes;
use iolite_kernel::{Request, ServiceError, SignedDuration, Timestamp};
use iolite_messaging::ToDevice;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::body::{self, Object};
use crate::sessions::{Line, Reply, Told};
use crate::{Hub, errors, ids};

/// How long a payload may be, in bytes.
const LONGEST_PAYLOAD: usize = 128 * 1024;
/// How long a method's name may be, in characters.
const LONGEST_NAME: usize = 128;

/// How long a device may take to answer where the call does not say (documented).
const USUAL_RESPONSE_SECONDS: u32 = 30;

/// A call.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MethodCall {
    /// The method's name.
    #[serde(default, rename = "methodName")]
    pub(crate) name: Option<Box<str>>,
    /// What the method is given, as JSON text.
    #[serde(default)]
    pub(crate) payload: Option<Box<RawValue>>,
    /// How long the device may take to answer, in seconds.
    #[serde(default, rename = "responseTimeoutInSeconds")]
    pub(crate) response_seconds: Option<u32>,
    /// How long a device that is not connected is waited for, in seconds.
    #[serde(default, rename = "connectTimeoutInSeconds")]
    pub(crate) connect_seconds: Option<u32>,
}

impl MethodCall {
    /// Reads a call out of JSON text that stands inside another body (a scheduled job's), and checks it.
    pub(crate) fn read(text: &[u8]) -> Result<Self, ServiceError> {
        let Object(call) = serde_json::from_slice::<Object<Self>>(text)
            .map_err(|error| errors::invalid(format!("The method call is not what a device takes: {error}.")))?;
        call.checked()
    }

    /// It, where a device can be asked so.
    pub(crate) fn checked(self) -> Result<Self, ServiceError> {
        let name = self.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(ServiceError::new(&errors::ARGUMENT_NULL, "The body has no 'methodName'."));
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(errors::invalid(format!("'methodName' is longer than {LONGEST_NAME} characters.")));
        }
        for (field, given, least) in [
            ("responseTimeoutInSeconds", self.response_seconds, 5),
            ("connectTimeoutInSeconds", self.connect_seconds, 0),
        ] {
            if given.is_some_and(|seconds| !(least..=300).contains(&seconds)) {
                return Err(errors::invalid(format!("'{field}' takes {least} to 300 seconds.")));
            }
        }
        if self.payload.as_ref().is_some_and(|payload| payload.get().len() > LONGEST_PAYLOAD) {
            let message = format!("The payload is longer than {LONGEST_PAYLOAD} bytes.");
            return Err(ServiceError::new(&errors::MESSAGE_TOO_LARGE, message));
        }
        Ok(self)
    }
}

/// The call in the body of `request`, checked.
pub(super) fn read(request: &Request) -> Result<MethodCall, ServiceError> {
    body::object::<MethodCall>(request)?.checked()
}

/// What a device answered to a call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MethodAnswer {
    /// The device's own status.
    pub(crate) status: i32,
    /// The device's answer, as JSON text; `null` where it gave none.
    pub(crate) payload: Box<RawValue>,
}

/// Calls a method of a device, or of its module `module_id`, of the hub keyed `key`: the one way for everybody who does.
///
/// Waits for a session that listens where the call says how long; then for its answer.
pub(crate) async fn invoke(
    hub: &Hub,
    key: &str,
    device_id: &str,
    module_id: Option<&str>,
    call: &MethodCall,
) -> Result<MethodAnswer, ServiceError> {
    let id = match module_id {
        None => hub.device(key, device_id)?.id.clone(),
        Some(module_id) => hub.module(key, device_id, module_id)?.id.clone(),
    };
    let at = ids::identity_key(key, device_id, module_id);
    let patience = SignedDuration::from_secs(i64::from(call.connect_seconds.unwrap_or(0)));
    let line = hub.reachable(&at, patience).await.ok_or_else(|| not_online(&id))?;
    let request_id = hub.ground.uuid().to_string();
    let answer = line.expect(request_id.clone());
    let payload = call.payload.as_ref().map_or("null", |payload| payload.get());
    let asked = ToDevice::Method(Box::new(iolite_messaging::MethodCall {
        request_id: request_id.clone(),
        name: call.name.as_deref().unwrap_or_default().to_owned(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
    }));
    let told = line.tell(asked);
    hub.close_if_full(&line, told);
    if told != Told::Heard {
        line.forget(&request_id);
        return Err(not_online(&id));
    }
    let patience = SignedDuration::from_secs(i64::from(call.response_seconds.unwrap_or(USUAL_RESPONSE_SECONDS)));
    let until = hub.ground.now().saturating_add(patience).unwrap_or(Timestamp::MAX);
    tokio::select! {
        answer = answer => match answer {
            Ok(reply) => reply.try_into(),
            Err(_) => Err(ServiceError::new(
                &errors::DEVICE_CONNECTION_CLOSED_REMOTELY,
                format!("{id} went away before it answered."),
            )),
        },
        () = hub.ground.wait_until(until) => {
            line.forget(&request_id);
            Err(ServiceError::new(&errors::GATEWAY_TIMEOUT, format!("{id} did not answer within {} s.", patience.as_secs())))
        }
    }
}

impl Hub {
    /// The session of the identity under `key` that takes direct methods, waited for as long as `patience`.
    async fn reachable(&self, key: &str, patience: SignedDuration) -> Option<Arc<Line>> {
        let until = self.ground.now().saturating_add(patience).unwrap_or(Timestamp::MAX);
        loop {
            let listening = self.sessions.listening.notified();
            tokio::pin!(listening);
            // From here on no beginning is missed.
            listening.as_mut().enable();
            if let Some(line) = self.sessions.roster.find(key).filter(|line| line.takes_methods()) {
                return Some(line);
            }
            if self.ground.now() >= until {
                return None;
            }
            tokio::select! {
                () = listening => {}
                () = self.ground.wait_until(until) => {}
            }
        }
    }
}

impl TryFrom<Reply> for MethodAnswer {
    type Error = ServiceError;

    fn try_from(reply: Reply) -> Result<Self, ServiceError> {
        if reply.payload.len() > LONGEST_PAYLOAD {
            let message = format!("The device's answer is longer than {LONGEST_PAYLOAD} bytes.");
            return Err(ServiceError::new(&errors::MESSAGE_TOO_LARGE, message));
        }
        let text = if reply.payload.is_empty() { b"null".as_slice() } else { &reply.payload };
        let payload = serde_json::from_slice::<Box<RawValue>>(text).map_err(|error| {
            ServiceError::new(&errors::GENERIC_BAD_GATEWAY, format!("The device's answer is not JSON: {error}."))
        })?;
        Ok(Self { status: reply.status, payload })
    }
}

fn not_online(id: &str) -> ServiceError {
    ServiceError::new(&errors::DEVICE_NOT_ONLINE, format!("{id} is not connected, so it cannot be asked."))
}
