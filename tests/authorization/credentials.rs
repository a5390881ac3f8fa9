//! Every credential of the matrix, by name.

use std::collections::HashMap;

use iolite_kernel::{Operation, Service};
use iolite_testkit::{Credential, TestEmulator};
use serde_json::{Value, json};

use crate::world::{DPS_POLICIES, HUB_POLICIES, ID_SCOPE, Level, OWNER};

/// The audiences that tokens are asked for.
const AUDIENCES: [&str; 5] = ["hub", "dps", "twins", "arm", "https://graph.microsoft.com"];
const FLAWS: [&str; 7] =
    ["expired", "not-yet-valid", "wrong-audience", "wrong-issuer", "bad-signature", "unsigned", "unknown-key"];

/// The credentials that are the same for every operation, and those that depend on its service and level.
pub(crate) struct Wallet {
    fixed: Vec<(String, Credential)>,
    flawed: HashMap<(&'static str, &'static str), Credential>,
    held: HashMap<(String, &'static str), Credential>,
    roles: Vec<String>,
}

impl Wallet {
    /// Makes them all. The devices, the enrolments and the principals are there already.
    pub(crate) async fn fill(emulator: &TestEmulator, roles: &[&str]) -> Self {
        let mut wallet = Self {
            fixed: fixed(emulator).await,
            flawed: HashMap::new(),
            held: HashMap::new(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        for audience in AUDIENCES {
            for flaw in FLAWS {
                wallet.flawed.insert((audience, flaw), emulator.flawed_token(OWNER, audience, flaw).await);
            }
        }
        for level in Level::ALL {
            let mut names: Vec<String> = roles.iter().map(|role| level.holder(role)).collect();
            names.push(level.outsider());
            for name in names {
                for audience in audiences_at(level) {
                    wallet.held.insert((name.clone(), *audience), emulator.token(&name, audience).await);
                }
            }
        }
        wallet
    }

    /// Every credential for `operation`, with the name by which the table calls it.
    pub(crate) fn of(&self, operation: &Operation) -> Vec<(String, Credential)> {
        let (audience, level) = (audience_of(operation), Level::of(operation));
        let mut all = self.fixed.clone();
        for flaw in FLAWS {
            all.push((format!("flaw {flaw}"), self.flawed[&(audience, flaw)].clone()));
        }
        for role in &self.roles {
            all.push((format!("role {role}"), self.held[&(level.holder(role), audience)].clone()));
        }
        all.push(("every role elsewhere".to_owned(), self.held[&(level.outsider(), audience)].clone()));
        all
    }
}

/// The audience that `operation` wants.
fn audience_of(operation: &Operation) -> &'static str {
    match operation.service {
        Service::Hub => "hub",
        Service::Dps => "dps",
        Service::Twins => "twins",
        Service::Arm => "arm",
        Service::Entra | Service::ManagedIdentity => "https://graph.microsoft.com",
    }
}

const fn audiences_at(level: Level) -> &'static [&'static str] {
    match level {
        Level::Root => &["arm", "https://graph.microsoft.com"],
        Level::Subscription | Level::Group => &["arm"],
        Level::Hub => &["arm", "hub"],
        Level::Dps => &["arm", "dps"],
        Level::Twins => &["arm", "twins"],
    }
}

async fn fixed(emulator: &TestEmulator) -> Vec<(String, Credential)> {
    let mut all = vec![
        ("nothing".to_owned(), Credential::none()),
        ("another scheme".to_owned(), Credential::raw("Basic b3duZXItYXBwOnNlY3JldA==")),
        ("no token at all".to_owned(), Credential::raw("Bearer x")),
        ("no signature at all".to_owned(), Credential::raw("SharedAccessSignature sr=tested-hub&se=1")),
    ];
    for policy in HUB_POLICIES {
        let sas = emulator.sas(json!({"hub": "tested-hub", "policy": policy})).await;
        all.push((format!("hub policy {policy}"), sas));
    }
    all.push(("policy iothubowner of another hub".to_owned(), emulator.sas(json!({"hub": "other-hub"})).await));
    for policy in DPS_POLICIES {
        let sas = emulator.sas(json!({"dps": "tested-dps", "policy": policy})).await;
        all.push((format!("dps policy {policy}"), sas));
    }
    all.push((
        "policy provisioningserviceowner of another dps".to_owned(),
        emulator.sas(json!({"dps": "other-dps"})).await,
    ));
    let asks = [
        ("the device itself", json!({"hub": "tested-hub", "device": "device-1"})),
        ("another device", json!({"hub": "tested-hub", "device": "device-10"})),
        ("the module itself", json!({"hub": "tested-hub", "device": "device-1", "module": "module-1"})),
        ("another module", json!({"hub": "tested-hub", "device": "device-1", "module": "module-10"})),
        ("the registrant itself", json!({"dps": "tested-dps", "registration": "registration-1"})),
        ("another registrant", json!({"dps": "tested-dps", "registration": "registration-10"})),
    ];
    for (name, ask) in asks {
        all.push((name.to_owned(), emulator.sas(ask).await));
    }
    for audience in AUDIENCES {
        all.push((format!("owner for {audience}"), emulator.token(OWNER, audience).await));
    }
    assert!(
        all.iter().skip(1).all(|(_, credential)| credential.value().is_some()),
        "a credential was not made: {all:?}"
    );
    all
}

/// Makes what the credentials of devices and registrants stand on.
pub(crate) async fn populate(emulator: &TestEmulator) {
    let hub = emulator.token(OWNER, "hub").await;
    let dps = emulator.token(OWNER, "dps").await;
    let enrollment = |id: &str| {
        json!({"registrationId": id, "attestation": {"type": "symmetricKey", "symmetricKey": {}},
            "provisioningStatus": "enabled"})
    };
    for id in ["device-1", "device-10"] {
        put(emulator, "tested-hub", &format!("/devices/{id}?api-version=2021-04-12"), &hub, json!({"deviceId": id}))
            .await;
    }
    for module in ["module-1", "module-10"] {
        let target = format!("/devices/device-1/modules/{module}?api-version=2021-04-12");
        put(emulator, "tested-hub", &target, &hub, json!({"deviceId": "device-1", "moduleId": module})).await;
    }
    for id in ["registration-1", "registration-10"] {
        put(emulator, "tested-dps", &format!("/enrollments/{id}?api-version=2021-10-01"), &dps, enrollment(id)).await;
    }
    assert_eq!(emulator.entry("tested-dps")["id_scope"], ID_SCOPE);
}

async fn put(emulator: &TestEmulator, resource: &str, target: &str, credential: &Credential, body: Value) {
    let url = format!("{}{target}", emulator.origin_of(resource));
    let reply = emulator.client().send("PUT", &url, credential, &[], body.to_string().into_bytes()).await;
    assert_eq!(reply.status, 200, "{url}: {}", reply.body);
}
