//! What a session was granted on, and how that is looked at again.
//!
//! Implemented by the door, which knows credentials and decisions; asked by the hub when something changed. The hub itself
//! never judges a credential.

use std::sync::Arc;

use iolite_identity::Credential;
use iolite_kernel::Timestamp;
use iolite_messaging::{Doing, SignInError, Transport};

/// What a session or link was granted on.
pub trait Grounds: Send + Sync {
    /// Whether it would be granted again, now, expiry aside. Quick, and without a trace where it holds; where it does not,
    /// the refusal is on record afterwards.
    fn hold(&self) -> bool;

    /// Looks at a newer credential for the same.
    fn renewed(&self, credential: Credential) -> Doing<'_, Result<Renewal, SignInError>>;
}

/// A session's grounds after it was renewed.
pub struct Renewal {
    /// What it is granted on from now on.
    pub grounds: Arc<dyn Grounds>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// What the door knows of a connection that it let in.
pub struct Connection {
    /// How it came in.
    pub transport: Transport,
    /// The Plug and Play model that it announced.
    pub model_id: Option<String>,
    /// Whether it is the identity's one connection.
    pub exclusive: bool,
    /// When its credential ends.
    pub expires_at: Option<Timestamp>,
    /// What it was granted on.
    pub grounds: Arc<dyn Grounds>,
}
