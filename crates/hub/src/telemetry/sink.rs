//! Where events go: the streams of a hub's built-in endpoint.

use iolite_kernel::ServiceError;
use iolite_messaging::Receipt;
use parking_lot::Mutex;

/// Keeps events.
pub trait EventSink: Send + Sync {
    /// Appends an event in its stored form ([`HubEvent::encode`](iolite_messaging::HubEvent::encode)) to a partition of
    /// the hub keyed `hub`. Quick and without waiting; receipts of one partition are settled in their order.
    fn append(&self, hub: &str, partition: u32, event: &[u8]) -> Result<Receipt, ServiceError>;
}

/// A sink that only remembers; for a hub without streams, as in tests.
#[derive(Default)]
pub(crate) struct MemorySink {
    pub(crate) events: Mutex<Vec<(String, u32, Vec<u8>)>>,
}

impl EventSink for MemorySink {
    fn append(&self, hub: &str, partition: u32, event: &[u8]) -> Result<Receipt, ServiceError> {
        self.events.lock().push((hub.to_owned(), partition, event.to_vec()));
        Ok(Receipt::settled())
    }
}
