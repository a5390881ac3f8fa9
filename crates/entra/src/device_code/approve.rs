//! A user approves or declines a device, on the page or, in a test, by the same form: `user_code`, `username`, `password`
//! and, to decline, `action=decline`.
//!
//! The address and the form are the emulator's own: Entra's page is not an API.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::page::html;
use crate::Entra;
use crate::device_codes::Verdict;
use crate::errors::{BAD_VERIFICATION_CODE, UNKNOWN_TENANT};
use crate::form::{Form, malformed};
use crate::tenant::Authority;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "DeviceCode_Approve",
    method: Method::Post,
    path: "/{tenant}/oauth2/deviceauth",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the form carries the user's name and password" },
    support: Support::Served,
    summary: "Lets a device in, or not, in the name of a user.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Authority::of(&entra.estate.tenant, request.param("tenant"), &UNKNOWN_TENANT)?;
    let form = Form::read(&request)?;
    let user_code: String = form.required("user_code")?.chars().filter(char::is_ascii_alphanumeric).collect();
    let (name, password) = (form.required("username")?, form.required("password")?);
    if !entra.device_codes.waits(entra.ground.now(), &user_code) {
        return Err(no_such_code());
    }
    let user = entra.sign_in(name, password)?;
    let (verdict, status, text) = match form.get("action") {
        None | Some("approve") => {
            let verdict = Verdict::Approved(user.object_id.clone());
            (verdict, "approved", "<p>The device may come in. You can close this page.</p>")
        }
        Some("decline") => (Verdict::Declined, "declined", "<p>The device stays out. You can close this page.</p>"),
        Some(_) => return Err(malformed("The action must be 'approve' or 'decline'.".to_owned())),
    };
    if !entra.device_codes.decide(entra.ground.now(), &user_code, verdict) {
        return Err(no_such_code());
    }
    if request.header("accept").is_some_and(|accept| accept.contains("text/html")) {
        return Ok(html("Sign in on a device", text));
    }
    Ok(Answer::ok(&json!({"status": status})))
}

fn no_such_code() -> ServiceError {
    ServiceError::new(
        &BAD_VERIFICATION_CODE,
        "No device waits under this code; it may have run out or been decided on.",
    )
}

#[cfg(test)]
mod tests;
