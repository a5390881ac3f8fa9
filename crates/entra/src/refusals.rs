//! What is known of Entra and of the instance metadata service, and is not built: refused by name.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Service, Support};

const NO_BROWSER: &str = "signing in through a browser is not emulated; use the device code or the password grant";
const NO_SESSIONS: &str = "there are no browser sessions to end";
const NO_V1_DEVICE: &str = "the device code flow is served at its v2.0 address, /{tenant}/oauth2/v2.0/devicecode";
const NO_MACHINE: &str = "the emulator is no virtual machine; of its metadata only the identity endpoint is served";
const NO_GRAPH: &str =
    "of Microsoft Graph only what role assignments need is served; the directory is in the world file";
const NO_FEDERATION: &str = "there is no federation with WS-Trust or SAML";

/// The refused operations.
pub(crate) const REFUSED: &[&Operation] = &[
    &entra("Authorize_GetV1", Method::Get, "/{tenant}/oauth2/authorize", NO_BROWSER, "Signs a user in on a page."),
    &entra("Authorize_GetV2", Method::Get, "/{tenant}/oauth2/v2.0/authorize", NO_BROWSER, "Signs a user in on a page."),
    &entra("Logout_GetV1", Method::Get, "/{tenant}/oauth2/logout", NO_SESSIONS, "Ends a user's session in a browser."),
    &entra(
        "Logout_GetV2",
        Method::Get,
        "/{tenant}/oauth2/v2.0/logout",
        NO_SESSIONS,
        "Ends a user's session in a browser.",
    ),
    &entra("DeviceCode_StartV1", Method::Post, "/{tenant}/oauth2/devicecode", NO_V1_DEVICE, "Makes a device code."),
    &entra(
        "Federation_Get",
        Method::Get,
        "/{tenant}/federationmetadata/2007-06/federationmetadata.xml",
        NO_FEDERATION,
        "Tells the federation metadata.",
    ),
    &entra("Graph_GetMe", Method::Get, "/graph/v1.0/me", NO_GRAPH, "Tells who is signed in."),
    &entra("Graph_ListGroups", Method::Get, "/graph/v1.0/groups", NO_GRAPH, "Lists groups."),
    &entra("Graph_ListApplications", Method::Get, "/graph/v1.0/applications", NO_GRAPH, "Lists applications."),
    &operation(
        Service::ManagedIdentity,
        "Instance_Get",
        Method::Get,
        "/metadata/instance",
        NO_MACHINE,
        "Tells of a virtual machine.",
    ),
    &operation(
        Service::ManagedIdentity,
        "Identity_GetInfo",
        Method::Get,
        "/metadata/identity/info",
        NO_MACHINE,
        "Tells of a machine's identity.",
    ),
];

const fn entra(
    name: &'static str,
    method: Method,
    path: &'static str,
    why: &'static str,
    summary: &'static str,
) -> Operation {
    operation(Service::Entra, name, method, path, why, summary)
}

const fn operation(
    service: Service,
    name: &'static str,
    method: Method,
    path: &'static str,
    why: &'static str,
    summary: &'static str,
) -> Operation {
    Operation {
        service,
        name,
        method,
        path,
        versions: ApiVersions::Unversioned,
        need: Need::Public { because: "it is refused in any case" },
        support: Support::Refused(why),
        summary,
    }
}
