//! The world that these tests play in: a hub, a provisioning service linked by a connection string, and another linked
//! by its identity.

use iolite_testkit::{Credential, Reply, TestEmulator};
use serde_json::{Value, json};

/// The hub's id.
pub(crate) const HUB: &str = "/subscriptions/c0ffee00-0000-4000-8000-000000000002/resourceGroups/contoso/providers/Microsoft.Devices/IotHubs/contoso-hub";
/// The identity of the provisioning service that is linked by it.
pub(crate) const IDENTITY: &str = "c0ffee00-0000-4000-8000-000000000419";
/// A device of the hub, with a module called `press`.
pub(crate) const DEVICE: &str = "line-1";
/// The hub's api-version.
pub(crate) const VERSION: &str = "api-version=2021-04-12";

const DPS_VERSION: &str = "api-version=2021-10-01";

const WORLD: &str = r#"
name = "switch"

[tenant]
id = "c0ffee00-0000-4000-8000-000000000001"
domain = "contoso.example"

[[subscriptions]]
id = "c0ffee00-0000-4000-8000-000000000002"
name = "Contoso"

[[resource_groups]]
name = "contoso"

[[iot_hubs]]
name = "contoso-hub"
resource_group = "contoso"

[[provisioning_services]]
name = "string-dps"
resource_group = "contoso"
links = [{ hub = "contoso-hub", by = "connection-string" }]

[[provisioning_services]]
name = "identity-dps"
resource_group = "contoso"
identity = { object_id = "c0ffee00-0000-4000-8000-000000000419", client_id = "c0ffee00-0000-4000-8000-000000000519" }
links = [{ hub = "contoso-hub", by = "identity" }]

[[principals]]
name = "owner-app"
kind = "service-principal"
roles = [
  { role = "IoT Hub Data Contributor", scope = "group:contoso" },
  { role = "Device Provisioning Service Data Contributor", scope = "group:contoso" },
  { role = "Owner", scope = "group:contoso" },
]
"#;

/// A running emulator with a device and a module in its hub.
pub(crate) struct Stage {
    pub(crate) emulator: TestEmulator,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let stage = Self { emulator: TestEmulator::start_world(WORLD).await };
        let owner = stage.emulator.token("owner-app", "hub").await;
        let target = format!("/devices/{DEVICE}?{VERSION}");
        let made = stage.emulator.call("PUT", &target, &owner, json!({"deviceId": DEVICE})).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let target = format!("/devices/{DEVICE}/modules/press?{VERSION}");
        let body = json!({"deviceId": DEVICE, "moduleId": "press"});
        assert_eq!(stage.emulator.call("PUT", &target, &owner, body).await.status, 200);
        stage
    }

    /// A service SAS of the hub.
    pub(crate) async fn hub_sas(&self, policy: &str) -> Credential {
        self.emulator.hub_sas(policy).await
    }

    /// Reads the device's twin.
    pub(crate) async fn twin(&self, credential: &Credential) -> Reply {
        self.emulator.call("GET", &format!("/twins/{DEVICE}?{VERSION}"), credential, Value::Null).await
    }

    /// Reads a device with a token that needs no SAS.
    pub(crate) async fn device(&self, id: &str) -> Reply {
        let owner = self.emulator.token("owner-app", "hub").await;
        self.emulator.call("GET", &format!("/devices/{id}?{VERSION}"), &owner, Value::Null).await
    }

    /// Calls Resource Manager as the group's owner.
    pub(crate) async fn arm(&self, method: &str, id: &str, body: Value) -> Reply {
        let owner = self.emulator.token("owner-app", "arm").await;
        self.emulator.call(method, &format!("{id}?api-version=2023-06-30"), &owner, body).await
    }

    /// Throws the switch through the control API.
    pub(crate) async fn deny_sas(&self, disabled: bool) -> Value {
        let reply = self.emulator.control("POST", "/hubs/contoso-hub/local-auth", json!({"disabled": disabled})).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// Whether the door lets a call in, whatever comes of it then.
    pub(crate) async fn is_let_in(&self, method: &str, target: &str, credential: &Credential) -> bool {
        let reply = self.emulator.call(method, target, credential, Value::Null).await;
        match self.emulator.decision(&reply).await["outcome"].as_str() {
            Some("allowed") => true,
            Some("denied") => {
                assert_eq!(reply.status, 401, "{}", reply.body);
                false
            }
            other => panic!("{other:?} is no outcome"),
        }
    }

    /// Gives a principal a role on the hub, through Resource Manager.
    pub(crate) async fn assign(&self, role: &str, principal: &str) {
        let filter = format!("roleName%20eq%20'{}'", role.replace(' ', "%20"));
        let owner = self.emulator.token("owner-app", "arm").await;
        let definitions =
            format!("{HUB}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter={filter}");
        let found = self.emulator.call("GET", &definitions, &owner, Value::Null).await.body;
        let assignment = format!(
            "{HUB}/providers/Microsoft.Authorization/roleAssignments/c0ffee00-0000-4000-8000-000000000901?api-version=2022-04-01"
        );
        let properties = json!({"roleDefinitionId": found["value"][0]["id"], "principalId": principal});
        let reply = self.emulator.call("PUT", &assignment, &owner, json!({"properties": properties})).await;
        assert_eq!(reply.status, 201, "{} {found}", reply.body);
    }

    /// Makes an individual enrolment with symmetric keys.
    pub(crate) async fn enrol(&self, dps: &str, registration: &str) {
        let body = json!({
            "registrationId": registration,
            "attestation": {"type": "symmetricKey", "symmetricKey": {}},
            "provisioningStatus": "enabled",
        });
        self.put(dps, &format!("/enrollments/{registration}"), body).await;
    }

    /// Makes an enrolment group with symmetric keys.
    pub(crate) async fn enrol_group(&self, dps: &str, group: &str) {
        let body = json!({
            "enrollmentGroupId": group,
            "attestation": {"type": "symmetricKey", "symmetricKey": {}},
            "provisioningStatus": "enabled",
        });
        self.put(dps, &format!("/enrollmentGroups/{group}"), body).await;
    }

    async fn put(&self, dps: &str, path: &str, body: Value) {
        let sas = self.emulator.sas(json!({"dps": dps})).await;
        let url = format!("{}{path}?{DPS_VERSION}", self.emulator.origin_of(dps));
        let reply = self.emulator.client().send("PUT", &url, &sas, &[], body.to_string().into_bytes()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Registers as a device does, and gives the state that the operation ends in.
    pub(crate) async fn register(&self, dps: &str, registration: &str) -> Value {
        let sas = self.emulator.sas(json!({"dps": dps, "registration": registration})).await;
        let scope = self.emulator.entry(dps)["id_scope"].as_str().unwrap();
        let base = format!("{}/{scope}/registrations/{registration}", self.emulator.origin_of(dps));
        let body = json!({"registrationId": registration}).to_string().into_bytes();
        let client = self.emulator.client();
        let accepted = client.send("PUT", &format!("{base}/register?{DPS_VERSION}"), &sas, &[], body).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let operation = accepted.body["operationId"].as_str().unwrap();
        let url = format!("{base}/operations/{operation}?{DPS_VERSION}");
        let ended = client.send("GET", &url, &sas, &[], Vec::new()).await;
        assert_eq!(ended.status, 200, "{}", ended.body);
        ended.body["registrationState"].clone()
    }
}
