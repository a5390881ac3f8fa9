//! A decision without a request: would this principal be let through, now, or with one role more or less?

use std::fmt;
use std::sync::Arc;

use iolite_kernel::Scope;

use crate::evaluation::{Place, judge};
use crate::{Access, Considered, Evaluation, Need, Plane, RoleAssignment, Why};

/// A question to [`Access::check`].
#[derive(Debug, Clone)]
pub struct HypotheticalAsk<'a> {
    /// The principal: name, object id, client id or user name.
    pub principal: &'a str,
    /// The action, of either plane.
    pub action: &'a str,
    /// The resource.
    pub resource: &'a Scope,
    /// A role to pretend the principal had at the resource.
    pub with_role: Option<&'a str>,
    /// A role to pretend the principal did not have.
    pub without_role: Option<&'a str>,
}

/// A question that names something unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HypotheticalError {
    /// There is no such principal.
    UnknownPrincipal(String),
    /// There is no such role.
    UnknownRole(String),
    /// No operation of the process needs such an action.
    UnknownAction(String),
}

impl fmt::Display for HypotheticalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPrincipal(name) => {
                write!(formatter, "there is no principal `{name}`; the ready file lists those of this world")
            }
            Self::UnknownRole(name) => write!(formatter, "there is no role `{name}`; `iolite roles` lists them"),
            Self::UnknownAction(name) => {
                write!(formatter, "no operation needs the action `{name}`; `iolite roles` lists the actions")
            }
        }
    }
}

impl std::error::Error for HypotheticalError {}

impl Access {
    /// Evaluates an action for a principal at a resource, with a role added or taken away in thought.
    pub fn check(&self, ask: &HypotheticalAsk<'_>) -> Result<Evaluation, HypotheticalError> {
        let principal = self
            .estate
            .principal_named(ask.principal)
            .ok_or_else(|| HypotheticalError::UnknownPrincipal(ask.principal.to_owned()))?;
        let (action, plane) = self.known_action(ask.action)?;
        let groups = self.estate.groups_of(&principal.object_id);
        let scopes = self.estate.scopes_above(ask.resource);
        let mut evaluation = self.evaluate(&principal.object_id, &groups, &scopes, action, plane);
        if let Some(name) = ask.without_role {
            let gone = self.named_role(name)?;
            evaluation.considered.retain(|considered| !considered.assignment.role_id.eq_ignore_ascii_case(&gone.id));
        }
        if let Some(name) = ask.with_role {
            let role = self.named_role(name)?;
            let now = self.ground.now();
            let assignment = RoleAssignment {
                name: "hypothetical".to_owned(),
                scope: ask.resource.clone(),
                role_id: role.id.clone(),
                principal_id: principal.object_id.clone(),
                principal_type: principal.arm_type().to_owned(),
                description: None,
                created_at: now,
                effective_at: now,
                created_by: None,
            };
            let why: Why = judge(&assignment, Some(&role), Place { scopes: &scopes, now }, Need { action, plane });
            evaluation.considered.push(Considered {
                assignment: Arc::new(assignment),
                role: Some(role),
                group: None,
                why,
            });
        }
        Ok(evaluation)
    }

    /// The command that would grant `action` to `principal` at `resource` by the smallest built-in role; none where no
    /// role would help: a deny assignment stands above it, or one that is assigned is still spreading.
    #[must_use]
    pub fn granting_command(&self, principal: &str, evaluation: &Evaluation, resource: &Scope) -> Option<String> {
        if evaluation.denied_by.is_some() || evaluation.takes_effect_at().is_some() {
            return None;
        }
        let principal = self.estate.principal_named(principal)?;
        let role = self.smallest_role(&[evaluation.action], evaluation.plane == Plane::Data)?;
        let kind = principal.kind_name();
        Some(crate::suggestion::assignment_command(&principal.object_id, kind, &role.name, resource))
    }

    /// The action as an operation spells it, with its plane.
    fn known_action(&self, text: &str) -> Result<(&'static str, Plane), HypotheticalError> {
        let known = self.operations.iter().find_map(|operation| {
            let plane = match operation.need {
                iolite_kernel::Need::DataPlane { .. } => Plane::Data,
                _ => Plane::Control,
            };
            let actions: &'static [&'static str] = static_actions(operation);
            actions.iter().find(|action| action.eq_ignore_ascii_case(text)).map(|action| (*action, plane))
        });
        known.ok_or_else(|| HypotheticalError::UnknownAction(text.to_owned()))
    }

    fn named_role(&self, name: &str) -> Result<Arc<crate::RoleDefinition>, HypotheticalError> {
        self.book.role_named(name).ok_or_else(|| HypotheticalError::UnknownRole(name.to_owned()))
    }
}

fn static_actions(operation: &'static iolite_kernel::Operation) -> &'static [&'static str] {
    operation.need.actions()
}
