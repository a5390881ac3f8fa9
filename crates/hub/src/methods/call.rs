//! A direct method call as sent, and the checks that it passes before a device is asked.
//!
//! Used by the calls of devices' and of modules' methods, by scheduled jobs and by digital twins' commands. Source: iot-hub-devguide-direct-methods (limits checked 2026).

use iolite_kernel::{Request, ServiceError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::body::{self, Object};
use crate::{Hub, errors};

/// How long a payload may be, in bytes.
const LONGEST_PAYLOAD: usize = 128 * 1024;
/// How long a method's name may be, in characters.
const LONGEST_NAME: usize = 128;

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
pub(crate) async fn invoke(
    hub: &Hub,
    key: &str,
    device_id: &str,
    module_id: Option<&str>,
    _: &MethodCall,
) -> Result<MethodAnswer, ServiceError> {
    match module_id {
        None => Err(not_online(&hub.device(key, device_id)?.id)),
        Some(module_id) => Err(not_online(&hub.module(key, device_id, module_id)?.id)),
    }
}

/// Nothing can connect to the hub yet, so whoever is called is not there to answer.
fn not_online(id: &str) -> ServiceError {
    ServiceError::new(&errors::DEVICE_NOT_ONLINE, format!("{id} is not connected, so it cannot be asked."))
}

/// Refuses as the gateway does, which answers these calls.
pub(super) fn by_gateway(hub: &Hub, request: &Request, error: ServiceError) -> ServiceError {
    errors::by_gateway(error, request.id, hub.ground.now())
}
