//! Who plays: tokens from the emulator's own issuer, and shared access signatures.

use anyhow::{Context, Result};
use iolite_kernel::{Secret, SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Call, Credential, Expected};
use super::stage::{Stage, tell};

/// The scope of a token for IoT Hub.
pub(super) const HUB: &str = "https://iothubs.azure.net/.default";
/// The scope of a token for the Resource Manager.
pub(super) const ARM: &str = "https://management.azure.com/.default";
/// The Azure CLI's public client, which users sign in with.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Signs a principal in at the issuer, an application by its secret and a user by the password.
pub(super) async fn sign_in(stage: &mut Stage, name: &str, scope: &str) -> Result<Credential> {
    let principal = stage.principal(name)?.clone();
    let field = |field: &str| principal[field].as_str().unwrap_or_default();
    let url =
        format!("{}/{}/oauth2/v2.0/token", stage.text(&["entra", "authority"]), stage.text(&["entra", "tenant_id"]));
    let call = if principal["client_secret"].is_string() {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", field("client_id")),
            ("client_secret", field("client_secret")),
            ("scope", scope),
        ];
        Call::form(url, &fields)
    } else {
        let fields = [
            ("grant_type", "password"),
            ("client_id", AZURE_CLI),
            ("username", field("username")),
            ("password", field("password")),
            ("scope", scope),
        ];
        Call::form(url, &fields)
    };
    tell(&format!("{name} signs in for {scope}"))?;
    let answer = stage.send(call, Expected::status(200, "the emulator is its own Entra ID")).await?.json();
    let token = answer["access_token"].as_str().context("the issuer gave no token")?;
    Ok(Credential { shown: format!("{name}'s token"), header: format!("Bearer {token}") })
}

/// A shared access signature; `of` names whose, as `iolite sas` takes it.
pub(super) async fn sas(stage: &Stage, shown: &str, mut of: Value) -> Result<Credential> {
    of["ttlSeconds"] = json!(3600);
    let answer = stage.control.post("/sas", Some(&of)).await?;
    let token = answer["token"].as_str().context("there is no signature in the answer")?;
    Ok(Credential { shown: shown.to_owned(), header: token.to_owned() })
}

/// A signature by the hub's owner policy.
pub(super) async fn hub_sas(stage: &Stage) -> Result<Credential> {
    let hub = stage.text(&["iot_hubs", "0", "name"]);
    sas(stage, "a SAS token of the policy iothubowner", json!({"hub": hub, "policy": "iothubowner"})).await
}

/// A registering device's own signature, made as a device makes it: with the key that it was given.
pub(super) async fn device_sas(stage: &Stage, registration: &str, key: &Secret) -> Result<Credential> {
    let clock = stage.control.get("/clock").await?;
    let now: Timestamp = clock["now"].as_str().unwrap_or_default().parse().context("the clock tells no time")?;
    let expiry = now.checked_add(SignedDuration::from_hours(1))?;
    let id_scope = stage.text(&["provisioning_services", "0", "id_scope"]);
    let resource = format!("{id_scope}/registrations/{registration}");
    let header = iolite_identity::sas::sign(&resource, key, expiry, Some("registration"));
    Ok(Credential { shown: "the device's own SAS token".to_owned(), header })
}
