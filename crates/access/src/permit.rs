//! The proof that a caller may run an operation on a resource, now.

use std::borrow::Cow;
use std::sync::Arc;

use iolite_identity::Caller;
use iolite_kernel::{Operation, Scope, Uuid};

/// A permit to run one operation once. It cannot be made, copied or changed outside this crate, and an operation's `run`
/// takes it by value: what has no permit does not run.
#[derive(Debug)]
pub struct Permit {
    caller: Arc<Caller>,
    operation: &'static Operation,
    resource: Scope,
    decision: Uuid,
}

impl Permit {
    pub(crate) const fn new(
        caller: Arc<Caller>,
        operation: &'static Operation,
        resource: Scope,
        decision: Uuid,
    ) -> Self {
        Self { caller, operation, resource, decision }
    }

    /// A permit out of thin air, for the unit tests of operations. Only there: the feature is for dev-dependencies.
    #[cfg(feature = "testing")]
    #[must_use]
    pub const fn for_tests(
        caller: Arc<Caller>,
        operation: &'static Operation,
        resource: Scope,
        decision: Uuid,
    ) -> Self {
        Self::new(caller, operation, resource, decision)
    }

    /// Who holds it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What it is for.
    #[must_use]
    pub const fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// The resource it is for.
    #[must_use]
    pub const fn resource(&self) -> &Scope {
        &self.resource
    }

    /// The resource's name in lower case, the form its records are keyed by.
    #[must_use]
    pub fn resource_key(&self) -> Cow<'_, str> {
        let name = self.resource.name();
        let has_capitals = name.bytes().any(|byte| byte.is_ascii_uppercase());
        if has_capitals { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) }
    }

    /// The decision it came of; the request id on the wire.
    #[must_use]
    pub const fn decision(&self) -> Uuid {
        self.decision
    }
}
