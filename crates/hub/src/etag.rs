//! The hub's own etags, and whether a request may go on under the one it names.
//!
//! Recorded: identities and configurations have the base64 of a number written in decimal, twins the base64 of an eight-byte
//! counter. An identity begins at a random number and a configuration at 1; each change adds one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Entropy, Precondition, ServiceError};

use crate::errors;

/// The etag of an identity or configuration whose number is `number`.
pub(crate) fn of_number(number: u32) -> String {
    STANDARD.encode(number.to_string())
}

/// The etag of a twin that was changed `count` times, its creation included.
pub(crate) fn of_count(count: u64) -> String {
    STANDARD.encode(count.to_be_bytes())
}

/// The number that a new identity begins at.
pub(crate) fn first_number(entropy: &dyn Entropy) -> u32 {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    u32::from_be_bytes(bytes) >> 2
}

/// Refuses unless the thing whose etag is `current` may be changed under `precondition`.
pub(crate) fn require(precondition: &Precondition, current: &str) -> Result<(), ServiceError> {
    if precondition.holds_for(Some(current)) { Ok(()) } else { Err(errors::precondition_failed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_the_recorded_forms() {
        assert_eq!(of_number(623_343_760), "NjIzMzQzNzYw");
        assert_eq!(of_number(1), "MQ==");
        assert_eq!(of_count(1), "AAAAAAAAAAE=");
    }
}
