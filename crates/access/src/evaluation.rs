//! Azure RBAC for one action: every assignment of the caller is looked at, and each says why it does or does not grant.

use std::sync::Arc;

use iolite_kernel::{Scope, Timestamp};
use serde::Serialize;

use crate::role::Coverage;
use crate::{DenyAssignment, RoleAssignment, RoleBook, RoleDefinition};

/// The plane an action is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Plane {
    /// Managing resources (`actions`).
    Control,
    /// Using them (`dataActions`).
    Data,
}

/// An action asked for, with its plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Need<'a> {
    /// The action.
    pub action: &'a str,
    /// Its plane.
    pub plane: Plane,
}

/// Why an assignment grants an action, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Why {
    /// It grants it.
    Grants,
    /// It holds at a scope that is not above the resource.
    OtherScope,
    /// The role manages resources and has no data action at all.
    ControlPlaneOnly,
    /// The role does not list the action.
    ActionNotListed,
    /// The role lists the action and takes it away again.
    Excepted {
        /// The `notActions` or `notDataActions` pattern that does.
        by: String,
    },
    /// It was made lately and is still spreading.
    NotYetEffective {
        /// When it takes effect.
        at: Timestamp,
    },
    /// The role it names is no longer there.
    RoleGone,
}

/// One assignment that was looked at.
#[derive(Debug, Clone)]
pub struct Considered {
    /// The assignment.
    pub assignment: Arc<RoleAssignment>,
    /// The role it gives, where it is still there.
    pub role: Option<Arc<RoleDefinition>>,
    /// The group that holds it, where the caller has it by being in one.
    pub group: Option<String>,
    /// Why it grants or not.
    pub why: Why,
}

/// What came of one action.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The action.
    pub action: &'static str,
    /// Its plane.
    pub plane: Plane,
    /// Every assignment looked at, the caller's own before those of its groups.
    pub considered: Vec<Considered>,
    /// The deny assignment that keeps the action from the caller.
    pub denied_by: Option<Arc<DenyAssignment>>,
}

impl Evaluation {
    /// Whether the action is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.denied_by.is_none() && self.considered.iter().any(|considered| considered.why == Why::Grants)
    }

    /// When an assignment that was made already lets the action through; none does where it is denied.
    #[must_use]
    pub fn takes_effect_at(&self) -> Option<Timestamp> {
        let moments = self.considered.iter().filter_map(|considered| match considered.why {
            Why::NotYetEffective { at } => Some(at),
            _ => None,
        });
        if self.denied_by.is_none() { moments.min() } else { None }
    }
}

/// The scopes and the moment an action is asked at.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The resource's scope and those above it, the narrowest first.
    pub(crate) scopes: &'a [Scope],
    /// Now.
    pub(crate) now: Timestamp,
}

/// Looks at every assignment of `identities` (object ids: the caller's, then its groups').
pub(crate) fn evaluate(
    book: &RoleBook,
    identities: &[&str],
    place: Place<'_>,
    action: &'static str,
    plane: Plane,
) -> Evaluation {
    let mut considered = Vec::new();
    for identity in identities {
        for (_, assignment) in book.assignments.all(&format!("{}/", identity.to_ascii_lowercase())) {
            let role = book.role(&assignment.role_id);
            let why = judge(&assignment, role.as_deref(), place, Need { action, plane });
            considered.push(Considered { assignment: assignment.value, role, group: None, why });
        }
    }
    let mut denies = book.denies.all("").into_iter().map(|(_, deny)| deny.value);
    let denied_by = denies.find(|deny| deny.denies(identities, place.scopes, action, plane == Plane::Data));
    Evaluation { action, plane, considered, denied_by }
}

/// Why `assignment` grants the action, or not. The scope is looked at first: an assignment elsewhere says nothing more.
pub(crate) fn judge(
    assignment: &RoleAssignment,
    role: Option<&RoleDefinition>,
    place: Place<'_>,
    need: Need<'_>,
) -> Why {
    let Some(role) = role else { return Why::RoleGone };
    if !place.scopes.contains(&assignment.scope) {
        return Why::OtherScope;
    }
    match role.coverage(need.action, need.plane == Plane::Data) {
        Coverage::Allows if !assignment.is_in_effect(place.now) => Why::NotYetEffective { at: assignment.effective_at },
        Coverage::Allows => Why::Grants,
        Coverage::Excepted(pattern) => Why::Excepted { by: pattern.to_owned() },
        Coverage::Unlisted if need.plane == Plane::Data && role.is_control_plane_only() => Why::ControlPlaneOnly,
        Coverage::Unlisted => Why::ActionNotListed,
    }
}
