//! What the properties of a hub may be that are kept as they were sent. Those that are read into a [`iolite_resources::Hub`]
//! (policies, switches, the built-in endpoint) are checked where they are read, and routing as a whole by `routing::check`.
//!
//! Source: `IotHubProperties` of 2023-06-30; times from iot-hub-devguide-messages-c2d and iot-hub-configure-file-upload:
//! messages and notices live 1 minute to 2 days, locks 5 to 300 seconds, upload signatures 1 minute to 24 hours.

use iolite_kernel::ServiceError;
use iolite_resources::NetworkRules;
use serde_json::{Map, Value};

use crate::errors::ARGUMENT_INVALID;
use crate::schema::Shape::{Duration, Flag, List, Named, Object, Text, Whole, Word};
use crate::schema::{Member, Shape, fit};

const LIFE: Shape = Duration { least_seconds: 60, most_seconds: 172_800 };
const LOCK: Shape = Duration { least_seconds: 5, most_seconds: 300 };
const SIGNATURE_LIFE: Shape = Duration { least_seconds: 60, most_seconds: 86_400 };
const DELIVERIES: Shape = Whole { least: 1, most: 100 };
const SIGN_IN: Shape = Word(&["keyBased", "identityBased"]);
const IDENTITY: Shape = Object(&[("userAssignedIdentity", Text)]);

/// A queue of notices: feedback, finished uploads.
const QUEUE: Shape =
    Object(&[("lockDurationAsIso8601", LOCK), ("ttlAsIso8601", LIFE), ("maxDeliveryCount", DELIVERIES)]);

const CLOUD_TO_DEVICE: Shape =
    Object(&[("maxDeliveryCount", DELIVERIES), ("defaultTtlAsIso8601", LIFE), ("feedback", QUEUE)]);

const STORAGE: Shape = Object(&[
    ("sasTtlAsIso8601", SIGNATURE_LIFE),
    ("connectionString", Text),
    ("containerName", Text),
    ("authenticationType", SIGN_IN),
    ("identity", IDENTITY),
]);

const FILTERS: Shape =
    List(&Object(&[("filterName", Text), ("action", Word(&["Accept", "Reject"])), ("ipMask", Text)]));

const RULE_SET: Shape = Object(&[
    ("defaultAction", Word(&["Deny", "Allow"])),
    ("applyToBuiltInEventHubEndpoint", Flag),
    ("ipRules", List(&Object(&[("filterName", Text), ("action", Word(&["Allow"])), ("ipMask", Text)]))),
]);

/// What all endpoints of routing have.
macro_rules! endpoint {
    ($($more:expr),* $(,)?) => {
        List(&Object(&[
            ("name", Text),
            ("id", Text),
            ("subscriptionId", Text),
            ("resourceGroup", Text),
            ("endpointUri", Text),
            ("authenticationType", SIGN_IN),
            ("identity", IDENTITY),
            $($more),*
        ]))
    };
}

/// `routing::check` knows the sources of routes and which name of a file will do.
const ROUTING: Shape = Object(&[
    (
        "endpoints",
        Object(&[
            ("eventHubs", endpoint!(("connectionString", Text), ("entityPath", Text))),
            ("serviceBusQueues", endpoint!(("connectionString", Text), ("entityPath", Text))),
            ("serviceBusTopics", endpoint!(("connectionString", Text), ("entityPath", Text))),
            (
                "storageContainers",
                endpoint!(
                    ("connectionString", Text),
                    ("containerName", Text),
                    ("fileNameFormat", Text),
                    ("batchFrequencyInSeconds", Whole { least: 60, most: 720 }),
                    ("maxChunkSizeInBytes", Whole { least: 10_485_760, most: 524_288_000 }),
                    ("encoding", Word(&["Avro", "AvroDeflate", "JSON"])),
                ),
            ),
            (
                "cosmosDBSqlContainers",
                endpoint!(
                    ("primaryKey", Text),
                    ("secondaryKey", Text),
                    ("databaseName", Text),
                    ("containerName", Text),
                    ("partitionKeyName", Text),
                    ("partitionKeyTemplate", Text),
                ),
            ),
        ]),
    ),
    ("routes", List(&ROUTE)),
    ("fallbackRoute", ROUTE),
    ("enrichments", List(&Object(&[("key", Text), ("value", Text), ("endpointNames", List(&Text))]))),
]);

const ROUTE: Shape = Object(&[
    ("name", Text),
    ("source", Text),
    ("condition", Text),
    ("endpointNames", List(&Text)),
    ("isEnabled", Flag),
]);

/// The properties; `throttling` is the emulator's own.
pub(crate) const PROPERTIES: &[Member] = &[
    ("restrictOutboundNetworkAccess", Flag),
    ("allowedFqdnList", List(&Text)),
    ("publicNetworkAccess", Word(&["Enabled", "Disabled"])),
    ("ipFilterRules", FILTERS),
    ("networkRuleSets", RULE_SET),
    ("minTlsVersion", Text),
    ("privateEndpointConnections", List(&Object(&[]))),
    ("routing", ROUTING),
    ("storageEndpoints", Named(&STORAGE)),
    ("messagingEndpoints", Named(&QUEUE)),
    ("enableFileUploadNotifications", Flag),
    ("cloudToDevice", CLOUD_TO_DEVICE),
    ("comments", Text),
    ("features", Word(&["None", "DeviceManagement"])),
    ("enableDataResidency", Flag),
    ("throttling", Flag),
];

/// Whether a hub can have `properties`, which a world file gives it; in words where it cannot.
pub fn check_hub_properties(properties: &Map<String, Value>) -> Result<(), String> {
    let fitted = fit(PROPERTIES, "properties", properties.clone(), &ARGUMENT_INVALID).map_err(|error| error.message)?;
    check_network(&fitted).map_err(|error| error.message)
}

/// Refuses rules that no door could read.
pub(crate) fn check_network(properties: &Map<String, Value>) -> Result<(), ServiceError> {
    let refuse = |error| ServiceError::new(&ARGUMENT_INVALID, format!("The network rules cannot be read: {error}."));
    NetworkRules::read(properties).map(drop).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    /// Each is a member of the specification with a value that it cannot have, and the number of its refusal.
    fn impossible() -> Vec<(serde_json::Value, u32)> {
        let in_queue = |queue: &serde_json::Value| {
            [json!({"cloudToDevice": {"feedback": queue}}), json!({"messagingEndpoints": {"fileNotifications": queue}})]
        };
        let storage = |member: serde_json::Value| json!({"storageEndpoints": {"$default": member}});
        let endpoint = |list: &str, endpoint: serde_json::Value| json!({"routing": {"endpoints": {list: [endpoint]}}});
        let mut cases = Vec::new();
        for value in [
            json!({"cloudToDevice": {"maxDeliveryCount": 0}}),
            json!({"cloudToDevice": {"maxDeliveryCount": 101}}),
            json!({"cloudToDevice": {"defaultTtlAsIso8601": "P3D"}}),
            json!({"cloudToDevice": {"defaultTtlAsIso8601": "xx"}}),
            json!({"cloudToDevice": {"defaultTtlAsIso8601": "PT59S"}}),
            storage(json!({"sasTtlAsIso8601": "zz"})),
            storage(json!({"sasTtlAsIso8601": "P2D"})),
            storage(json!({"authenticationType": "none"})),
            json!({"features": "X"}),
            json!({"publicNetworkAccess": "Sometimes"}),
            json!({"networkRuleSets": {"defaultAction": "Maybe"}}),
            endpoint("serviceBusQueues", json!({"name": "q", "authenticationType": "none"})),
            endpoint("storageContainers", json!({"name": "s", "batchFrequencyInSeconds": 59})),
            endpoint("storageContainers", json!({"name": "s", "maxChunkSizeInBytes": 1})),
            endpoint("storageContainers", json!({"name": "s", "encoding": "csv"})),
        ] {
            cases.push((value, 400_004));
        }
        for queue in [
            json!({"lockDurationAsIso8601": "PT4S"}),
            json!({"lockDurationAsIso8601": "PT301S"}),
            json!({"ttlAsIso8601": "P3D"}),
            json!({"maxDeliveryCount": 101}),
        ] {
            cases.extend(in_queue(&queue).map(|value| (value, 400_004)));
        }
        for value in [
            json!({"cloudToDevice": 5}),
            json!({"cloudToDevice": {"feedback": []}}),
            json!({"messagingEndpoints": [1]}),
            json!({"messagingEndpoints": {"fileNotifications": 1}}),
            json!({"storageEndpoints": 5}),
            storage(json!({"connectionString": 5})),
            json!({"enableFileUploadNotifications": "x"}),
            json!({"enableDataResidency": "x"}),
            json!({"restrictOutboundNetworkAccess": "x"}),
            json!({"allowedFqdnList": 5}),
            json!({"allowedFqdnList": [5]}),
            json!({"features": 5}),
            json!({"comments": 5}),
            json!({"publicNetworkAccess": true}),
            json!({"ipFilterRules": 5}),
            json!({"ipFilterRules": [5]}),
            json!({"networkRuleSets": 5}),
            json!({"privateEndpointConnections": 5}),
            json!({"routing": 5}),
            endpoint("cosmosDBSqlContainers", json!({"name": "c", "databaseName": 5})),
            endpoint("eventHubs", json!({"name": "e", "identity": 5})),
            json!({"minTlsVersion": 5}),
            json!({"throttling": "x"}),
        ] {
            cases.push((value, 0));
        }
        cases
    }

    #[tokio::test]
    async fn no_hub_gets_a_property_that_none_can_have_and_nothing_is_changed() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {"comments": "kept"}});
        world.put(&path, body.clone()).await.unwrap();
        let before = json(&world.get(&path).await.unwrap());
        for (properties, number) in impossible() {
            let mut put = body.clone();
            put["properties"] = properties.clone();
            for refused in [world.put(&path, put).await, world.patch(&path, json!({"properties": properties})).await] {
                let error = refused.unwrap_err();
                assert_eq!((error.code.status, error.code.number), (400, number), "{properties}: {}", error.message);
                assert!(error.message.contains("properties.") || number != 0, "{}", error.message);
            }
        }
        assert_eq!(json(&world.get(&path).await.unwrap()), before);
    }

    #[tokio::test]
    async fn what_a_hub_can_have_is_taken_whatever_the_case_of_its_name_and_answered_as_specified() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        let properties = json!({
            "CloudToDevice": {"MaxDeliveryCount": 100, "defaultTtlAsIso8601": "P2D", "feedback": null},
            "features": "devicemanagement", "comments": null, "publicNetworkAccess": "disabled",
        });
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": properties});
        let made = json(&world.put(&path, body).await.unwrap());
        assert_eq!(made["properties"]["cloudToDevice"], json!({"maxDeliveryCount": 100, "defaultTtlAsIso8601": "P2D"}));
        assert_eq!(made["properties"]["features"], "DeviceManagement");
        assert_eq!(made["properties"]["publicNetworkAccess"], "Disabled");
        assert_eq!(made["properties"].get("comments"), None);
        assert_eq!(made["properties"].get("CloudToDevice"), None);
    }
}
