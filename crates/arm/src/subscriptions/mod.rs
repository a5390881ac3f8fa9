//! Subscriptions, and who sees them.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod locations;

use iolite_access::Permit;
use iolite_identity::Caller;
use iolite_kernel::Scope;
use iolite_resources::Subscription;
use serde_json::{Value, json};

use crate::Arm;

/// A subscription as answers have it.
///
/// Source: the resource manager's `Subscription` of 2022-12-01; `az login` reads `subscriptionId`, `displayName`, `state`
/// and `tenantId`.
pub(crate) fn document(arm: &Arm, subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": arm.estate.tenant.id,
        "displayName": subscription.display_name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
        },
    })
}

/// Whether the caller has any role in the subscription, above it or below: who has none does not see it.
pub(crate) fn is_seen(arm: &Arm, permit: &Permit, subscription: &Subscription) -> bool {
    let Caller::Principal(principal) = permit.caller() else { return false };
    let scope = Scope::subscription(&subscription.id);
    let above = arm.estate.scopes_above(&scope);
    arm.assignments_of(principal)
        .iter()
        .any(|assignment| above.contains(&assignment.scope) || scope.covers(&assignment.scope))
}
