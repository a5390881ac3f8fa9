//! How many files and sockets this process may have open: raised as far as the system lets it, and kept from running out.
//!
//! Called once at the start. Connections get what is left when the store, its streams and the listeners have theirs, so a
//! flood waits in the backlog and takes no file away from those who are being served.

/// What is kept for files, listeners and connections of our own.
const KEPT: usize = 64;
/// More connections than this are not served at a time, however many there could be.
const MOST_CONNECTIONS: usize = 20_000;
/// How many devices a fleet on one machine is expected to have.
const FLEET: usize = 10_000;

/// How many files and sockets may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptors(Option<usize>);

impl Descriptors {
    /// Raises the soft limit to the hard one; where that is refused, the soft one stays.
    #[cfg(unix)]
    pub(crate) fn raise() -> Self {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let reached = if setrlimit(Resource::Nofile, raised).is_ok() { raised } else { limit };
        Self(reached.current.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)))
    }

    /// Windows sets no such limit.
    #[cfg(not(unix))]
    pub(crate) const fn raise() -> Self {
        Self(None)
    }

    /// How many connections are served at a time.
    pub(crate) fn connections(self) -> usize {
        self.0.map_or(MOST_CONNECTIONS, |limit| limit.saturating_sub(KEPT).clamp(1, MOST_CONNECTIONS))
    }

    /// What the user should know, where the limit keeps a large fleet out.
    pub(crate) fn notice(self) -> Option<String> {
        let limit = self.0.filter(|_| self.connections() < FLEET)?;
        Some(format!(
            "this process may have {limit} files and sockets open, so {} connections are served at a time; {FLEET} devices need `ulimit -n {}` where it is started",
            self.connections(),
            FLEET + KEPT
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_keeps_something_back_and_is_told() {
        let low = Descriptors(Some(256));
        assert_eq!(low.connections(), 192);
        assert!(low.notice().unwrap().contains("`ulimit -n 10064`"));
        assert_eq!(Descriptors(Some(10)).connections(), 1);
    }

    #[test]
    fn a_limit_that_a_fleet_fits_in_is_not_worth_a_word() {
        for enough in [Descriptors(Some(FLEET + KEPT)), Descriptors(Some(usize::MAX)), Descriptors(None)] {
            assert_eq!(enough.notice(), None);
            assert!((FLEET..=MOST_CONNECTIONS).contains(&enough.connections()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        use rustix::process::{Resource, getrlimit};
        Descriptors::raise();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
