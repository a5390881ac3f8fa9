//! A device without a keyboard asks whether its user has approved by now (RFC 8628, sections 3.4 and 3.5).

use iolite_kernel::{ErrorCode, ServiceError};

use super::{Granted, Inquiry, enabled};
use crate::Entra;
use crate::audience::Scopes;
use crate::device_codes::Progress;
use crate::errors::{
    AUTHORIZATION_DECLINED, AUTHORIZATION_PENDING, BAD_VERIFICATION_CODE, DEVICE_CODE_EXPIRED, SLOW_DOWN, UNKNOWN_USER,
};
use crate::form::missing;

pub(super) fn grant(entra: &Entra, inquiry: &Inquiry<'_>) -> Result<Granted, ServiceError> {
    let client = entra.client(inquiry.request, inquiry.form)?;
    // The v1.0 endpoint's clients call it `code`.
    let code = inquiry.form.get("device_code").or_else(|| inquiry.form.get("code"));
    let code = code.ok_or_else(|| missing("device_code"))?;
    let (object_id, wish) = match entra.device_codes.progress(entra.ground.now(), &client.id, code) {
        Progress::Approved(object_id, wish) => (object_id, wish),
        Progress::Pending => {
            return refuse(&AUTHORIZATION_PENDING, "The user has not approved the device yet. Ask again.");
        }
        Progress::TooSoon => {
            return refuse(&SLOW_DOWN, "The device asks too often: wait five seconds longer each time.");
        }
        Progress::Declined => return refuse(&AUTHORIZATION_DECLINED, "The user declined to let the device in."),
        Progress::Expired => return refuse(&DEVICE_CODE_EXPIRED, "The device code has run out; start again."),
        Progress::Unknown => {
            return refuse(&BAD_VERIFICATION_CODE, "The device code is not known, or was used before.");
        }
    };
    let Some(user) = entra.estate.principal(&object_id) else {
        return refuse(&UNKNOWN_USER, "The user who approved the device is no longer in the directory.");
    };
    let scopes = Scopes::parse(&wish.scope)?;
    let audience = entra.delegated_audience(&scopes, &inquiry.request.origin)?;
    Ok(Granted { principal: enabled(user)?, audience, scopes, client_id: client.id, proof: client.proof })
}

fn refuse<T>(code: &'static ErrorCode, text: &str) -> Result<T, ServiceError> {
    Err(ServiceError::new(code, text))
}
