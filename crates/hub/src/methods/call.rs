//! A direct method call as sent, and the checks that it passes before a device is asked.
//!
//! Used by the calls of devices' and of modules' methods. Source: iot-hub-devguide-direct-methods (limits checked 2026).

use iolite_kernel::{Request, ServiceError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Hub, body, errors};

/// How long a payload may be, in bytes.
const LONGEST_PAYLOAD: usize = 128 * 1024;
/// How long a method's name may be, in characters.
const LONGEST_NAME: usize = 128;

/// The request of a call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodCall {
    #[serde(default)]
    method_name: Option<String>,
    #[serde(default)]
    payload: Option<Box<RawValue>>,
    #[serde(default)]
    response_timeout_in_seconds: Option<u32>,
    #[serde(default)]
    connect_timeout_in_seconds: Option<u32>,
}

/// Checks the call in `request`.
pub(super) fn check(request: &Request) -> Result<(), ServiceError> {
    let call: MethodCall = body::object(request)?;
    let name = call.method_name.unwrap_or_default();
    if name.is_empty() {
        return Err(ServiceError::new(&errors::ARGUMENT_NULL, "The body has no 'methodName'."));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(errors::invalid(format!("'methodName' is longer than {LONGEST_NAME} characters.")));
    }
    for (field, given, least) in [
        ("responseTimeoutInSeconds", call.response_timeout_in_seconds, 5),
        ("connectTimeoutInSeconds", call.connect_timeout_in_seconds, 0),
    ] {
        if given.is_some_and(|seconds| !(least..=300).contains(&seconds)) {
            return Err(errors::invalid(format!("'{field}' takes {least} to 300 seconds.")));
        }
    }
    if call.payload.is_some_and(|payload| payload.get().len() > LONGEST_PAYLOAD) {
        let message = format!("The payload is longer than {LONGEST_PAYLOAD} bytes.");
        return Err(ServiceError::new(&errors::MESSAGE_TOO_LARGE, message));
    }
    Ok(())
}

/// Nothing can connect to the hub yet, so whoever is called is not there to answer.
pub(super) fn not_online(id: &str) -> ServiceError {
    ServiceError::new(&errors::DEVICE_NOT_ONLINE, format!("{id} is not connected, so it cannot be asked."))
}

/// Refuses as the gateway does, which answers these calls.
pub(super) fn by_gateway(hub: &Hub, request: &Request, error: ServiceError) -> ServiceError {
    errors::by_gateway(error, request.id, hub.ground.now())
}
