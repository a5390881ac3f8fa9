//! The grants: each proves, in its own way, for whom a token is asked. Called by [`crate::token`] alone.
//!
//! Source: RFC 6749, sections 4.3, 4.4 and 6; RFC 8628, section 3.4. A grant that is not here is refused by name.

mod client_credentials;
mod device_code;
mod password;
mod refresh_token;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::Principal;
use iolite_store::Versioned;

use crate::Entra;
use crate::audience::{Audience, Scopes};
use crate::claims::Proof;
use crate::errors::{UNSUPPORTED_GRANT, USER_DISABLED};
use crate::form::{Form, missing};

/// How the resource is named: each token endpoint has its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// By `resource`.
    V1,
    /// By `scope`.
    V2,
    /// By either: SDKs send `scope`, federation servers before 2016 want `resource`.
    Adfs,
}

/// A token request.
pub(crate) struct Inquiry<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) request: &'a Request,
    pub(crate) form: &'a Form,
}

/// What a grant comes to.
pub(crate) struct Granted {
    /// For whom the token is.
    pub(crate) principal: Versioned<Principal>,
    /// What for.
    pub(crate) audience: Audience,
    /// The scopes as asked.
    pub(crate) scopes: Scopes,
    /// The client that asked.
    pub(crate) client_id: String,
    /// What the client proved.
    pub(crate) proof: Proof,
}

/// The grant types that OAuth knows and this issuer does not serve, with what to do instead.
const NOT_SERVED: [(&str, &str); 4] = [
    ("authorization_code", "it needs a browser; use the device code or password grant"),
    ("implicit", "it needs a browser; use the device code or password grant"),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", "on-behalf-of is not emulated"),
    ("urn:ietf:params:oauth:grant-type:saml2-bearer", "there is no federation with SAML"),
];

impl Inquiry<'_> {
    /// Runs the grant that the form asks for.
    pub(crate) fn grant(&self, entra: &Entra) -> Result<Granted, ServiceError> {
        match self.form.required("grant_type")? {
            "client_credentials" => client_credentials::grant(entra, self),
            "password" => password::grant(entra, self),
            "refresh_token" => refresh_token::grant(entra, self),
            "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => device_code::grant(entra, self),
            other => {
                let known = NOT_SERVED.iter().find(|(name, _)| *name == other);
                let why = known.map_or("it is not known", |(_, why)| *why);
                let other: String = other.chars().take(128).collect();
                let text = format!("The grant '{other}' is not served here: {why}.");
                Err(ServiceError::new(&UNSUPPORTED_GRANT, text))
            }
        }
    }

    /// What is asked for, where the form says it.
    fn asked(&self) -> Result<Option<Scopes>, ServiceError> {
        let by_resource = || self.form.get("resource").map(Scopes::of_resource);
        match self.dialect {
            Dialect::V1 => Ok(by_resource()),
            Dialect::V2 => self.form.get("scope").map(Scopes::parse).transpose(),
            Dialect::Adfs => match by_resource() {
                Some(scopes) => Ok(Some(scopes)),
                None => self.form.get("scope").map(Scopes::parse).transpose(),
            },
        }
    }

    /// The refusal of a form that does not say what is asked for.
    fn nothing_asked(&self) -> ServiceError {
        missing(if self.dialect == Dialect::V1 { "resource" } else { "scope" })
    }
}

/// Refuses a user that is disabled.
fn enabled(user: Versioned<Principal>) -> Result<Versioned<Principal>, ServiceError> {
    if user.enabled {
        return Ok(user);
    }
    let text = format!("The account of {} is disabled.", user.name);
    Err(ServiceError::new(&USER_DISABLED, text))
}
