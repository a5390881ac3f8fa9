//! May they.
//!
//! Roles, assignments and rights turn an authenticated caller and an operation into a [`Permit`] or a [`Denial`], and
//! either way into a [`Decision`] that tells why. Only this crate can make a permit, and no operation runs without one.

mod access;
mod assignment;
mod check;
mod decision;
mod evaluation;
mod explanation;
mod handler;
mod log;
mod memo;
mod pattern;
mod permit;
mod role;
mod suggestion;
#[cfg(test)]
mod tests;

pub use access::{Access, Ask};
pub use assignment::{DenyAssignment, RoleAssignment};
pub use check::{HypotheticalAsk, HypotheticalError};
pub use decision::{CredentialKind, Decision, Denial, DenialCause, Grant, Outcome};
pub use evaluation::{Considered, Evaluation, Need, Plane, Why};
pub use handler::{Handler, RunFuture};
pub use log::{Asker, DecisionLog, Filter};
pub use pattern::matches_action;
pub use permit::Permit;
pub use role::{Permission, RoleBook, RoleDefinition};
pub use suggestion::Suggestion;
