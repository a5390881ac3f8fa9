//! What was decided about one request, and why: a value that the log keeps and the explanation reads.

use std::sync::{Arc, OnceLock};

use iolite_identity::{Caller, Checks, Credential, Presented, Rejection};
use iolite_kernel::{Client, Method, Operation, Right, Rights, Scope, Timestamp, Uuid, path_of};
use serde::Serialize;

use crate::memo::Granted;
use crate::{DenyAssignment, Evaluation};

/// The kind of credential that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialKind {
    /// None.
    None,
    /// A SAS token.
    SharedAccessSignature,
    /// An Entra token.
    Bearer,
    /// A client certificate.
    Certificate,
    /// Something else.
    Unknown,
}

impl CredentialKind {
    /// The kind of what was shown: a credential counts before the connection's certificate.
    #[must_use]
    pub const fn of(presented: &Presented) -> Self {
        match (&presented.credential, &presented.certificate) {
            (Credential::SharedAccessSignature(_), _) => Self::SharedAccessSignature,
            (Credential::Bearer(_), _) => Self::Bearer,
            (Credential::Unknown { .. }, _) => Self::Unknown,
            (Credential::None, Some(_)) => Self::Certificate,
            (Credential::None, None) => Self::None,
        }
    }
}

/// One decision. Cheap to keep: the texts are made when somebody reads them.
#[derive(Debug)]
pub struct Decision {
    /// The id on the wire: request id and `x-iolite-decision`.
    pub id: Uuid,
    /// When it was decided, on the world's clock.
    pub at: Timestamp,
    /// The operation asked for.
    pub operation: &'static Operation,
    /// The resource it was asked of.
    pub resource: Scope,
    /// The path and query as sent; cut where they are very long.
    pub target: Arc<str>,
    /// The origin that was dialled; cut where it is very long.
    pub origin: Arc<str>,
    /// Where the request came from.
    pub client: Client,
    /// What was shown.
    pub credential: CredentialKind,
    /// The checks of the credential, in order.
    pub checks: Checks,
    /// Who was calling, where that is known.
    pub caller: Option<Arc<Caller>>,
    /// What came of it.
    pub outcome: Outcome,
    /// What the operation had to add: the warning when SAS is switched off.
    pub notes: OnceLock<Vec<String>>,
}

/// What came of a decision.
#[derive(Debug)]
pub enum Outcome {
    /// The caller may.
    Allowed(Grant),
    /// The caller may not. Apart, since nearly every decision that is kept is the other.
    Denied(Box<Denial>),
}

/// Why a caller may. What roles granted is read by the explanation.
#[derive(Debug)]
#[expect(
    private_interfaces,
    reason = "the evidence of a grant is shared with the memo, and read through the explanation"
)]
pub enum Grant {
    /// The operation is open to anyone.
    Public {
        /// Why it is.
        because: &'static str,
    },
    /// A policy carries the rights.
    Rights {
        /// What the policy carries.
        held: Rights,
        /// What the operation needs.
        needed: &'static [Right],
    },
    /// Roles grant every action.
    Roles(Arc<Granted>),
    /// The caller is the very device or registrant that the path names.
    Itself,
    /// Any signed-in caller may.
    SignedIn,
}

/// Why a caller may not, with what was looked at.
#[derive(Debug)]
pub struct Denial {
    /// What failed.
    pub cause: DenialCause,
    /// The scopes that were looked at, the narrowest first; empty where it did not come to that.
    pub scopes: Vec<Scope>,
    /// One evaluation an action; empty where it did not come to that.
    pub evaluations: Vec<Evaluation>,
}

impl Denial {
    /// When the roles that are assigned already let the caller through: they are still spreading. The same command again
    /// would only be told that they exist.
    #[must_use]
    pub fn takes_effect_at(&self) -> Option<Timestamp> {
        let failing = self.evaluations.iter().filter(|evaluation| !evaluation.is_allowed());
        let moments: Option<Vec<Timestamp>> = failing.map(Evaluation::takes_effect_at).collect();
        moments?.into_iter().max()
    }
}

/// What failed.
#[derive(Debug)]
pub enum DenialCause {
    /// Nobody could be made out: the credential was refused.
    NotAuthenticated(Rejection),
    /// The policy lacks a right.
    RightMissing {
        /// The policy's name.
        policy: String,
        /// What it carries.
        held: Rights,
        /// What the operation needs.
        needed: &'static [Right],
    },
    /// No role grants this action.
    RoleMissing {
        /// The first action that nothing grants.
        action: &'static str,
    },
    /// A deny assignment keeps the action from the caller.
    DeniedByAssignment {
        /// The action.
        action: &'static str,
        /// The deny assignment.
        by: Arc<DenyAssignment>,
    },
    /// The caller is someone, but not the device, module or registrant that the path names.
    SomeoneElse {
        /// Whom the path names.
        wanted: String,
    },
}

impl Decision {
    /// Whether the caller may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allowed(_))
    }

    /// The path as sent, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        path_of(&self.target)
    }

    /// The method of a request; a connection or a link has none.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.origin.starts_with("http").then_some(self.operation.method)
    }

    /// The denial, where there is one.
    #[must_use]
    pub const fn denial(&self) -> Option<&Denial> {
        match &self.outcome {
            Outcome::Denied(denial) => Some(&**denial),
            Outcome::Allowed(_) => None,
        }
    }
}
