//! A device asks for a code to show to its user.
//!
//! Source: RFC 8628, sections 3.1 and 3.2; "OAuth 2.0 device authorization grant" of the Microsoft identity platform.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::Entra;
use crate::audience::Scopes;
use crate::device_codes::{INTERVAL_SECONDS, LIFETIME_SECONDS, Wish};
use crate::errors::UNKNOWN_TENANT;
use crate::form::{Form, malformed};
use crate::tenant::Authority;

/// Anyone can start a code, and each keeps its scope for a quarter of an hour.
const LONGEST_SCOPE: usize = 2048;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "DeviceCode_Start",
    method: Method::Post,
    path: "/{tenant}/oauth2/v2.0/devicecode",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the user who approves proves who asks" },
    support: Support::Served,
    summary: "Makes a code that a user approves on another device.",
};

/// Runs the operation. The scope is judged now, so that a mistake in it is not found by the user.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let tenant = &entra.estate.tenant;
    let authority = Authority::of(tenant, request.param("tenant"), &UNKNOWN_TENANT)?;
    let form = Form::read(&request)?;
    let client = entra.client(&request, &form)?;
    let scope = form.required("scope")?;
    if scope.len() > LONGEST_SCOPE {
        return Err(malformed(format!("The scope is longer than {LONGEST_SCOPE} bytes.")));
    }
    entra.delegated_audience(&Scopes::parse(scope)?, &request.origin)?;
    let wish = Wish { client_id: client.id, scope: scope.to_owned() };
    let code = entra.device_codes.start(&*entra.ground.entropy, entra.ground.now(), wish);
    let page = format!("{}/{}/oauth2/deviceauth", request.origin, authority.segment(tenant));
    Ok(Answer::ok(&json!({
        "user_code": code.user_code,
        "device_code": code.device_code,
        "verification_uri": page,
        "expires_in": LIFETIME_SECONDS,
        "interval": INTERVAL_SECONDS,
        "message": format!("To sign in, open {page} in a browser and enter the code {}.", code.user_code),
    }))
    .with_header("cache-control", "no-store, no-cache"))
}
