//! What Event Grid needs to reach webhooks: one request, one answer. Implemented by the hub's own client, and by tests.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};

use crate::outbound::{Outbound, OutboundError};

/// How much of an answer is read.
const MOST_BYTES: usize = 64 * 1024;

/// Reaches webhooks.
pub trait Webhooks: Send + Sync {
    /// Sends one request and reads its answer. Follows no redirect.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, OutboundError>>;
}

impl Webhooks for Outbound {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, OutboundError>> {
        Box::pin(self.exchange(request, MOST_BYTES))
    }
}
