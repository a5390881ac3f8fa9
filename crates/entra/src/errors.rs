//! The catalogue of Entra's errors: HTTP status, AADSTS number and OAuth 2.0 error.
//!
//! Numbers and OAuth errors: the page "Microsoft Entra authentication and authorization error codes" and answers of the
//! service quoted in public issues. An entry with the number 0 has no AADSTS number that a public source tells.

use iolite_kernel::ErrorCode;

const fn code(status: u16, number: u32, name: &'static str) -> ErrorCode {
    ErrorCode { status, number, name }
}

/// The tenant in a discovery path is not the directory's.
pub const UNKNOWN_TENANT_DISCOVERY: ErrorCode = code(400, 90002, "invalid_tenant");
/// The tenant in a token path is not the directory's.
pub const UNKNOWN_TENANT: ErrorCode = code(400, 90002, "invalid_request");
/// The authority to be judged is not one of this issuer.
pub const UNKNOWN_AUTHORITY: ErrorCode = code(400, 50049, "invalid_instance");
/// A parameter of the query is missing.
pub const MISSING_FIELD: ErrorCode = code(400, 90014, "invalid_request");
/// A parameter of the body is missing.
pub const MISSING_PARAMETER: ErrorCode = code(400, 900_144, "invalid_request");
/// The request cannot be read: too long, not text, or a parameter given twice.
pub const MALFORMED_REQUEST: ErrorCode = code(400, 9_002_313, "invalid_request");
/// The grant is not one that is served.
pub const UNSUPPORTED_GRANT: ErrorCode = code(400, 70003, "unsupported_grant_type");

/// A scope names no permission that the resource has, or scopes of two resources are mixed.
pub const INVALID_SCOPE: ErrorCode = code(400, 70011, "invalid_scope");
/// An application asked for anything but `.default`.
pub const NOT_THE_DEFAULT_SCOPE: ErrorCode = code(400, 1_002_012, "invalid_scope");
/// No such resource.
pub const UNKNOWN_RESOURCE: ErrorCode = code(400, 500_011, "invalid_resource");

/// No such application.
pub const UNKNOWN_APPLICATION: ErrorCode = code(400, 700_016, "unauthorized_client");
/// The application is disabled.
pub const APPLICATION_DISABLED: ErrorCode = code(400, 7_000_112, "unauthorized_client");
/// An application that must prove itself showed nothing.
pub const NO_CLIENT_PROOF: ErrorCode = code(401, 7_000_216, "invalid_client");
/// The client secret is wrong.
pub const WRONG_SECRET: ErrorCode = code(401, 7_000_215, "invalid_client");

/// The assertion is no JSON Web Token, or one whose algorithm is not on the list.
pub const MALFORMED_ASSERTION: ErrorCode = code(401, 50027, "invalid_client");
/// The assertion is not made for this issuer.
pub const ASSERTION_AUDIENCE: ErrorCode = code(401, 700_023, "invalid_client");
/// The assertion is outside its time.
pub const ASSERTION_TIME: ErrorCode = code(401, 700_024, "invalid_client");
/// The assertion speaks for another application.
pub const ASSERTION_CLIENT: ErrorCode = code(401, 700_021, "invalid_client");
/// The assertion's certificate is not registered, or its signature is wrong.
pub const ASSERTION_SIGNATURE: ErrorCode = code(401, 700_027, "invalid_client");
/// The certificate has run out or is not valid yet.
pub const CERTIFICATE_TIME: ErrorCode = code(401, 1_000_502, "invalid_client");

/// The application trusts no outside identity at all.
pub const NO_FEDERATED_CREDENTIAL: ErrorCode = code(401, 70021, "invalid_client");
/// The application trusts no such outside issuer.
pub const FEDERATED_ISSUER: ErrorCode = code(401, 700_211, "invalid_client");
/// The application trusts that issuer, but not with this audience.
pub const FEDERATED_AUDIENCE: ErrorCode = code(401, 700_212, "invalid_client");
/// The application trusts that issuer, but not with this subject.
pub const FEDERATED_SUBJECT: ErrorCode = code(401, 700_213, "invalid_client");
/// The outside token's signature is wrong.
pub const FEDERATED_SIGNATURE: ErrorCode = code(401, 50013, "invalid_client");

/// No such user.
pub const UNKNOWN_USER: ErrorCode = code(400, 50034, "invalid_grant");
/// The user name or the password is wrong.
pub const WRONG_PASSWORD: ErrorCode = code(400, 50126, "invalid_grant");
/// The user is disabled.
pub const USER_DISABLED: ErrorCode = code(400, 50057, "invalid_grant");
/// The refresh token is not one of this issuer's, or is another client's.
pub const UNKNOWN_REFRESH_TOKEN: ErrorCode = code(400, 70000, "invalid_grant");
/// The refresh token has not been used for too long.
pub const REFRESH_TOKEN_EXPIRED: ErrorCode = code(400, 700_082, "invalid_grant");

/// Nobody has approved the device code yet.
pub const AUTHORIZATION_PENDING: ErrorCode = code(400, 70016, "authorization_pending");
/// The device asks too often (RFC 8628, section 3.5).
pub const SLOW_DOWN: ErrorCode = code(400, 0, "slow_down");
/// The user declined.
pub const AUTHORIZATION_DECLINED: ErrorCode = code(400, 0, "authorization_declined");
/// The device code has run out.
pub const DEVICE_CODE_EXPIRED: ErrorCode = code(400, 70020, "expired_token");
/// The device code or user code is not one of this issuer's.
pub const BAD_VERIFICATION_CODE: ErrorCode = code(400, 70018, "bad_verification_code");

/// The managed identity endpoint cannot use the request.
pub const MANAGED_IDENTITY_REQUEST: ErrorCode = code(400, 0, "invalid_request");
/// The managed identity endpoint was asked without its header.
pub const MANAGED_IDENTITY_HEADER: ErrorCode = code(401, 0, "unauthorized");

/// Graph: the filter is not one that is understood.
pub const GRAPH_FILTER: ErrorCode = code(400, 0, "Request_UnsupportedQuery");
/// Graph: the body cannot be used.
pub const GRAPH_BODY: ErrorCode = code(400, 0, "Request_BadRequest");

/// The emulator failed.
pub const INTERNAL: ErrorCode = code(500, 90033, "server_error");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_may_mend_by_itself_is_never_a_server_error() {
        for code in [&WRONG_SECRET, &ASSERTION_TIME, &UNKNOWN_TENANT, &AUTHORIZATION_PENDING] {
            assert!((400..500).contains(&code.status), "{code:?}");
        }
        assert_eq!(INTERNAL.status, 500);
    }
}
