//! The device codes that wait for a user. Kept in memory only; each is good for a quarter of an hour and for one token.
//!
//! Source: RFC 8628, and "OAuth 2.0 device authorization grant" of the Microsoft identity platform.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iolite_kernel::{Entropy, SignedDuration, Timestamp};
use parking_lot::Mutex;

/// How many may wait at once; the oldest goes first.
const MOST: usize = 1024;

/// How long a code is good, in seconds.
pub(crate) const LIFETIME_SECONDS: i64 = 900;

/// How long a device waits between two questions, in seconds.
pub(crate) const INTERVAL_SECONDS: i64 = 5;

/// How much longer a device that asked too soon must wait, in seconds (RFC 8628, section 3.5).
const SLOWER_SECONDS: i64 = 5;

/// How much too soon is not held against a device, in seconds: its clock and ours start at different moments.
const GRACE_SECONDS: i64 = 1;

/// The letters and digits of a user code: none that could be taken for another, and no vowels to spell with.
const USER_CODE_ALPHABET: &[u8; 24] = b"BCDFGHJKLMNPQRSTVWXYZ379";

const USER_CODE_LENGTH: usize = 9;

/// What a device asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The client.
    pub(crate) client_id: String,
    /// The `scope` parameter as sent.
    pub(crate) scope: String,
}

/// A code just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceCode {
    /// What the device shows to the issuer.
    pub(crate) device_code: String,
    /// What the user types.
    pub(crate) user_code: String,
}

/// What a user said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This user, by object id, lets the device in.
    Approved(String),
    /// No.
    Declined,
}

/// What a device that asks is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is no such code for this client, or it was used.
    Unknown,
    /// The code has run out.
    Expired,
    /// Nobody has decided yet.
    Pending,
    /// Nobody has decided yet, and the device asks too often.
    TooSoon,
    /// The user declined.
    Declined,
    /// The user, by object id, approved what the device wished for. The code is used up now.
    Approved(String, Wish),
}

struct Waiting {
    code: DeviceCode,
    wish: Wish,
    expires_at: Timestamp,
    interval_seconds: i64,
    asked_at: Option<Timestamp>,
    verdict: Option<Verdict>,
}

/// The codes, the oldest first.
#[derive(Default)]
pub(crate) struct DeviceCodes(Mutex<VecDeque<Waiting>>);

impl DeviceCodes {
    /// A new code for what a device wishes.
    pub(crate) fn start(&self, entropy: &dyn Entropy, now: Timestamp, wish: Wish) -> DeviceCode {
        let mut bytes = [0; 48];
        entropy.fill(&mut bytes);
        let code = DeviceCode { device_code: URL_SAFE_NO_PAD.encode(bytes), user_code: user_code(entropy) };
        let mut codes = self.0.lock();
        if codes.len() == MOST {
            codes.pop_front();
        }
        codes.push_back(Waiting {
            code: code.clone(),
            wish,
            expires_at: now.saturating_add(SignedDuration::from_secs(LIFETIME_SECONDS)).unwrap_or(Timestamp::MAX),
            interval_seconds: INTERVAL_SECONDS,
            asked_at: None,
            verdict: None,
        });
        code
    }

    /// Keeps what the user of `user_code` said; `false` where no such code waits any more.
    pub(crate) fn decide(&self, now: Timestamp, user_code: &str, verdict: Verdict) -> bool {
        let mut codes = self.0.lock();
        let mut waiting = codes.iter_mut().filter(|waiting| waiting.verdict.is_none() && now < waiting.expires_at);
        match waiting.find(|waiting| waiting.code.user_code.eq_ignore_ascii_case(user_code)) {
            Some(found) => {
                found.verdict = Some(verdict);
                true
            }
            None => false,
        }
    }

    /// Whether a code waits under this user code.
    pub(crate) fn waits(&self, now: Timestamp, user_code: &str) -> bool {
        self.0.lock().iter().any(|waiting| {
            waiting.verdict.is_none()
                && now < waiting.expires_at
                && waiting.code.user_code.eq_ignore_ascii_case(user_code)
        })
    }

    /// What to tell the device of `client_id` that shows `device_code`.
    pub(crate) fn progress(&self, now: Timestamp, client_id: &str, device_code: &str) -> Progress {
        let mut codes = self.0.lock();
        let fits = |waiting: &Waiting| {
            waiting.code.device_code == device_code && waiting.wish.client_id.eq_ignore_ascii_case(client_id)
        };
        let Some(at) = codes.iter().position(fits) else { return Progress::Unknown };
        let waiting = &mut codes[at];
        match waiting.verdict.clone() {
            _ if now >= waiting.expires_at => Progress::Expired,
            None => waiting.ask(now),
            Some(Verdict::Declined) => Progress::Declined,
            Some(Verdict::Approved(object_id)) => match codes.remove(at) {
                Some(used) => Progress::Approved(object_id, used.wish),
                None => Progress::Unknown,
            },
        }
    }

    /// Forgets them all.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

impl Waiting {
    fn ask(&mut self, now: Timestamp) -> Progress {
        let before = self.asked_at.replace(now);
        let since = before.map(|before| now.duration_since(before).as_secs());
        // A clock that was set back says nothing about how long the device waited.
        if since.is_some_and(|since| (0..self.interval_seconds - GRACE_SECONDS).contains(&since)) {
            self.interval_seconds = self.interval_seconds.saturating_add(SLOWER_SECONDS);
            Progress::TooSoon
        } else {
            Progress::Pending
        }
    }
}

fn user_code(entropy: &dyn Entropy) -> String {
    let mut code = String::with_capacity(USER_CODE_LENGTH);
    let mut bytes = [0; USER_CODE_LENGTH * 2];
    while code.len() < USER_CODE_LENGTH {
        entropy.fill(&mut bytes);
        // Bytes beyond the last whole multiple are drawn again, so that every letter is equally likely.
        let fair =
            bytes.iter().filter(|byte| usize::from(**byte) < 256 / USER_CODE_ALPHABET.len() * USER_CODE_ALPHABET.len());
        code.extend(fair.map(|byte| char::from(USER_CODE_ALPHABET[usize::from(*byte) % USER_CODE_ALPHABET.len()])));
    }
    code.truncate(USER_CODE_LENGTH);
    code
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SeededEntropy;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn started() -> (DeviceCodes, DeviceCode) {
        let codes = DeviceCodes::default();
        let wish = Wish { client_id: "client".to_owned(), scope: "scope".to_owned() };
        let code = codes.start(&SeededEntropy::new(3), at(0), wish);
        (codes, code)
    }

    #[test]
    fn an_approved_code_is_good_for_one_token() {
        let (codes, code) = started();
        assert_eq!(codes.progress(at(1), "client", &code.device_code), Progress::Pending);
        assert!(codes.decide(at(2), &code.user_code.to_lowercase(), Verdict::Approved("user".to_owned())));
        assert!(
            matches!(codes.progress(at(2), "CLIENT", &code.device_code), Progress::Approved(user, _) if user == "user")
        );
        assert_eq!(codes.progress(at(3), "client", &code.device_code), Progress::Unknown);
    }

    #[test]
    fn a_device_that_asks_too_often_must_wait_longer() {
        let (codes, code) = started();
        let ask = |second| codes.progress(at(second), "client", &code.device_code);
        assert_eq!(ask(0), Progress::Pending);
        assert_eq!(ask(3), Progress::TooSoon);
        assert_eq!(ask(8), Progress::TooSoon, "ten seconds are wanted now");
        assert_eq!(ask(22), Progress::Pending);
    }

    #[test]
    fn a_code_runs_out_approved_or_not() {
        let (codes, code) = started();
        assert!(codes.decide(at(1), &code.user_code, Verdict::Approved("user".to_owned())));
        assert_eq!(codes.progress(at(LIFETIME_SECONDS), "client", &code.device_code), Progress::Expired);
        assert!(!codes.waits(at(1), &code.user_code), "it is decided");
    }

    #[test]
    fn a_declined_code_stays_declined() {
        let (codes, code) = started();
        assert!(codes.decide(at(1), &code.user_code, Verdict::Declined));
        assert!(!codes.decide(at(1), &code.user_code, Verdict::Approved("user".to_owned())));
        assert_eq!(codes.progress(at(1), "client", &code.device_code), Progress::Declined);
    }

    #[test]
    fn another_clients_code_is_unknown() {
        let (codes, code) = started();
        assert_eq!(codes.progress(at(1), "other", &code.device_code), Progress::Unknown);
    }

    #[test]
    fn a_user_code_has_nine_unmistakable_characters() {
        let (_, code) = started();
        assert_eq!(code.user_code.len(), 9);
        assert!(code.user_code.bytes().all(|byte| USER_CODE_ALPHABET.contains(&byte)));
    }
}
