//! The operations and the code that runs them; what the wire is given.

use iolite_access::{Handler, handler};
use iolite_kernel::{ApiVersions, Method, Need, Operation, Service, Support};

use crate::{
    Arm, deny_assignments, event_subscriptions, hubs, metadata, permissions, provider_operations, providers,
    provisioning_services, resource_groups, resources, role_assignments, role_definitions, subscriptions, tenants,
    twins_instances,
};

/// Every operation that is served.
#[must_use]
pub fn handlers() -> &'static [Handler<Arm>] {
    HANDLERS
}

/// Every operation that is known and refused by name.
#[must_use]
pub fn refused() -> &'static [&'static Operation] {
    REFUSED
}

static HANDLERS: &[Handler<Arm>] = &[
    handler!(deny_assignments::get),
    handler!(deny_assignments::list),
    handler!(event_subscriptions::delete),
    handler!(event_subscriptions::get),
    handler!(event_subscriptions::get_full_url),
    handler!(event_subscriptions::list),
    handler!(event_subscriptions::patch),
    handler!(event_subscriptions::put),
    handler!(hubs::check_name),
    handler!(hubs::delete),
    handler!(hubs::get),
    handler!(hubs::get_key),
    handler!(hubs::list_by_group),
    handler!(hubs::list_by_subscription),
    handler!(hubs::list_keys),
    handler!(hubs::patch),
    handler!(hubs::put),
    handler!(hubs::quota_metrics),
    handler!(hubs::skus),
    handler!(hubs::stats),
    handler!(hubs::certificates::delete),
    handler!(hubs::certificates::generate_verification_code),
    handler!(hubs::certificates::get),
    handler!(hubs::certificates::list),
    handler!(hubs::certificates::put),
    handler!(hubs::certificates::verify),
    handler!(hubs::consumer_groups::delete),
    handler!(hubs::consumer_groups::get),
    handler!(hubs::consumer_groups::list),
    handler!(hubs::consumer_groups::put),
    handler!(hubs::routing::endpoint_health),
    handler!(hubs::routing::test_all),
    handler!(hubs::routing::test_new),
    handler!(metadata::endpoints),
    handler!(permissions::list),
    handler!(provider_operations::get),
    handler!(provider_operations::list),
    handler!(providers::get),
    handler!(providers::list),
    handler!(providers::operations),
    handler!(providers::register::authorization),
    handler!(providers::register::devices),
    handler!(providers::register::digital_twins),
    handler!(providers::register::event_grid),
    handler!(providers::register::resources),
    handler!(provisioning_services::certificates::delete),
    handler!(provisioning_services::certificates::generate_verification_code),
    handler!(provisioning_services::certificates::get),
    handler!(provisioning_services::certificates::list),
    handler!(provisioning_services::certificates::put),
    handler!(provisioning_services::certificates::verify),
    handler!(provisioning_services::check_name),
    handler!(provisioning_services::delete),
    handler!(provisioning_services::get),
    handler!(provisioning_services::get_key),
    handler!(provisioning_services::list_by_group),
    handler!(provisioning_services::list_by_subscription),
    handler!(provisioning_services::list_keys),
    handler!(provisioning_services::patch),
    handler!(provisioning_services::put),
    handler!(provisioning_services::skus),
    handler!(resource_groups::check_existence),
    handler!(resource_groups::delete),
    handler!(resource_groups::get),
    handler!(resource_groups::list),
    handler!(resource_groups::patch),
    handler!(resource_groups::put),
    handler!(resources::list),
    handler!(resources::list_by_group),
    handler!(role_assignments::delete),
    handler!(role_assignments::get),
    handler!(role_assignments::list),
    handler!(role_assignments::put),
    handler!(role_definitions::delete),
    handler!(role_definitions::get),
    handler!(role_definitions::list),
    handler!(role_definitions::put),
    handler!(subscriptions::get),
    handler!(subscriptions::list),
    handler!(subscriptions::locations),
    handler!(tenants::list),
    handler!(twins_instances::check_name),
    handler!(twins_instances::delete),
    handler!(twins_instances::get),
    handler!(twins_instances::list_by_group),
    handler!(twins_instances::list_by_subscription),
    handler!(twins_instances::patch),
    handler!(twins_instances::put),
];

const REFUSED_BY_KIND: [&[&Operation]; 4] = [
    hubs::refused::REFUSED,
    provisioning_services::refused::REFUSED,
    twins_instances::refused::REFUSED,
    role_assignments::refused::REFUSED,
];

/// The lists of all kinds in one.
static REFUSED: &[&Operation] = &joined();

const HOW_MANY: usize = {
    let (mut sum, mut kind) = (0, 0);
    while kind < REFUSED_BY_KIND.len() {
        sum += REFUSED_BY_KIND[kind].len();
        kind += 1;
    }
    sum
};

const fn joined() -> [&'static Operation; HOW_MANY] {
    let mut all = [REFUSED_BY_KIND[0][0]; HOW_MANY];
    let (mut at, mut kind) = (0, 0);
    while kind < REFUSED_BY_KIND.len() {
        let mut index = 0;
        while index < REFUSED_BY_KIND[kind].len() {
            all[at] = REFUSED_BY_KIND[kind][index];
            at += 1;
            index += 1;
        }
        kind += 1;
    }
    all
}

/// An operation that is known and not built, with the reason that its caller reads.
pub(crate) const fn refused_operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    action: &'static str,
    why: &'static str,
    summary: &'static str,
) -> Operation {
    Operation {
        service: Service::Arm,
        name,
        method,
        path,
        versions: ApiVersions::AnyDate,
        need: Need::Management { action },
        support: Support::Refused(why),
        summary,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Vec<&'static Operation> {
        handlers().iter().map(|handler| handler.operation).chain(refused().iter().copied()).collect()
    }

    #[test]
    fn no_two_operations_share_a_method_and_a_path() {
        let mut seen = BTreeSet::new();
        for operation in all() {
            let path: String = operation
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            assert!(seen.insert((operation.method, path.to_ascii_lowercase())), "{operation}");
        }
    }

    #[test]
    fn what_is_served_says_so_and_what_is_refused_says_why() {
        assert!(handlers().iter().all(|handler| handler.operation.support == Support::Served));
        for operation in refused() {
            assert!(matches!(operation.support, Support::Refused(why) if why.len() > 20), "{operation}");
        }
    }

    #[test]
    fn actions_are_written_as_documented() {
        for operation in all() {
            for action in operation.need.actions() {
                assert!(action.starts_with("Microsoft.") && action.matches('/').count() >= 2, "{operation}: {action}");
            }
        }
    }
}
