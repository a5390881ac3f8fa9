//! Every operation of IoT Hub: those that are served, and those that are known and refused by name.
//!
//! Read by the wiring, which derives the router, the authorization table and the coverage document from it.

use iolite_access::{Handler, handler};
use iolite_kernel::Operation;

use crate::{
    Hub, c2d, configurations, devices, feedback, files, jobs, methods, module_twins, modules, pnp, service_links,
    sessions, statistics, telemetry, twins,
};

static HANDLERS: &[Handler<Hub>] = &[
    handler!(devices::get),
    handler!(devices::put),
    handler!(devices::delete),
    handler!(devices::list),
    handler!(devices::bulk),
    handler!(devices::query),
    handler!(devices::purge),
    handler!(modules::get),
    handler!(modules::put),
    handler!(modules::delete),
    handler!(modules::list),
    handler!(twins::get),
    handler!(twins::replace),
    handler!(twins::update),
    handler!(module_twins::get),
    handler!(module_twins::replace),
    handler!(module_twins::update),
    handler!(configurations::get),
    handler!(configurations::put),
    handler!(configurations::delete),
    handler!(configurations::list),
    handler!(configurations::test_queries),
    handler!(configurations::apply),
    handler!(statistics::devices),
    handler!(statistics::service),
    handler!(files::create_sas_uri),
    handler!(files::update_status),
    handler!(files::update_status_by_correlation),
    handler!(methods::invoke_device),
    handler!(methods::invoke_module),
    handler!(telemetry::send_device_event),
    handler!(telemetry::send_module_event),
    handler!(c2d::receive),
    handler!(c2d::complete),
    handler!(c2d::abandon),
    handler!(feedback::receive),
    handler!(feedback::complete),
    handler!(feedback::abandon),
    handler!(jobs::scheduled::put),
    handler!(jobs::scheduled::get),
    handler!(jobs::scheduled::cancel),
    handler!(jobs::scheduled::query),
    handler!(pnp::get),
    handler!(pnp::update),
    handler!(pnp::invoke_root),
    handler!(pnp::invoke_component),
    handler!(jobs::registry::create),
    handler!(jobs::registry::list),
    handler!(jobs::registry::get),
    handler!(jobs::registry::cancel),
];

/// Every operation that is served, with what runs it.
#[must_use]
pub fn handlers() -> &'static [Handler<Hub>] {
    HANDLERS
}

/// Every operation that exists on sessions and links only: decided and logged as requests are, and unknown to the router.
#[must_use]
pub const fn session_operations() -> &'static [&'static Operation] {
    &[
        &sessions::connect_device::OPERATION,
        &sessions::connect_module::OPERATION,
        &service_links::connect::OPERATION,
        &service_links::send_to_device::OPERATION,
        &service_links::receive_file_notifications::OPERATION,
        &service_links::read_events::OPERATION,
    ]
}

/// Every operation that is known and not built: none is left.
#[must_use]
pub const fn refused() -> &'static [&'static Operation] {
    &[]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use iolite_kernel::{Need, Support};

    use super::*;

    fn all() -> Vec<&'static Operation> {
        handlers().iter().map(|handler| handler.operation).chain(refused().iter().copied()).collect()
    }

    #[test]
    fn every_operation_of_2021_04_12_is_served_or_refused_by_name() {
        let service_api = all().into_iter().filter(|operation| matches!(operation.need, Need::DataPlane { .. }));
        assert_eq!(service_api.count(), 42);
    }

    #[test]
    fn names_and_places_stand_for_one_operation_each() {
        let (mut names, mut places) = (HashSet::new(), HashSet::new());
        for operation in all() {
            assert!(names.insert(operation.name), "{operation}");
            assert!(places.insert((operation.method, operation.path.to_ascii_lowercase())), "{operation}");
        }
    }

    #[test]
    fn what_is_served_says_so_and_what_is_not_says_why() {
        assert!(handlers().iter().all(|handler| handler.operation.support == Support::Served));
        assert!(
            refused().iter().all(|operation| matches!(operation.support, Support::Refused(why) if !why.is_empty()))
        );
    }

    #[test]
    fn every_data_action_is_one_of_the_hub_s_and_no_need_is_empty() {
        for operation in all() {
            if let Need::DataPlane { actions, rights } = operation.need {
                assert!(!actions.is_empty() && !rights.is_empty(), "{operation}");
                assert!(actions.iter().all(|action| action.starts_with("Microsoft.Devices/IotHubs/")), "{operation}");
            }
        }
    }
}
