//! Resource providers: what they are called, and the types they have. All of them are registered.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod operations;
pub(crate) mod register;

use iolite_kernel::ServiceError;
use serde_json::{Value, json};

use crate::errors::INVALID_RESOURCE_NAMESPACE;
use crate::location::LOCATIONS;

/// A provider and its types, each with the api-versions that clients are told of; the newest first.
pub(crate) struct Provider {
    pub(crate) namespace: &'static str,
    types: &'static [(&'static str, &'static [&'static str])],
}

const HUB_VERSIONS: &[&str] = &["2023-06-30", "2021-07-02", "2021-07-01", "2020-08-31"];
const DPS_VERSIONS: &[&str] = &["2026-11-01", "2022-12-12", "2022-02-05", "2021-10-15", "2020-03-01"];
const TWINS_VERSIONS: &[&str] = &["2023-01-31", "2022-10-31", "2022-05-31", "2020-12-01"];
const EVENT_VERSIONS: &[&str] = &["2025-02-15", "2022-06-15", "2021-12-01", "2020-06-01"];
const ROLE_VERSIONS: &[&str] = &["2022-04-01", "2015-07-01"];
const GROUP_VERSIONS: &[&str] = &["2025-04-01", "2022-09-01"];

/// The providers that the emulator has something of.
pub(crate) const PROVIDERS: &[Provider] = &[
    Provider {
        namespace: "Microsoft.Authorization",
        types: &[
            ("denyAssignments", ROLE_VERSIONS),
            ("permissions", ROLE_VERSIONS),
            ("providerOperations", ROLE_VERSIONS),
            ("roleAssignments", ROLE_VERSIONS),
            ("roleDefinitions", ROLE_VERSIONS),
        ],
    },
    Provider {
        namespace: "Microsoft.Devices",
        types: &[
            ("checkNameAvailability", HUB_VERSIONS),
            ("checkProvisioningServiceNameAvailability", DPS_VERSIONS),
            ("IotHubs", HUB_VERSIONS),
            ("IotHubs/eventHubEndpoints/ConsumerGroups", HUB_VERSIONS),
            ("operations", HUB_VERSIONS),
            ("provisioningServices", DPS_VERSIONS),
        ],
    },
    Provider {
        namespace: "Microsoft.DigitalTwins",
        types: &[
            ("digitalTwinsInstances", TWINS_VERSIONS),
            ("locations/checkNameAvailability", TWINS_VERSIONS),
            ("operations", TWINS_VERSIONS),
        ],
    },
    Provider { namespace: "Microsoft.EventGrid", types: &[("eventSubscriptions", EVENT_VERSIONS)] },
    Provider {
        namespace: "Microsoft.Resources",
        types: &[("resourceGroups", GROUP_VERSIONS), ("resources", GROUP_VERSIONS), ("subscriptions", GROUP_VERSIONS)],
    },
];

/// The provider named `namespace`, without case.
pub(crate) fn find(namespace: &str) -> Result<&'static Provider, ServiceError> {
    PROVIDERS.iter().find(|provider| provider.namespace.eq_ignore_ascii_case(namespace)).ok_or_else(|| {
        let text = format!("The resource namespace '{namespace}' is invalid.");
        ServiceError::new(&INVALID_RESOURCE_NAMESPACE, text)
    })
}

/// A provider as answers have it.
pub(crate) fn document(provider: &Provider, subscription: &str) -> Value {
    let locations: Vec<&str> = LOCATIONS.iter().map(|location| location.display_name).collect();
    let types: Vec<Value> = provider
        .types
        .iter()
        .map(|(name, versions)| {
            json!({
                "resourceType": name,
                "locations": locations,
                "apiVersions": versions,
                "defaultApiVersion": versions.first(),
                "capabilities": "None",
            })
        })
        .collect();
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{}", provider.namespace),
        "namespace": provider.namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types,
    })
}
