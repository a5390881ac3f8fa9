//! What RBAC came to, remembered while nothing that it was worked out from has changed.
//!
//! Only grants are remembered: a refusal is rare, and is worked out anew with its evidence. A grant depends on the
//! assignments, roles, deny assignments, the directory and the hierarchy above the resource; every table counts its
//! changes, and one change anywhere forgets everything. Time that goes on cannot turn a grant into a refusal: assignments
//! take effect and do not end. A clock that was set back can, so a grant is not remembered before the moment it was made.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use iolite_identity::PrincipalCaller;
use iolite_kernel::{Operation, Scope, Timestamp};
use iolite_resources::Estate;
use parking_lot::Mutex;

use crate::{Evaluation, RoleBook};

/// How many grants are remembered; one more forgets them all.
const CAPACITY: usize = 4096;

/// A grant with its evidence.
#[derive(Debug)]
pub(crate) struct Granted {
    /// The scopes that were looked at, the narrowest first.
    pub(crate) scopes: Vec<Scope>,
    /// One evaluation an action.
    pub(crate) evaluations: Vec<Evaluation>,
}

/// Whom a grant is for, where, and for which operation.
struct Entry {
    object_id: String,
    groups: Vec<String>,
    resource: Scope,
    operation: &'static Operation,
    /// When it was worked out.
    at: Timestamp,
    granted: Arc<Granted>,
}

/// Somebody's wish for an operation, at a moment and in a state of the world.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// What the tables were like, from [`state`].
    pub(crate) state: [u64; 6],
    /// Now.
    pub(crate) now: Timestamp,
    /// Whose.
    pub(crate) principal: &'a PrincipalCaller,
    /// What for.
    pub(crate) operation: &'static Operation,
    /// Where.
    pub(crate) resource: &'a Scope,
}

/// The remembered grants.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    state: [u64; 6],
    entries: HashMap<u64, Entry>,
}

/// The changes of every table that RBAC reads.
pub(crate) fn state(estate: &Estate, book: &RoleBook) -> [u64; 6] {
    [
        book.assignments.changes(),
        book.custom.changes(),
        book.denies.changes(),
        estate.principals.changes(),
        estate.subscriptions.changes(),
        estate.management_groups.changes(),
    ]
}

impl Memo {
    /// The grant of the wish, as worked out in the same state.
    pub(crate) fn find(&self, wish: Wish<'_>) -> Option<Arc<Granted>> {
        let remembered = self.0.lock();
        let entry = remembered.entries.get(&wish.mark())?;
        let same = remembered.state == wish.state
            && entry.at <= wish.now
            && entry.object_id == wish.principal.object_id
            && entry.groups == wish.principal.groups
            && std::ptr::eq(entry.operation, wish.operation)
            && entry.resource.as_str() == wish.resource.as_str();
        same.then(|| entry.granted.clone())
    }

    /// Remembers what the wish came to.
    pub(crate) fn keep(&self, wish: Wish<'_>, granted: Arc<Granted>) {
        let mut remembered = self.0.lock();
        if remembered.state != wish.state || remembered.entries.len() >= CAPACITY {
            *remembered = Remembered { state: wish.state, entries: HashMap::new() };
        }
        let entry = Entry {
            object_id: wish.principal.object_id.clone(),
            groups: wish.principal.groups.clone(),
            resource: wish.resource.clone(),
            operation: wish.operation,
            at: wish.now,
            granted,
        };
        remembered.entries.insert(wish.mark(), entry);
    }
}

impl Wish<'_> {
    /// Where its entry is looked for; two that share a mark overwrite each other, and the comparison tells them apart.
    fn mark(&self) -> u64 {
        let told = (&self.principal.object_id, std::ptr::from_ref(self.operation), self.resource.as_str());
        FixedState::default().hash_one(told)
    }
}
