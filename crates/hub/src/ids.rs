//! The rules for ids, and the keys that records stand under.
//!
//! Sources: the identity registry's documentation and the service SDKs' own checks (`RegistryManager`, checked 2026).

use iolite_kernel::ServiceError;

use crate::body::shortened;
use crate::errors;

/// The longest id of a device, module or configuration, in characters.
pub const LONGEST_ID: usize = 128;

/// What an id may hold besides ASCII letters and digits.
const MARKS: &str = "-:.+%_#*?!(),=@;$'";

/// Checks a device's id; ids keep their case.
pub(crate) fn device(id: &str) -> Result<&str, ServiceError> {
    check("device", id)
}

/// Checks a module's id.
pub(crate) fn module(id: &str) -> Result<&str, ServiceError> {
    check("module", id)
}

/// Checks a job's id.
pub(crate) fn job(id: &str) -> Result<&str, ServiceError> {
    check("job", id)
}

/// Checks a configuration's id: like a device's, in lower case.
pub(crate) fn configuration(id: &str) -> Result<&str, ServiceError> {
    check("configuration", id)?;
    if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let message = format!("The configuration id '{id}' has upper-case letters; it takes lower-case ones.");
        return Err(ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, message));
    }
    Ok(id)
}

fn check<'a>(what: &str, id: &'a str) -> Result<&'a str, ServiceError> {
    let fault = if id.is_empty() {
        "is empty".to_owned()
    } else if id.chars().count() > LONGEST_ID {
        format!("is longer than {LONGEST_ID} characters")
    } else if let Some(odd) =
        id.chars().find(|character| !character.is_ascii_alphanumeric() && !MARKS.contains(*character))
    {
        format!("holds {odd:?}; it takes ASCII letters, digits and {MARKS}")
    } else {
        return Ok(id);
    };
    Err(ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, format!("The {what} id '{}' {fault}.", shortened(id))))
}

/// The key of a device and of its twin, below the hub's key. No id holds a slash.
pub(crate) fn device_key(hub: &str, device_id: &str) -> String {
    let mut key = String::with_capacity(hub.len() + 1 + device_id.len());
    key.push_str(hub);
    key.push('/');
    key.push_str(device_id);
    key
}

/// The key of a module and of its twin.
pub(crate) fn module_key(hub: &str, device_id: &str, module_id: &str) -> String {
    [hub, "/", device_id, "/", module_id].concat()
}

/// The key of an identity: a device's, or a module's where `module_id` names one.
pub(crate) fn identity_key(hub: &str, device_id: &str, module_id: Option<&str>) -> String {
    module_id.map_or_else(|| device_key(hub, device_id), |module_id| module_key(hub, device_id, module_id))
}

/// The hub's part of a key.
pub(crate) fn hub_of(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

/// The device's id in a key.
pub(crate) fn device_of(key: &str) -> &str {
    key.split('/').nth(1).unwrap_or_default()
}

/// The module's id in a key, where it is a module's.
pub(crate) fn module_of(key: &str) -> Option<&str> {
    key.split('/').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_documented_alphabet_are_taken() {
        for id in ["dev1", "A-b:c.d", "%2e%2E", "$edgeAgent", "a+b_c#d*e?f!(g),h=i@j;k'", &"x".repeat(128)] {
            assert_eq!(device(id).unwrap(), id);
        }
    }

    #[test]
    fn other_ids_are_refused() {
        for id in ["", "a/b", "a b", "a\0", "аdmin", "a\r\nx: y", "a\\b", "\"", &"x".repeat(129)] {
            assert_eq!(device(id).unwrap_err().code, &errors::IOT_HUB_FORMAT_ERROR, "{id:?}");
        }
        assert!(configuration("Upper").is_err());
        assert!(configuration("lower-1").is_ok());
    }

    #[test]
    fn an_endless_id_does_not_come_back_whole() {
        assert!(device(&"x".repeat(100_000)).unwrap_err().message.len() < 300);
    }
}
