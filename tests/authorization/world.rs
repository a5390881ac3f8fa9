//! The world of the matrix: two of everything, and a principal for every built-in role at every level.
//!
//! The tested hub, provisioning service and instance come second, so that each has an origin of its own and no path is
//! shared with another service.

use std::fmt::{self, Write};

use iolite_kernel::{ApiVersions, Operation, Service};

/// The subscription of everything that is tested.
pub(crate) const SUBSCRIPTION: &str = "5ca1ab1e-0000-4000-8000-000000000001";
const ELSEWHERE: &str = "5ca1ab1e-0000-4000-8000-000000000002";
/// The tenant.
pub(crate) const TENANT: &str = "5ca1ab1e-0000-4000-8000-000000000000";
/// The id scope of the tested provisioning service.
pub(crate) const ID_SCOPE: &str = "0neAAAA0002";

/// Where in the tree of scopes an operation is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The tenant's root.
    Root,
    /// The subscription.
    Subscription,
    /// The resource group.
    Group,
    /// The hub.
    Hub,
    /// The provisioning service.
    Dps,
    /// The Digital Twins instance.
    Twins,
}

impl Level {
    pub(crate) const ALL: [Self; 6] = [Self::Root, Self::Subscription, Self::Group, Self::Hub, Self::Dps, Self::Twins];

    /// The level at which `operation` is asked, told from its path alone.
    pub(crate) fn of(operation: &Operation) -> Self {
        let path = operation.path.to_ascii_lowercase();
        match operation.service {
            Service::Hub => Self::Hub,
            Service::Dps => Self::Dps,
            Service::Twins => Self::Twins,
            // The scope of these may be any: the hub stands for it.
            Service::Arm if path.contains("{*scope}") => Self::Hub,
            Service::Arm if path.contains("/iothubs/{") => Self::Hub,
            Service::Arm if path.contains("/provisioningservices/{") => Self::Dps,
            Service::Arm if path.contains("/digitaltwinsinstances/{") => Self::Twins,
            Service::Arm if path.contains("{resourcegroupname}") => Self::Group,
            Service::Arm if path.contains("{subscriptionid}") => Self::Subscription,
            Service::Arm | Service::Entra | Service::ManagedIdentity => Self::Root,
        }
    }

    /// The level as the table and the principals' names write it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Subscription => "subscription",
            Self::Group => "group",
            Self::Hub => "hub",
            Self::Dps => "dps",
            Self::Twins => "twins",
        }
    }

    /// Where a role is assigned for this level, as a world file writes it.
    fn scope(self) -> String {
        match self {
            Self::Root => "/".to_owned(),
            Self::Subscription => format!("subscription:{SUBSCRIPTION}"),
            Self::Group => "group:tested".to_owned(),
            Self::Hub => "hub:tested-hub".to_owned(),
            Self::Dps => "dps:tested-dps".to_owned(),
            Self::Twins => "twins:tested-twins".to_owned(),
        }
    }

    /// Every scope whose roles must be of no use at this level: beside it, and below it.
    fn elsewhere(self) -> Vec<String> {
        let mut scopes: Vec<String> =
            ["hub:other-hub", "dps:other-dps", "twins:other-twins", "group:other"].map(str::to_owned).to_vec();
        scopes.push(format!("subscription:{ELSEWHERE}"));
        let is_no_use = |other: &Self| match self {
            Self::Root => *other != Self::Root,
            Self::Subscription => !matches!(other, Self::Root | Self::Subscription),
            Self::Group => matches!(other, Self::Hub | Self::Dps | Self::Twins),
            Self::Hub | Self::Dps | Self::Twins => {
                matches!(other, Self::Hub | Self::Dps | Self::Twins) && *other != self
            }
        };
        scopes.extend(Self::ALL.iter().filter(|other| is_no_use(other)).map(|other| other.scope()));
        scopes
    }

    /// The principal that has `role` here and nothing else.
    pub(crate) fn holder(self, role: &str) -> String {
        format!("{role} at {}", self.word())
    }

    /// The principal that has every role in places that are of no use here.
    pub(crate) fn outsider(self) -> String {
        format!("outsider to {}", self.word())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

const RESOURCES: &str = r#"
name = "matrix"

[tenant]
id = "5ca1ab1e-0000-4000-8000-000000000000"
domain = "matrix.example"

[[subscriptions]]
id = "5ca1ab1e-0000-4000-8000-000000000001"
name = "tested"

[[subscriptions]]
id = "5ca1ab1e-0000-4000-8000-000000000002"
name = "elsewhere"

[[resource_groups]]
name = "tested"

[[resource_groups]]
name = "other"

[[iot_hubs]]
name = "other-hub"
resource_group = "other"

[[iot_hubs]]
name = "tested-hub"
resource_group = "tested"
policies = [
  { name = "readAndConnect", rights = "RegistryRead, ServiceConnect" },
  { name = "writeAndConnect", rights = "RegistryWrite, ServiceConnect" },
]

[[provisioning_services]]
name = "other-dps"
resource_group = "other"
id_scope = "0neAAAA0001"

[[provisioning_services]]
name = "tested-dps"
resource_group = "tested"
id_scope = "0neAAAA0002"
policies = [
  { name = "serviceConfig", rights = "ServiceConfig" },
  { name = "enrollmentRead", rights = "EnrollmentRead" },
  { name = "enrollmentWrite", rights = "EnrollmentWrite" },
  { name = "deviceConnect", rights = "DeviceConnect" },
  { name = "registrationStatusRead", rights = "RegistrationStatusRead" },
  { name = "registrationStatusWrite", rights = "RegistrationStatusWrite" },
]

[[digital_twins]]
name = "other-twins"
resource_group = "other"

[[digital_twins]]
name = "tested-twins"
resource_group = "tested"
"#;

/// The policies of the tested hub.
pub(crate) const HUB_POLICIES: [&str; 7] =
    ["iothubowner", "service", "device", "registryRead", "registryReadWrite", "readAndConnect", "writeAndConnect"];
/// The policies of the tested provisioning service.
pub(crate) const DPS_POLICIES: [&str; 7] = [
    "provisioningserviceowner",
    "serviceConfig",
    "enrollmentRead",
    "enrollmentWrite",
    "deviceConnect",
    "registrationStatusRead",
    "registrationStatusWrite",
];

/// The principal that may do everything, in every plane.
pub(crate) const OWNER: &str = "owner-app";

/// The world file.
pub(crate) fn file(roles: &[&str]) -> String {
    let mut text = RESOURCES.to_owned();
    let everything = roles.iter().map(|role| (*role, "/".to_owned())).collect::<Vec<_>>();
    principal(&mut text, OWNER, &everything);
    for level in Level::ALL {
        for role in roles {
            principal(&mut text, &level.holder(role), &[(*role, level.scope())]);
        }
        let elsewhere = level.elsewhere();
        let all: Vec<(&str, String)> =
            roles.iter().flat_map(|role| elsewhere.iter().map(|scope| (*role, scope.clone()))).collect();
        principal(&mut text, &level.outsider(), &all);
    }
    text
}

fn principal(text: &mut String, name: &str, roles: &[(&str, String)]) {
    write!(text, "\n[[principals]]\nname = \"{name}\"\nkind = \"service-principal\"\nroles = [\n").unwrap();
    for (role, scope) in roles {
        writeln!(text, "  {{ role = \"{role}\", scope = \"{scope}\" }},").unwrap();
    }
    text.push_str("]\n");
}

/// The id of the tested resource at `level`.
fn resource_id(level: Level) -> String {
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/tested");
    match level {
        Level::Root => "/".to_owned(),
        Level::Subscription => format!("/subscriptions/{SUBSCRIPTION}"),
        Level::Group => group,
        Level::Hub => format!("{group}/providers/Microsoft.Devices/IotHubs/tested-hub"),
        Level::Dps => format!("{group}/providers/Microsoft.Devices/provisioningServices/tested-dps"),
        Level::Twins => format!("{group}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/tested-twins"),
    }
}

/// A target for `operation`: its path with its parameters filled in, and an api-version.
pub(crate) fn target(operation: &Operation) -> String {
    let level = Level::of(operation);
    let mut filled = String::new();
    for segment in operation.path.split('/').filter(|segment| !segment.is_empty()) {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some("*scope") => filled.push_str(&resource_id(level)),
            Some(name) => write!(filled, "/{}", value(name, operation.service, level)).unwrap(),
            None => write!(filled, "/{segment}").unwrap(),
        }
    }
    match operation.versions {
        ApiVersions::Listed(known) => write!(filled, "?api-version={}", known.last().unwrap()).unwrap(),
        ApiVersions::AnyDate => filled.push_str("?api-version=2023-06-30"),
        ApiVersions::Unversioned => {}
    }
    filled
}

fn value(parameter: &str, service: Service, level: Level) -> &'static str {
    match (service, parameter) {
        (Service::Hub, "id" | "deviceId") => "device-1",
        (Service::Hub, "mid" | "moduleId") => "module-1",
        (Service::Dps, "id" | "registrationId") => "registration-1",
        (Service::Dps, "idScope") => ID_SCOPE,
        (Service::Entra, "tenant") => TENANT,
        (Service::Arm, "subscriptionId") => SUBSCRIPTION,
        (Service::Arm, "resourceGroupName") => "tested",
        (Service::Arm, "resourceProviderNamespace") => "Microsoft.Devices",
        (Service::Arm, "resourceName" | "iotHubName" | "provisioningServiceName") => match level {
            Level::Hub => "tested-hub",
            Level::Dps => "tested-dps",
            Level::Twins => "tested-twins",
            Level::Root | Level::Subscription | Level::Group => "sample",
        },
        (Service::Arm, "eventHubEndpointName") => "events",
        _ => "sample",
    }
}
