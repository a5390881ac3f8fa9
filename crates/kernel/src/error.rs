//! How an operation refuses: an entry of its service's catalogue, a text for the caller, and a cause that stays inside.

use std::error::Error;
use std::fmt;

/// One entry of a service's catalogue of errors.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The HTTP status.
    pub status: u16,
    /// The service's number (`404001`), or 0 where the service has none.
    pub number: u32,
    /// The service's name (`DeviceNotFound`).
    pub name: &'static str,
}

/// A refusal by an operation. What it displays may be shown to the caller; its source never is.
pub struct ServiceError {
    /// The catalogue's entry.
    pub code: &'static ErrorCode,
    /// What the caller reads.
    pub message: String,
    /// Header fields that go with it (`retry-after`); names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// A body that replaces the service's usual error shape, as JSON text.
    pub body: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ServiceError {
    /// A refusal with its text.
    pub fn new(code: &'static ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), headers: Vec::new(), body: None, cause: None }
    }

    /// Keeps what went wrong inside, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The header field `name`, where there is one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Replaces the service's usual error body by this JSON text.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.name, self.message)
    }
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServiceError")
            .field("code", &self.code.name)
            .field("message", &self.message)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as &(dyn Error + 'static))
    }
}
