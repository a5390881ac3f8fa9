//! An emulator inside the test process, and a client that speaks to it over real sockets.
//!
//! Called by the tests under `tests/`; never part of the command. The clock is the emulator's own, steered through the
//! control API as a user's tests would.

mod client;
mod credentials;
mod session;

use std::path::{Path, PathBuf};

use iolite_server::{Emulator, Ports, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use client::{Client, Reply};
pub use credentials::Credential;
pub use session::{Sent, Session};

/// A running emulator with its own folder, ports and world; gone when it is dropped.
pub struct TestEmulator {
    emulator: Emulator,
    client: Client,
    folder: TempDir,
}

impl TestEmulator {
    /// The built-in world, in memory, on free ports.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// As [`start`](Self::start), with settings changed by `change`.
    ///
    /// # Panics
    /// Where the emulator does not start: a test can't go on then.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut settings = Settings { state_dir: folder.path().to_owned(), ports: Ports::Auto, ..Settings::default() };
        change(&mut settings);
        let emulator = Emulator::start(settings).await.unwrap_or_else(|error| panic!("{error}"));
        let client = Client::new(emulator.ready()).expect("a client that trusts the emulator");
        Self { emulator, client, folder }
    }

    /// A world from a file's text.
    ///
    /// # Panics
    /// Where the file cannot be written.
    pub async fn start_world(world: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), world).expect("the world file");
        let path: PathBuf = file.path().to_owned();
        Self::start_with(|settings| settings.world = Some(path)).await
    }

    /// The ready file's content.
    #[must_use]
    pub fn ready(&self) -> &Value {
        self.emulator.ready()
    }

    /// The emulator's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The shared origin.
    #[must_use]
    pub fn origin(&self) -> String {
        self.ready()["iot_hubs"][0]["endpoint"].as_str().unwrap_or_default().to_owned()
    }

    /// The origin of the resource called `name`, of any of the three services.
    ///
    /// # Panics
    /// Where the world has no such resource.
    #[must_use]
    pub fn origin_of(&self, name: &str) -> String {
        self.entry(name)["endpoint"].as_str().unwrap_or_default().to_owned()
    }

    /// What the ready file says of the resource called `name`.
    ///
    /// # Panics
    /// Where the world has no such resource.
    #[must_use]
    pub fn entry(&self, name: &str) -> &Value {
        let lists = ["iot_hubs", "provisioning_services", "digital_twins"];
        let mut entries = lists.iter().filter_map(|list| self.ready()[*list].as_array()).flatten();
        entries.find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("the world has no {name}"))
    }

    /// The control API's base.
    #[must_use]
    pub fn control_base(&self) -> &str {
        self.ready()["control"].as_str().unwrap_or_default()
    }

    /// The decision behind an answer.
    ///
    /// # Panics
    /// Where the decision is not kept.
    pub async fn decision(&self, reply: &Reply) -> Value {
        let found =
            self.control("GET", &format!("/decisions/{}", reply.header("x-iolite-decision")), Value::Null).await;
        assert_eq!(found.status, 200, "the decision of {reply:?} is not kept: {}", found.body);
        found.body
    }

    /// A service SAS token of a hub's policy.
    pub async fn hub_sas(&self, policy: &str) -> Credential {
        let reply = self.control("POST", "/sas", json!({"policy": policy})).await;
        Credential::text(&reply.body["token"])
    }

    /// A SAS token as the control API's `sas` makes it.
    pub async fn sas(&self, ask: Value) -> Credential {
        let reply = self.control("POST", "/sas", ask).await;
        Credential::text(&reply.body["token"])
    }

    /// An access token of `principal` for `hub`, `dps`, `twins`, `arm` or a URI.
    pub async fn token(&self, principal: &str, audience: &str) -> Credential {
        let reply = self.control("POST", "/token", json!({"principal": principal, "audience": audience})).await;
        Credential::bearer(&reply.body["access_token"])
    }

    /// A deliberately bad access token.
    pub async fn flawed_token(&self, principal: &str, audience: &str, flaw: &str) -> Credential {
        let ask = json!({"principal": principal, "audience": audience, "flaw": flaw});
        let reply = self.control("POST", "/token", ask).await;
        Credential::bearer(&reply.body["access_token"])
    }

    /// Calls the shared origin.
    pub async fn call(&self, method: &str, target: &str, credential: &Credential, body: Value) -> Reply {
        self.client.send(method, &format!("{}{target}", self.origin()), credential, &[], encode(&body)).await
    }

    /// Calls the shared origin with header fields of the test's own.
    pub async fn call_with(
        &self,
        method: &str,
        target: &str,
        credential: &Credential,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        self.client.send(method, &format!("{}{target}", self.origin()), credential, headers, body.into()).await
    }

    /// Calls the control API.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Reply {
        let base = self.control_base();
        self.client.send(method, &format!("{base}{path}"), &Credential::none(), &[], encode(&body)).await
    }

    /// Moves the emulator's clock.
    pub async fn advance_clock(&self, seconds: i64) {
        self.control("POST", "/clock", json!({"advanceSeconds": seconds})).await;
    }

    /// The id of a resource of the built-in world.
    #[must_use]
    pub fn resource_id(&self, list: &str) -> String {
        self.ready()[list][0]["resource_id"].as_str().unwrap_or_default().to_owned()
    }

    /// Stops in order.
    pub async fn shutdown(self) {
        self.emulator.shutdown().await;
    }
}

fn encode(body: &Value) -> Vec<u8> {
    if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
}
