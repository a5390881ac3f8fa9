//! Listings of one type of resource: what `list_by_group` and `list_by_subscription` of all three types share.
//!
//! Called by those operations. A listing is one page, in the order of the names.

use iolite_access::Permit;
use iolite_kernel::{Answer, Operation, Request, ResourceId, Scope, ServiceError};
use iolite_resources::{Hub, ProvisioningService, TwinsInstance};
use iolite_store::{Record, Table, Versioned};
use serde_json::{Value, json};

use crate::{Arm, hubs, provisioning_services, twins_instances};

/// A type of resource that is listed.
pub(crate) trait Listed: Record + Sized {
    /// The operation that reads one: who may run it on one sees that one in a listing of the subscription.
    const READ: &'static Operation;

    /// All of the type.
    fn table(arm: &Arm) -> &Table<Self>;

    /// Its id.
    fn id(&self) -> &ResourceId;

    /// It as answers have it.
    fn document(arm: &Arm, it: &Versioned<Self>) -> Value;
}

impl Listed for Hub {
    const READ: &'static Operation = &hubs::get::OPERATION;

    fn table(arm: &Arm) -> &Table<Self> {
        &arm.estate.hubs
    }

    fn id(&self) -> &ResourceId {
        &self.id
    }

    fn document(arm: &Arm, it: &Versioned<Self>) -> Value {
        hubs::document::document(arm, it)
    }
}

impl Listed for ProvisioningService {
    const READ: &'static Operation = &provisioning_services::get::OPERATION;

    fn table(arm: &Arm) -> &Table<Self> {
        &arm.estate.provisioning_services
    }

    fn id(&self) -> &ResourceId {
        &self.id
    }

    fn document(arm: &Arm, it: &Versioned<Self>) -> Value {
        provisioning_services::document::document(arm, it)
    }
}

impl Listed for TwinsInstance {
    const READ: &'static Operation = &twins_instances::get::OPERATION;

    fn table(arm: &Arm) -> &Table<Self> {
        &arm.estate.twins_instances
    }

    fn id(&self) -> &ResourceId {
        &self.id
    }

    fn document(arm: &Arm, it: &Versioned<Self>) -> Value {
        twins_instances::document::document(arm, it)
    }
}

/// Answers 200 with all of a type in the resource group that the path names.
pub(crate) fn of_group<T: Listed>(arm: &Arm, request: &Request) -> Result<Answer, ServiceError> {
    let group = arm.group(request)?;
    Ok(list::<T>(arm, |id| group.id.covers(id)))
}

/// Answers 200 with those of a type in the subscription that the path names which the caller may read: who has a role on
/// one of them alone sees that one, and who has none sees none.
///
/// Source: azure-cli issues 22038 (2022) and 28645 (2024) show `az iot hub` doing so.
pub(crate) fn of_subscription<T: Listed>(
    arm: &Arm,
    permit: &Permit,
    request: &Request,
) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    let scope = Scope::subscription(subscription);
    Ok(list::<T>(arm, |id| scope.covers(id) && arm.may_run(permit.caller(), T::READ, id)))
}

fn list<T: Listed>(arm: &Arm, is_listed: impl Fn(&ResourceId) -> bool) -> Answer {
    let all = T::table(arm).all("");
    let value: Vec<_> = all.iter().filter(|(_, it)| is_listed(it.id())).map(|(_, it)| T::document(arm, it)).collect();
    Answer::ok(&json!({"value": value}))
}
