//! What goes wrong between the hub and a blob service. No text holds a signature.

use std::fmt;

/// A blob service that did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobError {
    /// The service cannot be reached, does not answer in time, or its certificate is not trusted; why.
    Unreachable(String),
    /// The signature or key is not taken (401, 403); the service's own code.
    Denied(String),
    /// The container or blob is not there (404); the service's own code (`ContainerNotFound`, `BlobNotFound`).
    NotFound(String),
    /// The answer is longer than was asked for, in bytes.
    TooLarge(usize),
    /// Another answer than the protocol has; status and the service's own code.
    Unexpected(u16, String),
}

impl fmt::Display for BlobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(formatter, "the blob service cannot be reached: {why}"),
            Self::Denied(code) => write!(formatter, "the blob service refused the credential: {code}"),
            Self::NotFound(code) => write!(formatter, "the blob service has no such thing: {code}"),
            Self::TooLarge(most) => write!(formatter, "the blob service's answer is longer than {most} bytes"),
            Self::Unexpected(status, code) => write!(formatter, "the blob service answered {status} {code}"),
        }
    }
}

impl std::error::Error for BlobError {}
