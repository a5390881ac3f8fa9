//! The smallest built-in role that would do, with the command that assigns it.

use std::sync::Arc;

use iolite_identity::PrincipalCaller;
use iolite_kernel::{Need, Operation, Scope};
use serde::Serialize;

use crate::{Access, Decision, DenialCause, RoleDefinition};

/// A role that would have let the caller in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The role's name.
    pub role: String,
    /// The role's id.
    pub role_id: String,
    /// The narrowest scope that would do.
    pub scope: Scope,
    /// The command that assigns it.
    pub command: String,
}

impl Access {
    /// The smallest built-in role that grants every one of `actions` in one plane: the one that lets change the least, of
    /// all that the operations of this process need.
    #[must_use]
    pub fn smallest_role(&self, actions: &[&str], data: bool) -> Option<Arc<RoleDefinition>> {
        let grants_all = |role: &&Arc<RoleDefinition>| actions.iter().all(|action| role.allows(action, data));
        self.book.built_in().iter().filter(grants_all).min_by_key(|role| self.reach(role)).cloned()
    }

    /// The roles, built-in and custom, that grant `action`, the smallest first.
    #[must_use]
    pub fn roles_granting(&self, action: &str, data: bool) -> Vec<Arc<RoleDefinition>> {
        let mut roles: Vec<_> = self.book.all().into_iter().filter(|role| role.allows(action, data)).collect();
        roles.sort_by_key(|role| self.reach(role));
        roles
    }

    /// The role to suggest after a denial, where a role is what is missing and none is on its way.
    #[must_use]
    pub fn suggestion(&self, decision: &Decision) -> Option<Suggestion> {
        let denial = decision.denial()?;
        let DenialCause::RoleMissing { .. } = denial.cause else { return None };
        if denial.takes_effect_at().is_some() {
            return None;
        }
        let iolite_identity::Caller::Principal(principal) = decision.caller.as_deref()? else { return None };
        self.suggest(principal, decision.operation, &decision.resource)
    }

    fn suggest(&self, principal: &PrincipalCaller, operation: &Operation, scope: &Scope) -> Option<Suggestion> {
        let data = matches!(operation.need, Need::DataPlane { .. });
        let role = self.smallest_role(operation.need.actions(), data)?;
        Some(Suggestion {
            command: assignment_command(&principal.object_id, principal.principal_kind, &role.name, scope),
            role: role.name.clone(),
            role_id: role.id.clone(),
            scope: scope.clone(),
        })
    }

    /// How much a role grants of the known operations' actions, in both planes: what it lets change first, then what it
    /// lets do, then what it lets see. A role that only reads is smaller than any that writes.
    fn reach(&self, role: &RoleDefinition) -> (usize, usize, usize) {
        let mut granted: Vec<&'static str> = Vec::new();
        for operation in &self.operations {
            let data = matches!(operation.need, Need::DataPlane { .. });
            granted.extend(operation.need.actions().iter().filter(|action| role.allows(action, data)));
        }
        granted.sort_unstable();
        granted.dedup();
        let ending = |word: &str| granted.iter().filter(|action| last_word_is(action, word)).count();
        let (reads, acts) = (ending("read"), ending("action"));
        (granted.len() - reads - acts, acts, reads)
    }
}

fn last_word_is(action: &str, word: &str) -> bool {
    action.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(word))
}

/// The ready `az` line that assigns a role.
pub(crate) fn assignment_command(object_id: &str, principal_kind: &str, role: &str, scope: &Scope) -> String {
    let principal_type = match principal_kind {
        "user" => "User",
        "group" => "Group",
        _ => "ServicePrincipal",
    };
    format!(
        "az role assignment create --assignee-object-id {object_id} --assignee-principal-type {principal_type} --role \"{role}\" --scope {scope}"
    )
}
