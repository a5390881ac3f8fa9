//! Why another service gave no answer. No text holds a request's target: it may carry a signature.

use std::fmt;
use std::time::Duration;

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboundError {
    /// The URI is not an absolute http or https one.
    NotAnAddress,
    /// The address is a link-local one, where clouds keep their machines' credentials: nothing is sent there.
    LinkLocal,
    /// No connection, or a certificate that is not trusted; why.
    Unreachable(String),
    /// The connection broke, or what came is not HTTP; why.
    Broken(String),
    /// No whole answer within this time.
    TimedOut(Duration),
    /// The answer is longer than this many bytes.
    TooLarge(usize),
}

impl From<hyper::Error> for OutboundError {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl fmt::Display for OutboundError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAddress => formatter.write_str("the address is not an absolute http or https one"),
            Self::LinkLocal => formatter.write_str("link-local addresses are not asked: they are a cloud's metadata"),
            Self::Unreachable(why) => write!(formatter, "no connection: {why}"),
            Self::Broken(why) => write!(formatter, "the connection broke: {why}"),
            Self::TimedOut(after) => write!(formatter, "no answer within {} seconds", after.as_secs()),
            Self::TooLarge(most) => write!(formatter, "the answer is longer than {most} bytes"),
        }
    }
}

impl std::error::Error for OutboundError {}
