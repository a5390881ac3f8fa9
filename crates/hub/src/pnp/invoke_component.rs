//! `DigitalTwin_InvokeComponentCommand`: calls a command of a component of a device's digital twin.
//!
//! Source: IoT Hub data plane 2021-04-12, and concepts-convention: the method is named `component*command`. Refusals
//! are the gateway's, as of every direct method.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::pnp::call;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "DigitalTwin_InvokeComponentCommand",
    method: Method::Post,
    path: "/digitaltwins/{id}/components/{componentPath}/commands/{commandName}",
    versions: versions::WITH_COMMANDS,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/directMethods/invoke/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Calls a command of a component of a device's digital twin.",
};

/// Calls the command: 200 with what the device answered.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let method = format!("{}*{}", request.param("componentPath"), request.param("commandName"));
    call::command(hub, &permit, &request, method).await
}
