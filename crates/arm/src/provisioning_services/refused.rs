//! What Resource Manager can do with provisioning services in Azure and not here, each with the reason that its caller reads.

use iolite_kernel::{Method, Operation};

use crate::table::refused_operation;

/// Every one of them.
pub(crate) const REFUSED: &[&Operation] = &[
    &IOT_DPS_RESOURCE_GET_OPERATION_RESULT,
    &IOT_DPS_RESOURCE_LIST_PRIVATE_LINK_RESOURCES,
    &IOT_DPS_RESOURCE_GET_PRIVATE_LINK_RESOURCES,
    &IOT_DPS_RESOURCE_LIST_PRIVATE_ENDPOINT_CONNECTIONS,
    &IOT_DPS_RESOURCE_GET_PRIVATE_ENDPOINT_CONNECTION,
    &IOT_DPS_RESOURCE_CREATE_OR_UPDATE_PRIVATE_ENDPOINT_CONNECTION,
    &IOT_DPS_RESOURCE_DELETE_PRIVATE_ENDPOINT_CONNECTION,
];

const NETWORK: &str = "Private links and endpoints are Azure networking: the emulator listens on this machine alone.";
const FINISHED: &str = "Changes are finished when they are answered: there is no operation to ask about.";

const IOT_DPS_RESOURCE_GET_OPERATION_RESULT: Operation = refused_operation(
    "IotDpsResource_GetOperationResult",
    Method::Get,
    group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/operationresults/{operationId}"
    ),
    "Microsoft.Devices/provisioningServices/operationresults/Read",
    FINISHED,
    "Reads the state of a long-running operation.",
);
const IOT_DPS_RESOURCE_LIST_PRIVATE_LINK_RESOURCES: Operation = refused_operation(
    "IotDpsResource_ListPrivateLinkResources",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/provisioningServices/{resourceName}/privateLinkResources"),
    "Microsoft.Devices/provisioningServices/privateLinkResources/Read",
    NETWORK,
    "Lists private links of a provisioning service.",
);
const IOT_DPS_RESOURCE_GET_PRIVATE_LINK_RESOURCES: Operation = refused_operation(
    "IotDpsResource_GetPrivateLinkResources",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/provisioningServices/{resourceName}/privateLinkResources/{groupId}"),
    "Microsoft.Devices/provisioningServices/privateLinkResources/Read",
    NETWORK,
    "Reads private links of a provisioning service.",
);
const IOT_DPS_RESOURCE_LIST_PRIVATE_ENDPOINT_CONNECTIONS: Operation = refused_operation(
    "IotDpsResource_ListPrivateEndpointConnections",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/provisioningServices/{resourceName}/privateEndpointConnections"),
    "Microsoft.Devices/provisioningServices/privateEndpointConnections/Read",
    NETWORK,
    "Lists private links of a provisioning service.",
);
const IOT_DPS_RESOURCE_GET_PRIVATE_ENDPOINT_CONNECTION: Operation = refused_operation(
    "IotDpsResource_GetPrivateEndpointConnection",
    Method::Get,
    group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.Devices/provisioningServices/privateEndpointConnections/Read",
    NETWORK,
    "Reads private links of a provisioning service.",
);
const IOT_DPS_RESOURCE_CREATE_OR_UPDATE_PRIVATE_ENDPOINT_CONNECTION: Operation = refused_operation(
    "IotDpsResource_CreateOrUpdatePrivateEndpointConnection",
    Method::Put,
    group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.Devices/provisioningServices/privateEndpointConnections/Write",
    NETWORK,
    "Writes private links of a provisioning service.",
);
const IOT_DPS_RESOURCE_DELETE_PRIVATE_ENDPOINT_CONNECTION: Operation = refused_operation(
    "IotDpsResource_DeletePrivateEndpointConnection",
    Method::Delete,
    group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.Devices/provisioningServices/privateEndpointConnections/Delete",
    NETWORK,
    "Deletes private links of a provisioning service.",
);
