//! The world that these tests play in: three hubs, two provisioning services and two twins instances, whose policies all
//! have the same keys, so that nothing but a token's own resource tells one resource's token from another's.

use iolite_testkit::{Client, Credential, Reply, Sent, Session, TestEmulator};
use serde_json::{Value, json};

/// The hub's api-version.
pub(crate) const HUB_VERSION: &str = "api-version=2021-04-12";
/// The provisioning service's api-version.
pub(crate) const DPS_VERSION: &str = "api-version=2021-10-01";
/// The twins instance's api-version.
pub(crate) const TWINS_VERSION: &str = "api-version=2023-10-31";
/// The hubs; the first in the file is the last by name, and answers on the shared origin.
pub(crate) const HUBS: [&str; 3] = ["zeta-hub", "alpha-hub", "beta-hub"];
/// The provisioning services.
pub(crate) const SERVICES: [&str; 2] = ["zeta-dps", "alpha-dps"];
/// The twins instances.
pub(crate) const TWINS: [&str; 2] = ["zeta-twins", "alpha-twins"];
/// The resource group that everything is in.
pub(crate) const GROUP: &str = "/subscriptions/c0ffee00-0000-4000-8000-000000000002/resourceGroups/plant";

/// The world.
pub(crate) const WORLD: &str = r#"
name = "plant"

[tenant]
id = "c0ffee00-0000-4000-8000-000000000001"
domain = "contoso.example"

[[subscriptions]]
id = "c0ffee00-0000-4000-8000-000000000002"
name = "Contoso"

[[resource_groups]]
name = "plant"

[[iot_hubs]]
name = "zeta-hub"
resource_group = "plant"
policies = [{ name = "registry", rights = "RegistryRead, RegistryWrite", primary_key = "VGhlU2FtZUtleUV2ZXJ5d2hlcmVJblRoaXNQbGFudCE=" }]

[[iot_hubs]]
name = "alpha-hub"
resource_group = "plant"
policies = [{ name = "registry", rights = "RegistryRead, RegistryWrite", primary_key = "VGhlU2FtZUtleUV2ZXJ5d2hlcmVJblRoaXNQbGFudCE=" }]

[[iot_hubs]]
name = "beta-hub"
resource_group = "plant"
policies = [{ name = "registry", rights = "RegistryRead, RegistryWrite", primary_key = "VGhlU2FtZUtleUV2ZXJ5d2hlcmVJblRoaXNQbGFudCE=" }]

[[provisioning_services]]
name = "zeta-dps"
resource_group = "plant"
policies = [{ name = "enroller", rights = "EnrollmentRead", primary_key = "VGhlU2FtZUtleUV2ZXJ5d2hlcmVJblRoaXNQbGFudCE=" }]

[[provisioning_services]]
name = "alpha-dps"
resource_group = "plant"
policies = [{ name = "enroller", rights = "EnrollmentRead", primary_key = "VGhlU2FtZUtleUV2ZXJ5d2hlcmVJblRoaXNQbGFudCE=" }]

[[digital_twins]]
name = "zeta-twins"
resource_group = "plant"

[[digital_twins]]
name = "alpha-twins"
resource_group = "plant"

[[principals]]
name = "owner-app"
kind = "service-principal"
roles = [
  { role = "IoT Hub Data Contributor", scope = "group:plant" },
  { role = "Device Provisioning Service Data Contributor", scope = "group:plant" },
  { role = "Azure Digital Twins Data Owner", scope = "group:plant" },
  { role = "Owner", scope = "group:plant" },
]
"#;

/// Calls `url` and its `target`.
pub(crate) async fn call(
    client: &Client,
    method: &str,
    url: &str,
    target: &str,
    credential: &Credential,
    body: &Value,
) -> Reply {
    client.send(method, &format!("{url}{target}"), credential, &[], bytes(body)).await
}

/// The same over an open connection.
pub(crate) async fn call_on(
    session: &mut Session,
    method: &str,
    target: &str,
    credential: &Credential,
    body: &Value,
) -> Reply {
    session.send(method, target, credential, &[], Sent::Whole(bytes(body))).await.unwrap()
}

fn bytes(body: &Value) -> Vec<u8> {
    if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
}

/// What marks a resource as itself: a device, an enrolment or a model of its own.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Hub,
    Dps,
    Twins,
}

impl Kind {
    /// The resources of the world and their kinds.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        let hubs = HUBS.map(|name| (Self::Hub, name));
        let services = SERVICES.map(|name| (Self::Dps, name));
        let twins = TWINS.map(|name| (Self::Twins, name));
        hubs.into_iter().chain(services).chain(twins)
    }

    /// The audience of the kind's tokens, as the control API calls it.
    pub(crate) const fn audience(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Dps => "dps",
            Self::Twins => "twins",
        }
    }

    /// The request that leaves a mark.
    pub(crate) fn mark(self, mark: &str) -> (&'static str, String, Value) {
        match self {
            Self::Hub => ("PUT", format!("/devices/{mark}?{HUB_VERSION}"), json!({"deviceId": mark})),
            Self::Dps => {
                let attestation = json!({"type": "symmetricKey", "symmetricKey": {}});
                let body = json!({"registrationId": mark, "attestation": attestation});
                ("PUT", format!("/enrollments/{mark}?{DPS_VERSION}"), body)
            }
            Self::Twins => {
                let model = json!({"@id": model(mark), "@type": "Interface", "@context": "dtmi:dtdl:context;2"});
                ("POST", format!("/models?{TWINS_VERSION}"), json!([model]))
            }
        }
    }

    /// The request that lists the marks.
    pub(crate) fn list(self) -> (&'static str, String, Value) {
        match self {
            Self::Hub => ("GET", format!("/devices?{HUB_VERSION}"), Value::Null),
            Self::Dps => {
                ("POST", format!("/enrollments/query?{DPS_VERSION}"), json!({"query": "SELECT * FROM enrollments"}))
            }
            Self::Twins => ("GET", format!("/models?{TWINS_VERSION}"), Value::Null),
        }
    }

    /// The marks in the answer to that.
    ///
    /// # Panics
    /// Where it lists nothing.
    pub(crate) fn marks(self, reply: &Reply) -> Vec<String> {
        assert_eq!(reply.status, 200, "{}", reply.body);
        let (list, field) = match self {
            Self::Hub => (&reply.body, "deviceId"),
            Self::Dps => (&reply.body, "registrationId"),
            Self::Twins => (&reply.body["value"], "id"),
        };
        list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    }

    /// A mark as the list shows it.
    pub(crate) fn shown(self, mark: &str) -> String {
        if matches!(self, Self::Twins) { model(mark) } else { mark.to_owned() }
    }

    /// Leaves a mark at `url`.
    pub(crate) async fn leave(self, emulator: &TestEmulator, url: &str, mark: &str) {
        let token = emulator.token("owner-app", self.audience()).await;
        let (method, target, body) = self.mark(mark);
        let reply = call(emulator.client(), method, url, &target, &token, &body).await;
        assert!(matches!(reply.status, 200 | 201), "{mark} at {url}: {} {}", reply.status, reply.body);
    }

    /// The marks at `url`.
    pub(crate) async fn found(self, emulator: &TestEmulator, url: &str) -> Vec<String> {
        self.marks(&self.ask(emulator, url).await)
    }

    /// Asks for the marks at `url`.
    pub(crate) async fn ask(self, emulator: &TestEmulator, url: &str) -> Reply {
        let token = emulator.token("owner-app", self.audience()).await;
        let (method, target, body) = self.list();
        call(emulator.client(), method, url, &target, &token, &body).await
    }
}

fn model(mark: &str) -> String {
    format!("dtmi:plant:{};1", mark.replace('-', "_"))
}

/// The emulator, with a mark at each resource that is the resource's name.
pub(crate) async fn marked() -> TestEmulator {
    let emulator = TestEmulator::start_world(WORLD).await;
    for (kind, name) in Kind::all() {
        kind.leave(&emulator, &emulator.origin_of(name), name).await;
    }
    emulator
}
