//! The page where a user approves a device. A form without script; it posts to [`super::approve`].

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Body, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::Entra;
use crate::errors::UNKNOWN_TENANT;
use crate::tenant::Authority;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "DeviceCode_Page",
    method: Method::Get,
    path: "/{tenant}/oauth2/deviceauth",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "it is the sign-in page" },
    support: Support::Served,
    summary: "Shows the page on which a user approves a device.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Authority::of(&entra.estate.tenant, request.param("tenant"), &UNKNOWN_TENANT)?;
    let form = "<form method=\"post\"><p><label>Code <input name=\"user_code\" autocomplete=\"off\" required autofocus>\
                </label></p><p><label>User name <input name=\"username\" autocomplete=\"username\" required></label></p>\
                <p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
                </label></p><p><button name=\"action\" value=\"approve\">Let the device in</button> \
                <button name=\"action\" value=\"decline\">Decline</button></p></form>";
    Ok(html("Sign in on a device", form))
}

/// A page that runs nothing and stands in no frame.
pub(super) fn html(title: &'static str, body: &str) -> Answer {
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>{body}</html>\n"
    );
    let body = Body::Other { content_type: "text/html; charset=utf-8", bytes: text.into() };
    Answer { body, ..Answer::empty(200) }
        .with_header("content-security-policy", "default-src 'none'; frame-ancestors 'none'; form-action 'self'")
        .with_header("x-content-type-options", "nosniff")
        .with_header("cache-control", "no-store")
}
