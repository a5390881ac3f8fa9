//! Comparing secrets without telling, by the time it takes, how much of a guess was right. For [`crate::client`],
//! the password grant and the App Service endpoint.

use iolite_kernel::Secret;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Whether `shown` is `secret`. Digests are compared, so that not even the length is told.
pub(crate) fn same(secret: &Secret, shown: &str) -> bool {
    compare(secret, shown).into()
}

/// Whether `shown` is one of `secrets`; every one is looked at.
pub(crate) fn is_one_of(secrets: &[Secret], shown: &str) -> bool {
    secrets.iter().fold(Choice::from(0), |found, secret| found | compare(secret, shown)).into()
}

fn compare(secret: &Secret, shown: &str) -> Choice {
    Sha256::digest(secret.reveal()).as_slice().ct_eq(Sha256::digest(shown).as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_secret_matches() {
        let secrets = [Secret::new("one"), Secret::new("two")];
        assert!(is_one_of(&secrets, "two"));
        assert!(!is_one_of(&secrets, "tw"));
        assert!(!is_one_of(&[], ""));
        assert!(!same(&Secret::new("a"), ""));
    }
}
