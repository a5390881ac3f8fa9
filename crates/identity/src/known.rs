//! What the door remembers of a credential that it accepted: enough to verify it again without reading it again.
//!
//! Kept inside [`Presented`](crate::Presented), so it lasts as long as a connection shows the same and is nobody else's. It
//! grants nothing: signature, times, resource and switches are looked at each time, and the records of the world by their
//! identity, so that any change of them brings back the whole examination.

use std::fmt;
use std::sync::Arc;

use iolite_resources::Resource;
use parking_lot::Mutex;

use crate::sas::{MacKey, SasToken};
use crate::sas_use::User;
use crate::token::Verified;
use crate::{Caller, Checks};

/// Something that was accepted.
#[derive(Clone)]
pub(crate) enum Known {
    /// A signature of a shared access policy.
    Signature(Arc<KnownSignature>),
    /// An Entra token.
    Token(Arc<Verified>),
}

/// A signature of a shared access policy, read.
pub(crate) struct KnownSignature {
    /// The token, taken apart.
    pub(crate) token: SasToken,
    /// The policy's key that signed it.
    pub(crate) key: MacKey,
    /// The very record whose policy it was.
    pub(crate) resource: Resource,
    /// The checks, all passed.
    pub(crate) checks: Checks,
    /// Who showed it.
    pub(crate) caller: Arc<Caller>,
    /// Where uses of the policy are counted.
    pub(crate) used: Arc<User>,
}

/// The last thing accepted. A copy begins with nothing, and nothing of it prints.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Option<Known>>);

impl Memory {
    pub(crate) fn signature(&self) -> Option<Arc<KnownSignature>> {
        match &*self.0.lock() {
            Some(Known::Signature(known)) => Some(known.clone()),
            _ => None,
        }
    }

    pub(crate) fn token(&self) -> Option<Arc<Verified>> {
        match &*self.0.lock() {
            Some(Known::Token(known)) => Some(known.clone()),
            _ => None,
        }
    }

    pub(crate) fn set(&self, known: Known) {
        *self.0.lock() = Some(known);
    }
}

impl Clone for Memory {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memory")
    }
}
