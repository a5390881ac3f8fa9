//! Who has which role where, and who is kept from what.

use iolite_kernel::{Scope, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::Permission;
use crate::role::Coverage;

/// A role given to a principal at a scope; keyed by `principal/name`, both in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignment {
    /// The assignment's GUID.
    pub name: String,
    /// Where it holds, and below.
    pub scope: Scope,
    /// The GUID of the role.
    pub role_id: String,
    /// Who has it.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`, as the assigner said or the directory tells.
    pub principal_type: String,
    /// A note by the assigner.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it takes effect: later than it was made where the world delays propagation.
    pub effective_at: Timestamp,
    /// Who made it, by object id.
    pub created_by: Option<String>,
}

impl Record for RoleAssignment {
    const COLLECTION: &'static str = "role-assignments";
}

impl RoleAssignment {
    /// Whether it has come into effect. One that is from the future has: the clock was put back since, and who had a role
    /// keeps it then.
    #[must_use]
    pub fn is_in_effect(&self, now: Timestamp) -> bool {
        self.effective_at <= now || now < self.created_at
    }

    /// The key it is kept under.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.principal_id.to_ascii_lowercase(), self.name.to_ascii_lowercase())
    }

    /// Its full id.
    #[must_use]
    pub fn id(&self) -> String {
        let scope = self.scope.as_str().trim_end_matches('/');
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", self.name)
    }
}

/// Actions kept from principals whatever their roles; keyed by its name in lower case.
///
/// Azure makes these itself (managed applications, deployment stacks); a world file can too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DenyAssignment {
    /// The assignment's GUID.
    pub name: String,
    /// The name shown to people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Where it holds.
    pub scope: Scope,
    /// Whether it stops at `scope` itself.
    pub does_not_apply_to_child_scopes: bool,
    /// What it denies.
    pub permissions: Vec<Permission>,
    /// Whom it binds, by object id; the nil GUID stands for everyone.
    pub principals: Vec<String>,
    /// Whom it spares.
    pub excluded_principals: Vec<String>,
}

impl Record for DenyAssignment {
    const COLLECTION: &'static str = "deny-assignments";
}

/// The object id that stands for everyone in a deny assignment.
const EVERYONE: &str = "00000000-0000-0000-0000-000000000000";

impl DenyAssignment {
    /// Whether it keeps the data (`data`) or control action from someone at the narrowest of `scopes`, whatever their
    /// roles; `identities` are their own object id and those of their groups.
    #[must_use]
    pub fn denies(&self, identities: &[&str], scopes: &[Scope], action: &str, data: bool) -> bool {
        self.holds_at(scopes)
            && self.binds(identities)
            && self.permissions.iter().any(|block| block.coverage(action, data) == Coverage::Allows)
    }

    /// Whether it binds someone who goes by these object ids (their own and their groups').
    pub(crate) fn binds(&self, identities: &[&str]) -> bool {
        let names =
            |list: &[String]| list.iter().any(|id| identities.iter().any(|identity| identity.eq_ignore_ascii_case(id)));
        (names(&self.principals) || self.principals.iter().any(|id| id == EVERYONE))
            && !names(&self.excluded_principals)
    }

    /// Whether it holds at the narrowest of `scopes` (the narrowest first).
    pub(crate) fn holds_at(&self, scopes: &[Scope]) -> bool {
        if self.does_not_apply_to_child_scopes {
            scopes.first() == Some(&self.scope)
        } else {
            scopes.contains(&self.scope)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_waits_for_its_moment_unless_the_clock_was_put_back_behind_its_making() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let assignment = RoleAssignment {
            name: "a".into(),
            scope: Scope::root(),
            role_id: "r".into(),
            principal_id: "p".into(),
            principal_type: "User".into(),
            description: None,
            created_at: at(1000),
            effective_at: at(1300),
            created_by: None,
        };
        assert_eq!(
            [999, 1000, 1299, 1300].map(|second| assignment.is_in_effect(at(second))),
            [true, false, false, true]
        );
    }
}
