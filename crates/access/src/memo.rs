//! What RBAC came to, remembered while nothing that it was worked out from has changed.
//!
//! Only grants are remembered: a refusal is rare, and is worked out anew with its evidence. A grant depends on the
//! assignments, roles, deny assignments, the directory and the hierarchy above the resource; every table counts its
//! changes, and one change anywhere forgets everything. Time cannot turn a grant into a refusal: assignments take effect
//! and do not end.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_identity::PrincipalCaller;
use iolite_kernel::{Operation, Scope};
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
    granted: Arc<Granted>,
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
    /// The grant of `operation` to `principal` at `resource`, as worked out in this `state`.
    pub(crate) fn find(
        &self,
        state: [u64; 6],
        principal: &PrincipalCaller,
        operation: &'static Operation,
        resource: &Scope,
    ) -> Option<Arc<Granted>> {
        let remembered = self.0.lock();
        let entry = remembered.entries.get(&mark(&principal.object_id, operation, resource))?;
        let same = remembered.state == state
            && entry.object_id == principal.object_id
            && entry.groups == principal.groups
            && std::ptr::eq(entry.operation, operation)
            && entry.resource.as_str() == resource.as_str();
        same.then(|| entry.granted.clone())
    }

    /// Remembers a grant that was worked out in this `state`.
    pub(crate) fn keep(
        &self,
        state: [u64; 6],
        principal: &PrincipalCaller,
        operation: &'static Operation,
        resource: &Scope,
        granted: Arc<Granted>,
    ) {
        let mut remembered = self.0.lock();
        if remembered.state != state || remembered.entries.len() >= CAPACITY {
            *remembered = Remembered { state, entries: HashMap::new() };
        }
        let entry = Entry {
            object_id: principal.object_id.clone(),
            groups: principal.groups.clone(),
            resource: resource.clone(),
            operation,
            granted,
        };
        remembered.entries.insert(mark(&principal.object_id, operation, resource), entry);
    }
}

/// Where an entry is looked for; two that share a mark overwrite each other, and the comparison tells them apart.
fn mark(object_id: &str, operation: &'static Operation, resource: &Scope) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (object_id, std::ptr::from_ref(operation), resource.as_str()).hash(&mut hasher);
    hasher.finish()
}
