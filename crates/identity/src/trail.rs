//! Collects the checks of one authentication while it runs, and the first of them that failed.

use std::borrow::Cow;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Authentication, Caller, Check, CheckKind, Checks, Reason, Rejection};

/// How many checks an authentication usually makes.
const USUAL_CHECKS: usize = 12;

/// The checks so far. The first that fails is the reason; later ones are still recorded where they can be made.
#[derive(Debug)]
pub(crate) struct Trail {
    checks: Vec<Check>,
    fault: Option<Rejection>,
}

/// The last success. The next one is often the very same, and the decision log keeps thousands: then they share one.
#[derive(Debug, Default)]
pub(crate) struct Latest(Mutex<Option<(Checks, Arc<Caller>)>>);

/// The caller is turned away; the trail knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl Trail {
    pub(crate) fn new() -> Self {
        Self { checks: Vec::with_capacity(USUAL_CHECKS), fault: None }
    }

    /// A trail that goes on from `checks`, all of which passed.
    pub(crate) fn from_passed(checks: &[Check]) -> Self {
        Self { checks: checks.to_vec(), fault: None }
    }

    /// Records a check that held.
    pub(crate) fn pass(&mut self, kind: CheckKind, detail: impl Into<Cow<'static, str>>) {
        self.checks.push(Check { kind, passed: true, detail: detail.into() });
    }

    /// Records a check that failed, and gives the mark to return with where nothing more can be checked.
    pub(crate) fn fail(&mut self, kind: CheckKind, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Refused {
        let detail = detail.into();
        self.checks.push(Check { kind, passed: false, detail: detail.clone() });
        self.fault.get_or_insert_with(|| Rejection { reason, detail: detail.into_owned() });
        Refused
    }

    /// Whether every check so far held.
    pub(crate) fn so_far(&self) -> Result<(), Refused> {
        if self.fault.is_some() { Err(Refused) } else { Ok(()) }
    }

    /// Goes on with the checks of a candidate that was looked at apart.
    pub(crate) fn append(&mut self, other: Self) {
        self.checks.extend(other.checks);
        if let Some(fault) = other.fault {
            self.fault.get_or_insert(fault);
        }
    }

    /// Why the first check that failed did, if one did.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.fault.as_ref().map(|fault| fault.reason)
    }

    /// The checks, for what is cached with them.
    pub(crate) fn into_checks(self) -> Arc<[Check]> {
        self.checks.into()
    }

    /// The outcome: `caller`, unless a check failed.
    pub(crate) fn conclude(self, caller: Result<Caller, Refused>, latest: &Latest) -> Authentication {
        let rejection = match (caller, self.fault) {
            (Ok(caller), None) => return latest.share(self.checks, caller),
            (_, Some(fault)) => fault,
            // A refusal always has a failed check; should one ever not, it stays a refusal.
            (Err(Refused), None) => Rejection { reason: Reason::Malformed, detail: String::new() },
        };
        Authentication { checks: self.checks.into(), outcome: Err(rejection) }
    }

    /// The outcome of a trail in which a check failed.
    pub(crate) fn refuse(self, refused: Refused) -> Authentication {
        self.conclude(Err(refused), &Latest::default())
    }
}

impl Latest {
    fn share(&self, checks: Vec<Check>, caller: Caller) -> Authentication {
        let mut latest = self.0.lock();
        let same = latest.as_ref().filter(|(known, who)| known[..] == checks[..] && **who == caller);
        let (checks, caller) = match same {
            Some(same) => same.clone(),
            None => latest.insert((checks.into(), Arc::new(caller))).clone(),
        };
        Authentication { checks, outcome: Ok(caller) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failed_check_is_the_reason() {
        let mut trail = Trail::new();
        trail.pass(CheckKind::Form, "");
        trail.fail(CheckKind::Audience, Reason::WrongAudience, "for another");
        trail.fail(CheckKind::Expiry, Reason::Expired, "over");
        assert_eq!(trail.so_far(), Err(Refused));
        let outcome = trail.conclude(Ok(Caller::Anonymous), &Latest::default());
        assert_eq!(outcome.checks.len(), 3);
        assert_eq!(outcome.outcome.unwrap_err().reason, Reason::WrongAudience);
    }

    #[test]
    fn a_refusal_without_a_failed_check_is_still_a_refusal() {
        assert!(Trail::new().refuse(Refused).outcome.is_err());
    }

    #[test]
    fn the_same_success_twice_is_kept_once_and_another_is_not_taken_for_it() {
        let latest = Latest::default();
        let succeed = |kind| {
            let mut trail = Trail::new();
            trail.pass(kind, "");
            trail.conclude(Ok(Caller::Anonymous), &latest)
        };
        let (first, second, third) =
            (succeed(CheckKind::Form), succeed(CheckKind::Form), succeed(CheckKind::Certificate));
        assert!(Arc::ptr_eq(&first.checks, &second.checks));
        assert_eq!(third.checks[0].kind, CheckKind::Certificate);
    }
}
