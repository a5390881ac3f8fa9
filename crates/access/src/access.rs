//! The decision: an authenticated caller and an operation become a permit or a denial.

use std::sync::{Arc, OnceLock};

use iolite_identity::{Authentication, Caller, PrincipalCaller};
use iolite_kernel::{Ground, Need, Operation, Request, Scope, Timestamp};
use iolite_resources::{Estate, Resource};

use crate::evaluation::{Place, evaluate};
use crate::memo::{self, Granted, Memo, Wish};
use crate::{
    CredentialKind, Decision, DecisionLog, Denial, DenialCause, Evaluation, Grant, Outcome, Permit, Plane, RoleBook,
};

/// The most bytes of a caller's text that a decision keeps; the longest path of an SDK has less.
const LONGEST_TEXT: usize = 768;

/// Decides, and keeps what it decided.
pub struct Access {
    pub(crate) estate: Estate,
    pub(crate) ground: Ground,
    pub(crate) book: RoleBook,
    pub(crate) operations: Vec<&'static Operation>,
    log: DecisionLog,
    memo: Memo,
}

/// A request at the door, after authentication.
pub struct Ask<'a> {
    /// The operation asked for.
    pub operation: &'static Operation,
    /// The resource it is asked of.
    pub resource: &'a Resource,
    /// The request.
    pub request: &'a Request,
    /// What was shown.
    pub credential: CredentialKind,
    /// What came of looking at it.
    pub authentication: Authentication,
}

impl Access {
    /// An access door over the world's resources and roles; `operations` are all that the process knows, for telling
    /// which role is the smallest that would do.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground, book: RoleBook, operations: Vec<&'static Operation>) -> Self {
        Self { estate, ground, book, operations, log: DecisionLog::default(), memo: Memo::default() }
    }

    /// The roles and assignments.
    #[must_use]
    pub const fn book(&self) -> &RoleBook {
        &self.book
    }

    /// The decisions so far.
    #[must_use]
    pub const fn log(&self) -> &DecisionLog {
        &self.log
    }

    /// Every operation the process knows.
    #[must_use]
    pub fn operations(&self) -> &[&'static Operation] {
        &self.operations
    }

    /// Decides, records the decision, and hands out the permit where the caller may.
    pub fn decide(&self, ask: Ask<'_>) -> Result<Permit, Arc<Decision>> {
        let resource = ask.resource.scope();
        let (caller, outcome) = match ask.authentication.outcome {
            Ok(caller) => {
                let outcome = self.judge(&caller, ask.operation, ask.request, &resource, ask.request.received_at);
                (Some(caller), outcome)
            }
            Err(rejection) => (None, refused(DenialCause::NotAuthenticated(rejection))),
        };
        let decision = Arc::new(Decision {
            id: ask.request.id,
            at: ask.request.received_at,
            operation: ask.operation,
            resource: resource.clone(),
            target: kept(&ask.request.target),
            origin: kept(&ask.request.origin),
            client: ask.request.client.clone(),
            credential: ask.credential,
            checks: ask.authentication.checks,
            caller,
            outcome,
            notes: OnceLock::new(),
        });
        self.log.record(decision.clone());
        match (&decision.caller, decision.is_allowed()) {
            (Some(caller), true) => Ok(Permit::new(caller.clone(), ask.operation, resource, decision.id)),
            _ => Err(decision),
        }
    }

    /// Whether `caller`, who was let in earlier, would be let in now; for links that last. Nothing is recorded.
    #[must_use]
    pub fn still_allows(
        &self,
        caller: &Caller,
        operation: &'static Operation,
        request: &Request,
        resource: &Resource,
    ) -> bool {
        matches!(self.judge(caller, operation, request, &resource.scope(), self.ground.now()), Outcome::Allowed(_))
    }

    fn judge(
        &self,
        caller: &Caller,
        operation: &'static Operation,
        request: &Request,
        resource: &Scope,
        now: Timestamp,
    ) -> Outcome {
        match (&operation.need, caller) {
            (Need::Public { because }, _) => Outcome::Allowed(Grant::Public { because }),
            (Need::SignedIn, Caller::Principal(_)) => Outcome::Allowed(Grant::SignedIn),
            // No data action stands for it, so no role can grant it (the Event Hubs-compatible endpoint).
            (Need::DataPlane { actions: [], .. }, Caller::Principal(_)) => someone_else("a shared access policy"),
            (Need::DataPlane { .. } | Need::Management { .. }, Caller::Principal(principal)) => {
                self.judge_principal(principal, operation, resource, now)
            }
            (Need::DataPlane { rights, .. }, Caller::Policy(policy)) if !rights.is_empty() => {
                if policy.resource == *resource && policy.rights.contains_all(rights) {
                    Outcome::Allowed(Grant::Rights { held: policy.rights, needed: rights })
                } else {
                    refused(DenialCause::RightMissing {
                        policy: policy.policy.clone(),
                        held: policy.rights,
                        needed: rights,
                    })
                }
            }
            (Need::OwnDevice { device, module }, Caller::Device(found)) => {
                let wanted_module = module.map(|name| request.param(name));
                let same = found.hub == *resource
                    && found.device_id == request.param(device)
                    && found.module_id.as_deref() == wanted_module;
                if same { Outcome::Allowed(Grant::Itself) } else { someone_else(request.param(device)) }
            }
            (Need::OwnRegistration, Caller::Registrant(found)) if found.service == *resource => {
                Outcome::Allowed(Grant::Itself)
            }
            _ => someone_else("another kind of caller"),
        }
    }

    fn judge_principal(
        &self,
        principal: &PrincipalCaller,
        operation: &'static Operation,
        resource: &Scope,
        now: Timestamp,
    ) -> Outcome {
        let state = memo::state(&self.estate, &self.book);
        let wish = Wish { state, now, principal, operation, resource };
        if let Some(granted) = self.memo.find(wish) {
            return Outcome::Allowed(Grant::Roles(granted));
        }
        let plane = if matches!(operation.need, Need::DataPlane { .. }) { Plane::Data } else { Plane::Control };
        let scopes = self.estate.scopes_above(resource);
        let evaluations: Vec<Evaluation> = operation
            .need
            .actions()
            .iter()
            .map(|action| self.evaluate(&principal.object_id, &principal.groups, &scopes, action, plane))
            .collect();
        let Some(failed) = evaluations.iter().find(|evaluation| !evaluation.is_allowed()) else {
            let granted = Arc::new(Granted { scopes, evaluations });
            self.memo.keep(wish, granted.clone());
            return Outcome::Allowed(Grant::Roles(granted));
        };
        let cause = match &failed.denied_by {
            Some(by) => DenialCause::DeniedByAssignment { action: failed.action, by: by.clone() },
            None => DenialCause::RoleMissing { action: failed.action },
        };
        Outcome::Denied(Denial { cause, scopes, evaluations }.into())
    }

    /// Looks at every assignment of a principal and its groups for one action at `scopes` (the narrowest first).
    pub(crate) fn evaluate(
        &self,
        object_id: &str,
        groups: &[String],
        scopes: &[Scope],
        action: &'static str,
        plane: Plane,
    ) -> Evaluation {
        let identities: Vec<&str> = std::iter::once(object_id).chain(groups.iter().map(String::as_str)).collect();
        let place = Place { scopes, now: self.ground.now() };
        let mut evaluation = evaluate(&self.book, &identities, place, action, plane);
        for considered in &mut evaluation.considered {
            let holder = &considered.assignment.principal_id;
            let is_group = !holder.eq_ignore_ascii_case(object_id);
            considered.group =
                is_group.then(|| self.estate.principal(holder).map_or(holder.clone(), |group| group.name.clone()));
        }
        evaluation
    }
}

fn refused(cause: DenialCause) -> Outcome {
    Outcome::Denied(Denial { cause, scopes: Vec::new(), evaluations: Vec::new() }.into())
}

fn someone_else(wanted: &str) -> Outcome {
    refused(DenialCause::SomeoneElse { wanted: shortened(wanted) })
}

/// The text itself, shared, or enough of it.
fn kept(text: &Arc<str>) -> Arc<str> {
    if text.len() <= LONGEST_TEXT { text.clone() } else { shortened(text).into() }
}

/// Enough of a caller's text to recognise it: the log keeps thousands of decisions, and anyone can cause one.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST_TEXT)])
}
