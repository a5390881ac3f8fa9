//! Bodies: bounded in size and in time, read only after the door has let the caller in.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use crate::Refusal;

/// More than any documented request of the services takes.
pub const MAXIMUM_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A body that is not there after so long is given up.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Reads a body of at most `limit` bytes to its end. Nothing is reserved by a declared length; a declared length over the
/// limit is refused before the first byte is read.
pub async fn read_body(body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    let too_large = Refusal::BodyTooLarge { limit };
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    match tokio::time::timeout(BODY_DEADLINE, Limited::new(body, limit).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large),
        Ok(Err(_)) | Err(_) => Err(Refusal::BodyUnreadable),
    }
}
