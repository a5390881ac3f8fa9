//! How each endpoint of a hub is doing: what `routingEndpointsHealth` answers.
//!
//! Written by whoever sends; forgotten when the process ends. Source: `EndpointHealthData` of 2023-06-30.

use std::collections::HashMap;

use iolite_kernel::Timestamp;
use iolite_resources::EndpointHealth;
use parking_lot::Mutex;

/// The health of all endpoints of all hubs.
#[derive(Debug, Default)]
pub(crate) struct HealthBook(Mutex<HashMap<(String, String), Record>>);

#[derive(Debug, Clone, Default)]
struct Record {
    failing: bool,
    lost: bool,
    last_error: Option<(String, Timestamp)>,
    last_success_at: Option<Timestamp>,
    last_attempt_at: Option<Timestamp>,
}

impl HealthBook {
    /// Events went to the endpoint.
    pub(crate) fn sent(&self, hub: &str, endpoint: &str, at: Timestamp) {
        self.change(hub, endpoint, |record| {
            (record.failing, record.lost) = (false, false);
            (record.last_success_at, record.last_attempt_at) = (Some(at), Some(at));
        });
    }

    /// Events could not go to the endpoint; `lost` where they were given up.
    pub(crate) fn failed(&self, hub: &str, endpoint: &str, at: Timestamp, why: &str, lost: bool) {
        self.change(hub, endpoint, |record| {
            record.failing = true;
            record.lost |= lost;
            (record.last_error, record.last_attempt_at) = (Some((why.to_owned(), at)), Some(at));
        });
    }

    /// How the endpoint called `endpoint`, with the id `id`, is doing.
    pub(crate) fn of(&self, hub: &str, endpoint: &str, id: &str) -> EndpointHealth {
        let record = self.0.lock().get(&(hub.to_owned(), endpoint.to_owned())).cloned().unwrap_or_default();
        let status = match (record.failing, record.lost, record.last_success_at) {
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
        book.sent("h", "e", at);
        let health = book.of("h", "e", "id");
        assert_eq!((health.status, health.last_error.as_deref()), ("healthy", Some("down")));
        book.forget("h");
        assert_eq!(status(), "unknown");
    }
}
