//! Why a registration ends `failed`: a number and a text, the hub's raw error body where a hub refused.
//!
//! Source: users' traces in azure-iot-sdk-c issues 1789 (Form A) and 2362 (Form B), where `errorMessage` is the hub's
//! body and `errorCode` the number that belongs to it.

use iolite_kernel::ErrorCode;
use serde_json::Value;

use super::HubAnswer;

/// A failed assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The registration's `errorCode`.
    pub(crate) code: u32,
    /// The registration's `errorMessage`.
    pub(crate) message: String,
}

/// The numbers of the names that a hub may refuse a new device with; source: the hub's list of error codes.
const HUB_NUMBERS: [(&str, u32); 14] = [
    ("ArgumentInvalid", 400_004),
    ("ArgumentNull", 400_005),
    ("IotHubFormatError", 400_006),
    ("IotHubNotFound", 401_001),
    ("IotHubUnauthorizedAccess", 401_002),
    ("IotHubUnauthorized", 401_003),
    ("IotHubSuspended", 403_001),
    ("IotHubQuotaExceeded", 403_002),
    ("DeviceNotFound", 404_001),
    ("DeviceAlreadyExists", 409_001),
    ("PreconditionFailed", 412_001),
    ("TooManyDevices", 413_002),
    ("ThrottlingException", 429_001),
    ("ServerError", 500_001),
];

impl Failure {
    /// A failure of this service's own.
    pub(crate) fn new(code: &ErrorCode, message: impl Into<String>) -> Self {
        Self { code: code.number, message: message.into() }
    }

    /// A hub's refusal.
    pub(crate) fn of_hub(answer: &HubAnswer) -> Self {
        let message = String::from_utf8_lossy(&answer.body).into_owned();
        let code = number_in(&message).unwrap_or(u32::from(answer.status) * 1000);
        Self { code, message }
    }
}

/// The number in a hub's error body: inside the inner JSON of Form B, by the name in the text of Form A.
fn number_in(body: &str) -> Option<u32> {
    let outer: Value = serde_json::from_str(body).ok()?;
    let text = outer.get("Message")?.as_str()?;
    if let Ok(inner) = serde_json::from_str::<Value>(text) {
        return inner.get("errorCode")?.as_u64()?.try_into().ok();
    }
    let name = text.strip_prefix("ErrorCode:")?.split(';').next()?;
    HUB_NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &str) -> Failure {
        Failure::of_hub(&HubAnswer { status, body: body.to_owned().into() })
    }

    #[test]
    fn both_generations_of_hub_errors_give_their_number() {
        let form_a =
            r#"{"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized","ExceptionMessage":"Tracking ID:x"}"#;
        assert_eq!(failure(401, form_a), Failure { code: 401_002, message: form_a.to_owned() });
        let form_b =
            r#"{"Message":"{\"errorCode\":401002,\"message\":\"Unauthorized access\"}","ExceptionMessage":""}"#;
        assert_eq!(failure(401, form_b).code, 401_002);
    }

    #[test]
    fn an_unknown_body_falls_back_on_the_status() {
        assert_eq!(failure(503, "busy").code, 503_000);
        assert_eq!(failure(503, "").code, 503_000);
    }
}
