//! Moduli that a widespread chip library made badly, so that they can be factored (CVE-2017-15361, "ROCA").
//!
//! Such a modulus is a power of 65537 to each of a set of small primes, which a good one is by chance once in a hundred
//! million times. The fingerprint is described by Nemec and others, "The Return of Coppersmith's Attack" (2017).

/// The primes to which the powers of 65537 are few enough to tell.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether `modulus`, big-endian, has the fingerprint.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| is_power(remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

/// Whether `value` is a power of 65537 to `prime`.
fn is_power(value: u32, prime: u32) -> bool {
    let base = 65_537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == value {
            return true;
        }
        power = power * base % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    /// 65537 to the power of `exponent`, big-endian: each step adds the number to itself two bytes further up.
    fn power(exponent: usize) -> Vec<u8> {
        let mut digits = vec![1_u8];
        for _ in 0..exponent {
            let mut next = vec![0; 2];
            next.extend(&digits);
            let mut carry = 0;
            for (place, digit) in next.iter_mut().enumerate() {
                let sum = u16::from(*digit) + u16::from(digits.get(place).copied().unwrap_or(0)) + carry;
                *digit = u8::try_from(sum % 256).unwrap();
                carry = sum / 256;
            }
            digits = next;
        }
        digits.reverse();
        digits
    }

    #[test]
    fn a_modulus_of_the_weak_form_is_known() {
        for exponent in [1, 2, 100, 128] {
            assert!(has_fingerprint(&power(exponent)), "{exponent}");
        }
    }

    #[test]
    fn a_good_modulus_is_not_taken_for_a_weak_one() {
        for key in [fixture::first(), fixture::second()] {
            assert!(!has_fingerprint(&URL_SAFE_NO_PAD.decode(&key.public().n).unwrap()));
        }
    }
}
