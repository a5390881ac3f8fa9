//! `DigitalTwin_InvokeRootLevelCommand`: calls a command of a device's digital twin.
//!
//! Source: IoT Hub data plane 2021-04-12, and concepts-convention: the method has the command's name. Refusals
//! are the gateway's, as of every direct method.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::pnp::call;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "DigitalTwin_InvokeRootLevelCommand",
    method: Method::Post,
    path: "/digitaltwins/{id}/commands/{commandName}",
    versions: versions::WITH_COMMANDS,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/directMethods/invoke/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Calls a command of a device's digital twin.",
};

/// Calls the command: 200 with what the device answered.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let method = request.param("commandName").to_owned();
    call::command(hub, &permit, &request, method).await
}
