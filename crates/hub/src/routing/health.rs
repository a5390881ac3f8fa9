//! How each endpoint of a hub is doing: what `routingEndpointsHealth` answers.
//!
//! Written by whoever sends; forgotten when the process ends. Source: `EndpointHealthData` of 2023-06-30.

use std::collections::HashMap;

use iolite_kernel::{SignedDuration, Timestamp};
use iolite_resources::EndpointHealth;
use parking_lot::Mutex;

/// An endpoint that fails for longer is dead (resource logs of message routing: `EndpointDead`).
const DEAD_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The health of all endpoints of all hubs.
#[derive(Debug, Default)]
pub(crate) struct HealthBook(Mutex<HashMap<(String, String), Record>>);

#[derive(Debug, Clone, Default)]
struct Record {
    failing_since: Option<Timestamp>,
    lost: bool,
    last_error: Option<(String, Timestamp)>,
    last_success_at: Option<Timestamp>,
    last_attempt_at: Option<Timestamp>,
}

impl HealthBook {
    /// Events went to the endpoint.
    pub(crate) fn sent(&self, hub: &str, endpoint: &str, at: Timestamp) {
        self.change(hub, endpoint, |record| {
            (record.failing_since, record.lost) = (None, false);
            (record.last_success_at, record.last_attempt_at) = (Some(at), Some(at));
        });
    }

    /// Events could not go to the endpoint; `lost` where they were given up, which makes it dead at once.
    pub(crate) fn failed(&self, hub: &str, endpoint: &str, at: Timestamp, why: &str, lost: bool) {
        self.change(hub, endpoint, |record| {
            let since = *record.failing_since.get_or_insert(at);
            record.lost |= lost || at.duration_since(since) > DEAD_AFTER;
            (record.last_error, record.last_attempt_at) = (Some((why.to_owned(), at)), Some(at));
        });
    }

    /// How the endpoint called `endpoint`, with the id `id`, is doing.
    pub(crate) fn of(&self, hub: &str, endpoint: &str, id: &str) -> EndpointHealth {
        let record = self.0.lock().get(&(hub.to_owned(), endpoint.to_owned())).cloned().unwrap_or_default();
        let status = match (record.failing_since.is_some(), record.lost, record.last_success_at) {
            (true, true, _) => "dead",
            (true, false, _) => "unhealthy",
            (false, _, Some(_)) => "healthy",
            (false, _, None) => "unknown",
        };
        let (last_error, last_error_at) = record.last_error.unzip();
        EndpointHealth {
            endpoint_id: id.to_owned(),
            status,
            last_error,
            last_error_at,
            last_success_at: record.last_success_at,
            last_attempt_at: record.last_attempt_at,
        }
    }

    /// Forgets a hub.
    pub(crate) fn forget(&self, hub: &str) {
        self.0.lock().retain(|(known, _), _| known != hub);
    }

    fn change(&self, hub: &str, endpoint: &str, change: impl FnOnce(&mut Record)) {
        change(self.0.lock().entry((hub.to_owned(), endpoint.to_owned())).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_unknown_then_healthy_then_unhealthy_then_dead_and_recovers() {
        let book = HealthBook::default();
        let at = Timestamp::UNIX_EPOCH;
        let status = || book.of("h", "e", "id").status;
        assert_eq!(status(), "unknown");
        book.sent("h", "e", at);
        assert_eq!(status(), "healthy");
        book.failed("h", "e", at, "down", false);
        assert_eq!(status(), "unhealthy");
        book.failed("h", "e", at, "down", true);
        assert_eq!(status(), "dead");
        let later = at + SignedDuration::from_mins(61);
        book.sent("h", "e", at);
        book.failed("h", "e", at, "down", false);
        book.failed("h", "e", later, "down", false);
        assert_eq!(status(), "dead", "after an hour");
        book.sent("h", "e", at);
        let health = book.of("h", "e", "id");
        assert_eq!((health.status, health.last_error.as_deref()), ("healthy", Some("down")));
        book.forget("h");
        assert_eq!(status(), "unknown");
    }
}
