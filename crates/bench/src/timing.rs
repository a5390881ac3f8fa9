//! Whether the time that a signature's check takes tells anything of the signature: what an attacker who may try often could
//! read byte by byte.
//!
//! After "Dude, is my code constant time?" (Reparaz, Balasch, Verbauwhede, 2017): two classes of inputs, drawn by lot, and
//! Welch's t-test over their times. A value of |t| above 4.5 is no accident. The same harness is shown a comparison that
//! stops at the first difference, and must find it: a harness that finds nothing proves nothing.
//!
//! No part of the tests, since a busy machine is no place for a clock; `scripts/bench timing` runs it.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use iolite_identity::sas::{SasToken, sign};
use iolite_kernel::{Secret, SignedDuration, Timestamp};
use serde_json::json;

use crate::report;

/// How much is measured.
#[derive(Args)]
pub(crate) struct Timing {
    /// How many times are taken of each pair of classes.
    #[arg(long, default_value_t = 1_000_000)]
    samples: usize,
}

/// Above this, the two classes differ.
const MOST_T: f64 = 4.5;
/// What is looked at, besides everything: the fastest part of all times, since what lies above is mostly the machine's.
const KEPT_PERCENT: [usize; 5] = [50, 75, 90, 95, 99];
/// How many bytes the signature has.
const MAC_BYTES: usize = 32;

/// A comparison: of a token with a key.
type Check = fn(&SasToken, &Secret, &[u8; MAC_BYTES]) -> bool;

/// The check that the door makes.
fn ours(token: &SasToken, key: &Secret, _: &[u8; MAC_BYTES]) -> bool {
    token.is_signed_by(key)
}

/// The same work, and then a comparison as one must not write it. `shown` is the token's signature.
fn leaky(token: &SasToken, key: &Secret, shown: &[u8; MAC_BYTES]) -> bool {
    let matches = token.is_signed_by(key);
    let right = black_box(RIGHT_OF_LEAKY);
    for (one, other) in right.iter().zip(shown) {
        if black_box(one) != black_box(other) {
            return false;
        }
    }
    matches
}

/// What the leaky comparison takes for the right signature.
const RIGHT_OF_LEAKY: [u8; MAC_BYTES] = [0x5a; MAC_BYTES];

/// Two classes of signatures that are compared with a right one.
struct Classes {
    name: &'static str,
    check: Check,
    signatures: [[u8; MAC_BYTES]; 2],
}

pub(crate) fn run(timing: &Timing) -> Result<()> {
    let subject = Subject::new();
    let right = subject.right;
    let pairs = [
        Classes { name: "wrong in the first byte, wrong in the last", check: ours, signatures: spoilt(right) },
        Classes { name: "right, wrong", check: ours, signatures: [right, right.map(|byte| byte ^ 0xff)] },
        Classes {
            name: "wrong in the first byte, wrong in the last, by a comparison that leaks",
            check: leaky,
            signatures: spoilt(RIGHT_OF_LEAKY),
        },
    ];
    let mut verdicts = Vec::new();
    for classes in &pairs {
        let found = subject.measure(classes, timing.samples);
        report(&json!({"classes": classes.name, "samples": timing.samples, "t": found, "leaks": found.abs() > MOST_T}));
        verdicts.push(found.abs() > MOST_T);
    }
    ensure!(verdicts[2], "the comparison that leaks was not found out, so nothing was shown");
    ensure!(!verdicts[0] && !verdicts[1], "the time of a check tells something of the signature");
    Ok(())
}

/// A signature that is wrong in its first byte, and one that is wrong in its last.
fn spoilt(right: [u8; MAC_BYTES]) -> [[u8; MAC_BYTES]; 2] {
    let (mut first, mut last) = (right, right);
    first[0] ^= 0x80;
    last[MAC_BYTES - 1] ^= 0x80;
    [first, last]
}

/// A token, its key, and the right signature.
struct Subject {
    /// The token around its signature.
    around: (String, String),
    key: Secret,
    right: [u8; MAC_BYTES],
}

impl Subject {
    fn new() -> Self {
        let key = Secret::new(STANDARD.encode([7; 32]));
        let expiry = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000_000);
        let token = sign("localhost/devices/press-1", &key, expiry, None);
        let (before, rest) = token.split_once("&sig=").unwrap_or_default();
        let (signature, after) = rest.split_once('&').unwrap_or_default();
        let plain = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let mut right = [0; MAC_BYTES];
        STANDARD.decode_slice(plain, &mut right).ok();
        Self { around: (format!("{before}&sig="), format!("&{after}")), key, right }
    }

    /// The t of the two classes: of all times, or of a fastest part of them, whichever is the largest.
    fn measure(&self, classes: &Classes, samples: usize) -> f64 {
        let written = classes.signatures.map(|signature| escaped(&signature));
        // Both classes lie at the same place: where bytes lie takes time as well.
        let mut text = String::with_capacity(512);
        let mut shown = [0; MAC_BYTES];
        let mut lot = Lot(0x2545_f491_4f6c_dd1d);
        let mut times = Vec::with_capacity(samples);
        for _ in 0..samples + samples / 20 {
            let class = usize::from(lot.draw());
            text.clear();
            text.push_str(&self.around.0);
            text.push_str(&written[class]);
            text.push_str(&self.around.1);
            shown.copy_from_slice(&classes.signatures[class]);
            let Ok(token) = SasToken::parse(&text) else { continue };
            let begun = Instant::now();
            black_box((classes.check)(black_box(&token), &self.key, black_box(&shown)));
            let nanoseconds = u32::try_from(begun.elapsed().as_nanos()).unwrap_or(u32::MAX);
            times.push((class, nanoseconds));
        }
        // The first ones warm the caches.
        times.drain(..samples / 20);
        largest_t(&times)
    }
}

/// The base64 of a signature, with every character escaped: both classes must be of one length.
fn escaped(signature: &[u8]) -> String {
    STANDARD.encode(signature).bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"))
}

/// Draws lots; any sequence does that no predictor learns.
struct Lot(u64);

impl Lot {
    fn draw(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 63 == 1
    }
}

/// The t that is largest by its amount, of everything and of each fastest part.
fn largest_t(times: &[(usize, u32)]) -> f64 {
    let mut sorted: Vec<u32> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_unstable();
    let at = |percent: usize| sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)];
    let limits = KEPT_PERCENT.iter().map(|percent| at(*percent)).chain([u32::MAX]);
    limits.map(|limit| welch(times, limit)).max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or_default()
}

/// Welch's t of the times up to `limit`.
fn welch(times: &[(usize, u32)], limit: u32) -> f64 {
    let mut classes = [Moments::default(), Moments::default()];
    for (class, time) in times.iter().filter(|(_, time)| *time <= limit) {
        classes[*class].add(f64::from(*time));
    }
    let [one, other] = &classes;
    let spread = one.variance() / one.count + other.variance() / other.count;
    (one.mean - other.mean) / spread.sqrt()
}

/// Mean and variance, gathered one by one (Welford).
#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times as a machine gives them: two and a half nanoseconds of noise around 500, and a late one now and then.
    fn times(difference: u32) -> Vec<(usize, u32)> {
        let mut lot = Lot(99);
        let mut time = |class: usize, number: u32| {
            let noise = (0..10).map(|_| u32::from(lot.draw())).sum::<u32>();
            let late = if number.is_multiple_of(97) { 30_000 } else { 0 };
            500 + noise + late + if class == 1 { difference } else { 0 }
        };
        (0..20_000).map(|number| (number as usize % 2, time(number as usize % 2, number))).collect()
    }

    #[test]
    fn equal_classes_pass_and_a_nanosecond_is_found_below_the_noise() {
        assert!(largest_t(&times(0)).abs() < MOST_T);
        assert!(largest_t(&times(1)).abs() > MOST_T);
    }

    #[test]
    fn the_subject_s_signature_is_the_right_one_and_a_spoilt_one_is_not() {
        let subject = Subject::new();
        let verdict = |signature: &[u8; MAC_BYTES]| {
            let text = format!("{}{}{}", subject.around.0, escaped(signature), subject.around.1);
            SasToken::parse(&text).map(|token| token.is_signed_by(&subject.key))
        };
        assert_eq!(verdict(&subject.right), Ok(true));
        for signature in spoilt(subject.right) {
            assert_eq!(verdict(&signature), Ok(false));
        }
    }
}
