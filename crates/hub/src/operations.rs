//! Every operation of IoT Hub: those that are served, and those that are known and refused by name.
//!
//! Read by the wiring, which derives the router, the authorization table and the coverage document from it.

use iolite_access::{Handler, handler};
use iolite_kernel::{Operation, Request};

use crate::throttles::Meter;
use crate::{
    Hub, c2d, configurations, devices, feedback, files, jobs, methods, module_twins, modules, pnp, service_links,
    sessions, statistics, telemetry, twins,
};

/// The row of an operation that the hub's tier meters: so much of the meter is taken before it runs.
macro_rules! metered {
    ($meter:ident, $($module:ident)::+) => {
        Handler {
            operation: &$($module)::+::OPERATION,
            run: |hub: &Hub, permit, request| {
                match hub.meter(&permit.resource_key(), Meter::$meter, weight(Meter::$meter, &request)) {
                    Ok(()) => Box::pin($($module)::+::run(hub, permit, request)),
                    Err(error) => Box::pin(std::future::ready(Err(error))),
                }
            },
        }
    };
}

static HANDLERS: &[Handler<Hub>] = &[
    metered!(Registry, devices::get),
    metered!(Registry, devices::put),
    metered!(Registry, devices::delete),
    metered!(Registry, devices::list),
    metered!(Registry, devices::bulk),
    metered!(Query, devices::query),
    handler!(devices::purge),
    metered!(Registry, modules::get),
    metered!(Registry, modules::put),
    metered!(Registry, modules::delete),
    metered!(Registry, modules::list),
    metered!(TwinRead, twins::get),
    metered!(TwinUpdate, twins::replace),
    metered!(TwinUpdate, twins::update),
    metered!(TwinRead, module_twins::get),
    metered!(TwinUpdate, module_twins::replace),
    metered!(TwinUpdate, module_twins::update),
    metered!(Configuration, configurations::get),
    metered!(Configuration, configurations::put),
    metered!(Configuration, configurations::delete),
    metered!(Configuration, configurations::list),
    metered!(Configuration, configurations::test_queries),
    metered!(Configuration, configurations::apply),
    handler!(statistics::devices),
    handler!(statistics::service),
    metered!(Upload, files::create_sas_uri),
    handler!(files::update_status),
    handler!(files::update_status_by_correlation),
    metered!(Method, methods::invoke_device),
    metered!(Method, methods::invoke_module),
    handler!(telemetry::send_device_event),
    handler!(telemetry::send_module_event),
    metered!(Receive, c2d::receive),
    handler!(c2d::complete),
    handler!(c2d::abandon),
    handler!(feedback::receive),
    handler!(feedback::complete),
    handler!(feedback::abandon),
    metered!(Job, jobs::scheduled::put),
    metered!(Job, jobs::scheduled::get),
    metered!(Job, jobs::scheduled::cancel),
    metered!(Job, jobs::scheduled::query),
    metered!(TwinRead, pnp::get),
    metered!(TwinUpdate, pnp::update),
    metered!(Method, pnp::invoke_root),
    metered!(Method, pnp::invoke_component),
    metered!(Job, jobs::registry::create),
    metered!(Job, jobs::registry::list),
    metered!(Job, jobs::registry::get),
    metered!(Job, jobs::registry::cancel),
];

/// How much of a meter a request takes: one, or the kilobytes of a direct method in steps of four.
fn weight(meter: Meter, request: &Request) -> f64 {
    const STEP: usize = 4096;
    const KILOBYTES: f64 = 4.0;
    match meter {
        Meter::Method => {
            let steps = u32::try_from(request.body.len().div_ceil(STEP).max(1)).unwrap_or(u32::MAX);
            f64::from(steps) * KILOBYTES
        }
        _ => 1.0,
    }
}

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
