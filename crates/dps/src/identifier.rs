//! The rules for ids, and the keys that records are kept under. Ids compare without case; the key is in lower case.
//!
//! Source: "Device registration ID" in the service's concepts page, and the descriptions in the 2021-10-01
//! specification.

use iolite_kernel::{ErrorCode, ServiceError};

use crate::errors;

/// The longest id, in characters.
const LONGEST: usize = 128;

/// The key of the record that belongs to `id` at the provisioning service `service` (lower case).
pub(crate) fn key(service: &str, id: &str) -> String {
    format!("{service}/{}", id.to_ascii_lowercase())
}

/// Checks a registration id.
pub(crate) fn check_registration_id(id: &str) -> Result<(), ServiceError> {
    check(id, &errors::INVALID_REGISTRATION_ID, "registrationId")
}

/// Checks an enrolment group id.
pub(crate) fn check_group_id(id: &str) -> Result<(), ServiceError> {
    check(id, &errors::INVALID_ENROLLMENT_GROUP_ID, "enrollmentGroupId")
}

/// Checks that the body names the thing that the path names.
pub(crate) fn check_same(
    in_path: &str,
    in_body: Option<&str>,
    code: &'static ErrorCode,
    member: &str,
) -> Result<(), ServiceError> {
    match in_body {
        Some(id) if id.eq_ignore_ascii_case(in_path) => Ok(()),
        Some(_) => Err(ServiceError::new(code, format!("{member} in the body is not the id in the path."))),
        None => Err(ServiceError::new(code, format!("{member} is required in the body."))),
    }
}

/// Checks the id that a device is to have in its hub, by the hub's own rules.
pub(crate) fn check_device_id(id: &str) -> Result<(), ServiceError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.+%_#*?!(),:=@$'".contains(&byte);
    if id.is_empty() || id.len() > LONGEST || !id.bytes().all(allowed) {
        return Err(errors::invalid("deviceId", "is not an id that an IoT hub takes."));
    }
    Ok(())
}

fn check(id: &str, code: &'static ErrorCode, member: &str) -> Result<(), ServiceError> {
    let refuse = |why: &str| Err(ServiceError::new(code, format!("{member} {why}")));
    if id.is_empty() {
        return refuse("must not be empty.");
    }
    if id.len() > LONGEST {
        return refuse("must not be longer than 128 characters.");
    }
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte)) {
        return refuse("may have letters, digits and - . _ : only.");
    }
    if !id.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '-') {
        return refuse("must end with a letter, a digit or a dash.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_documented_rules() {
        for good in ["a", "sn-007-888-abc-mac-a1-b2", "A.b_c:d-", &"x".repeat(128)] {
            assert!(check_registration_id(good).is_ok(), "{good}");
        }
        for bad in ["", "a.", "a_", "a:", "a b", "ä", "a/b", "a\u{0}", &"x".repeat(129)] {
            assert!(check_registration_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn case_does_not_tell_ids_apart() {
        assert_eq!(key("dps", "Dev-A"), key("dps", "dev-a"));
        assert!(check_same("Dev", Some("dEV"), &errors::INVALID_REGISTRATION_ID, "registrationId").is_ok());
        assert!(check_same("Dev", None, &errors::INVALID_REGISTRATION_ID, "registrationId").is_err());
    }
}
