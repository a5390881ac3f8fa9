//! Plug and Play digital twins of a hub (not the Azure Digital Twins service): known, and refused by name.
//!
//! Source: IoT Hub data plane 2021-04-12. They need a connected device that names its model.

use iolite_kernel::{Method, Need, Operation, Right, Service, Support};

use crate::versions;

const INVOKE: &[&str] = &["Microsoft.Devices/IotHubs/directMethods/invoke/action"];

/// Every operation over Plug and Play digital twins.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        "DigitalTwin_GetDigitalTwin",
        Method::Get,
        "/digitaltwins/{id}",
        &["Microsoft.Devices/IotHubs/twins/read"],
        "Reads a device's digital twin.",
    ),
    operation(
        "DigitalTwin_UpdateDigitalTwin",
        Method::Patch,
        "/digitaltwins/{id}",
        &["Microsoft.Devices/IotHubs/twins/write"],
        "Changes a device's digital twin.",
    ),
    operation(
        "DigitalTwin_InvokeRootLevelCommand",
        Method::Post,
        "/digitaltwins/{id}/commands/{commandName}",
        INVOKE,
        "Calls a command of a device's digital twin.",
    ),
    operation(
        "DigitalTwin_InvokeComponentCommand",
        Method::Post,
        "/digitaltwins/{id}/components/{componentPath}/commands/{commandName}",
        INVOKE,
        "Calls a command of a component of a device's digital twin.",
    ),
];

const fn operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    actions: &'static [&'static str],
    summary: &'static str,
) -> Operation {
    Operation {
        service: Service::Hub,
        name,
        method,
        path,
        versions: versions::ALL,
        need: Need::DataPlane { actions, rights: &[Right::ServiceConnect] },
        support: Support::Refused(
            "Plug and Play digital twins need devices that connect, which are not built yet; use the device twin.",
        ),
        summary,
    }
}
