//! What Resource Manager can do with hubs in Azure and not here, each with the reason that its caller reads.

use iolite_kernel::{Method, Operation};

use crate::table::refused_operation;

/// Every one of them.
pub(crate) const REFUSED: &[&Operation] = &[
    &IOT_HUB_RESOURCE_LIST_JOBS,
    &IOT_HUB_RESOURCE_GET_JOB,
    &RESOURCE_PROVIDER_COMMON_GET_SUBSCRIPTION_QUOTA,
    &IOT_HUB_RESOURCE_EXPORT_DEVICES,
    &IOT_HUB_RESOURCE_IMPORT_DEVICES,
    &IOT_HUB_MANUAL_FAILOVER,
    &PRIVATE_LINK_RESOURCES_LIST,
    &PRIVATE_LINK_RESOURCES_GET,
    &PRIVATE_ENDPOINT_CONNECTIONS_LIST,
    &PRIVATE_ENDPOINT_CONNECTIONS_GET,
    &PRIVATE_ENDPOINT_CONNECTIONS_UPDATE,
    &PRIVATE_ENDPOINT_CONNECTIONS_DELETE,
];

const NETWORK: &str = "Private links and endpoints are Azure networking: the emulator listens on this machine alone.";
const JOBS: &str = "Import and export jobs are asked for at the hub's own endpoint: POST /jobs/create, GET /jobs and GET \
                    /jobs/{id} there.";
const FAILOVER: &str = "There is one machine and no second region to fail over to.";
const USAGES: &str = "The emulator has no quota of hubs.";

const IOT_HUB_RESOURCE_LIST_JOBS: Operation = refused_operation(
    "IotHubResource_ListJobs",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/jobs"),
    "Microsoft.Devices/iotHubs/jobs/Read",
    JOBS,
    "Lists import and export jobs of a hub.",
);
const IOT_HUB_RESOURCE_GET_JOB: Operation = refused_operation(
    "IotHubResource_GetJob",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/jobs/{jobId}"),
    "Microsoft.Devices/iotHubs/jobs/Read",
    JOBS,
    "Reads import and export jobs of a hub.",
);
const RESOURCE_PROVIDER_COMMON_GET_SUBSCRIPTION_QUOTA: Operation = refused_operation(
    "ResourceProviderCommon_GetSubscriptionQuota",
    Method::Get,
    subscription_path!("/providers/Microsoft.Devices/usages"),
    "Microsoft.Devices/usages/Read",
    USAGES,
    "Reads quotas of a subscription.",
);
const IOT_HUB_RESOURCE_EXPORT_DEVICES: Operation = refused_operation(
    "IotHubResource_ExportDevices",
    Method::Post,
    group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/exportDevices"),
    "Microsoft.Devices/iotHubs/exportDevices/Action",
    JOBS,
    "Acts on import and export jobs of a hub.",
);
const IOT_HUB_RESOURCE_IMPORT_DEVICES: Operation = refused_operation(
    "IotHubResource_ImportDevices",
    Method::Post,
    group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/importDevices"),
    "Microsoft.Devices/iotHubs/importDevices/Action",
    JOBS,
    "Acts on import and export jobs of a hub.",
);
const IOT_HUB_MANUAL_FAILOVER: Operation = refused_operation(
    "IotHub_ManualFailover",
    Method::Post,
    group_path!("/providers/Microsoft.Devices/IotHubs/{iotHubName}/failover"),
    "Microsoft.Devices/iotHubs/failover/Action",
    FAILOVER,
    "Acts on failover of a hub.",
);
const PRIVATE_LINK_RESOURCES_LIST: Operation = refused_operation(
    "PrivateLinkResources_List",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/iotHubs/{resourceName}/privateLinkResources"),
    "Microsoft.Devices/iotHubs/privateLinkResources/Read",
    NETWORK,
    "Lists private links of a hub.",
);
const PRIVATE_LINK_RESOURCES_GET: Operation = refused_operation(
    "PrivateLinkResources_Get",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/iotHubs/{resourceName}/privateLinkResources/{groupId}"),
    "Microsoft.Devices/iotHubs/privateLinkResources/Read",
    NETWORK,
    "Reads private links of a hub.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_LIST: Operation = refused_operation(
    "PrivateEndpointConnections_List",
    Method::Get,
    group_path!("/providers/Microsoft.Devices/iotHubs/{resourceName}/privateEndpointConnections"),
    "Microsoft.Devices/iotHubs/privateEndpointConnections/Read",
    NETWORK,
    "Lists private links of a hub.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_GET: Operation = refused_operation(
    "PrivateEndpointConnections_Get",
    Method::Get,
    group_path!(
        "/providers/Microsoft.Devices/iotHubs/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.Devices/iotHubs/privateEndpointConnections/Read",
    NETWORK,
    "Reads private links of a hub.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_UPDATE: Operation = refused_operation(
    "PrivateEndpointConnections_Update",
    Method::Put,
    group_path!(
        "/providers/Microsoft.Devices/iotHubs/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.Devices/iotHubs/privateEndpointConnections/Write",
    NETWORK,
    "Writes private links of a hub.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_DELETE: Operation = refused_operation(
    "PrivateEndpointConnections_Delete",
    Method::Delete,
    group_path!(
        "/providers/Microsoft.Devices/iotHubs/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.Devices/iotHubs/privateEndpointConnections/Delete",
    NETWORK,
    "Deletes private links of a hub.",
);
