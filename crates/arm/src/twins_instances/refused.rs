//! What Resource Manager can do with Digital Twins instances in Azure and not here, each with the reason that its caller reads.

use iolite_kernel::{Method, Operation};

use crate::table::refused_operation;

/// Every one of them.
pub(crate) const REFUSED: &[&Operation] = &[
    &DIGITAL_TWINS_ENDPOINT_LIST,
    &DIGITAL_TWINS_ENDPOINT_GET,
    &DIGITAL_TWINS_ENDPOINT_CREATE_OR_UPDATE,
    &DIGITAL_TWINS_ENDPOINT_DELETE,
    &PRIVATE_LINK_RESOURCES_LIST,
    &PRIVATE_LINK_RESOURCES_GET,
    &PRIVATE_ENDPOINT_CONNECTIONS_LIST,
    &PRIVATE_ENDPOINT_CONNECTIONS_GET,
    &PRIVATE_ENDPOINT_CONNECTIONS_DELETE,
    &PRIVATE_ENDPOINT_CONNECTIONS_CREATE_OR_UPDATE,
    &TIME_SERIES_DATABASE_CONNECTIONS_LIST,
    &TIME_SERIES_DATABASE_CONNECTIONS_GET,
    &TIME_SERIES_DATABASE_CONNECTIONS_CREATE_OR_UPDATE,
    &TIME_SERIES_DATABASE_CONNECTIONS_DELETE,
];

const ENDPOINTS: &str = "Event routes and their endpoints are not emulated yet.";
const NETWORK: &str = "Private links and endpoints are Azure networking: the emulator listens on this machine alone.";
const HISTORY: &str = "Data history needs a Data Explorer cluster, which is not emulated.";

const DIGITAL_TWINS_ENDPOINT_LIST: Operation = refused_operation(
    "DigitalTwinsEndpoint_List",
    Method::Get,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/endpoints"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints/read",
    ENDPOINTS,
    "Lists endpoints of an instance.",
);
const DIGITAL_TWINS_ENDPOINT_GET: Operation = refused_operation(
    "DigitalTwinsEndpoint_Get",
    Method::Get,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/endpoints/{endpointName}"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints/read",
    ENDPOINTS,
    "Reads endpoints of an instance.",
);
const DIGITAL_TWINS_ENDPOINT_CREATE_OR_UPDATE: Operation = refused_operation(
    "DigitalTwinsEndpoint_CreateOrUpdate",
    Method::Put,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/endpoints/{endpointName}"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints/write",
    ENDPOINTS,
    "Writes endpoints of an instance.",
);
const DIGITAL_TWINS_ENDPOINT_DELETE: Operation = refused_operation(
    "DigitalTwinsEndpoint_Delete",
    Method::Delete,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/endpoints/{endpointName}"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints/delete",
    ENDPOINTS,
    "Deletes endpoints of an instance.",
);
const PRIVATE_LINK_RESOURCES_LIST: Operation = refused_operation(
    "PrivateLinkResources_List",
    Method::Get,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/privateLinkResources"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/privateLinkResources/read",
    NETWORK,
    "Lists private links of an instance.",
);
const PRIVATE_LINK_RESOURCES_GET: Operation = refused_operation(
    "PrivateLinkResources_Get",
    Method::Get,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/privateLinkResources/{resourceId}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/privateLinkResources/read",
    NETWORK,
    "Reads private links of an instance.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_LIST: Operation = refused_operation(
    "PrivateEndpointConnections_List",
    Method::Get,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/privateEndpointConnections"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/privateEndpointConnections/read",
    NETWORK,
    "Lists private links of an instance.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_GET: Operation = refused_operation(
    "PrivateEndpointConnections_Get",
    Method::Get,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/privateEndpointConnections/read",
    NETWORK,
    "Reads private links of an instance.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_DELETE: Operation = refused_operation(
    "PrivateEndpointConnections_Delete",
    Method::Delete,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/privateEndpointConnections/delete",
    NETWORK,
    "Deletes private links of an instance.",
);
const PRIVATE_ENDPOINT_CONNECTIONS_CREATE_OR_UPDATE: Operation = refused_operation(
    "PrivateEndpointConnections_CreateOrUpdate",
    Method::Put,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/privateEndpointConnections/{privateEndpointConnectionName}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/privateEndpointConnections/write",
    NETWORK,
    "Writes private links of an instance.",
);
const TIME_SERIES_DATABASE_CONNECTIONS_LIST: Operation = refused_operation(
    "TimeSeriesDatabaseConnections_List",
    Method::Get,
    group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/timeSeriesDatabaseConnections"),
    "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections/read",
    HISTORY,
    "Lists data history connections of an instance.",
);
const TIME_SERIES_DATABASE_CONNECTIONS_GET: Operation = refused_operation(
    "TimeSeriesDatabaseConnections_Get",
    Method::Get,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/timeSeriesDatabaseConnections/{timeSeriesDatabaseConnectionName}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections/read",
    HISTORY,
    "Reads data history connections of an instance.",
);
const TIME_SERIES_DATABASE_CONNECTIONS_CREATE_OR_UPDATE: Operation = refused_operation(
    "TimeSeriesDatabaseConnections_CreateOrUpdate",
    Method::Put,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/timeSeriesDatabaseConnections/{timeSeriesDatabaseConnectionName}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections/write",
    HISTORY,
    "Writes data history connections of an instance.",
);
const TIME_SERIES_DATABASE_CONNECTIONS_DELETE: Operation = refused_operation(
    "TimeSeriesDatabaseConnections_Delete",
    Method::Delete,
    group_path!(
        "/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}/timeSeriesDatabaseConnections/{timeSeriesDatabaseConnectionName}"
    ),
    "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections/delete",
    HISTORY,
    "Deletes data history connections of an instance.",
);
