//! Where the demo plays: the emulator's addresses, the way to send a request and tell it, and what the acts hand on.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::call::{Call, Credential, Expected};
use super::https::Https;
use crate::console;
use crate::control::{Control, segment};
use crate::exchange::Reply;

/// The stage.
pub(super) struct Stage {
    /// The ready file's content.
    pub(super) ready: Value,
    /// The control API, for what no client of Azure could ask.
    pub(super) control: Control,
    https: Https,
    answers: usize,
    acts: usize,
}

impl Stage {
    pub(super) fn new(ready: Value) -> Result<Self> {
        let control = Control::at(ready["control"].as_str().unwrap_or_default())?;
        let https = Https::trusting(Path::new(ready["ca_certificate"].as_str().unwrap_or_default()))?;
        Ok(Self { ready, control, https, answers: 0, acts: 0 })
    }

    /// How many answers were judged.
    pub(super) fn answers(&self) -> usize {
        self.answers
    }

    /// Begins an act.
    pub(super) fn act(&mut self, title: &str) -> Result<()> {
        self.acts += 1;
        console::say(&format!("\n{}. {title}", self.acts))?;
        Ok(())
    }

    /// Sends a request, tells it and its answer, and stops the demo where the answer is not the expected one.
    pub(super) async fn send(&mut self, call: Call<'_>, expected: Expected) -> Result<Reply> {
        let shown = call.credential.map(|credential| format!("  with {}", credential.shown)).unwrap_or_default();
        tell(&format!("{} {}{shown}", call.method, self.short(&call.url)))?;
        let reply = self.https.send(call.into_request()?).await?;
        self.answers += 1;
        match expected.judge(reply.status.as_u16(), &String::from_utf8_lossy(&reply.body)) {
            Ok(line) => tell(&format!("  -> {line}"))?,
            Err(line) => bail!("{line}"),
        }
        Ok(reply)
    }

    /// An address without the origin that everything here shares.
    fn short<'u>(&self, url: &'u str) -> &'u str {
        url.strip_prefix(self.text(&["arm", "endpoint"])).unwrap_or(url)
    }

    /// An address of the first hub.
    pub(super) fn hub_url(&self, path: &str) -> String {
        format!("{}{path}?api-version=2021-04-12", self.text(&["iot_hubs", "0", "endpoint"]))
    }

    /// An address of the first provisioning service.
    pub(super) fn dps_url(&self, path: &str) -> String {
        format!("{}{path}?api-version=2021-10-01", self.text(&["provisioning_services", "0", "endpoint"]))
    }

    /// An address of the Resource Manager; `query` starts with the api-version.
    pub(super) fn arm_url(&self, path: &str, query: &str) -> String {
        format!("{}{path}?api-version={query}", self.text(&["arm", "endpoint"]))
    }

    /// The first hub's resource id.
    pub(super) fn hub_id(&self) -> String {
        self.text(&["iot_hubs", "0", "resource_id"]).to_owned()
    }

    /// The first provisioning service's resource id.
    pub(super) fn dps_id(&self) -> String {
        self.text(&["provisioning_services", "0", "resource_id"]).to_owned()
    }

    /// A text in the ready file; empty where it is missing.
    pub(super) fn text(&self, path: &[&str]) -> &str {
        self.ready.pointer(&format!("/{}", path.join("/"))).and_then(Value::as_str).unwrap_or_default()
    }

    /// A principal of the ready file.
    pub(super) fn principal(&self, name: &str) -> Result<&Value> {
        let all = self.ready["principals"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().find(|entry| entry["name"] == name).with_context(|| format!("the world has no principal {name}"))
    }

    /// The state of SAS on the first hub, with the rehearsal of denying it.
    pub(super) async fn local_auth(&self) -> Result<Value> {
        let hub = self.text(&["iot_hubs", "0", "name"]);
        self.control.get(&format!("/hubs/{}/local-auth", segment(hub))).await
    }

    /// The decision on the request that `reply` answers; its explanation is shown.
    pub(super) async fn explain(&self, reply: &Reply) -> Result<Value> {
        let id = reply.header("x-iolite-decision");
        tell(&format!("iolite explain {id}"))?;
        let decision = self.control.get(&format!("/decisions/{}", segment(id))).await?;
        show(&console::lines_of(&decision["explanation"]))?;
        Ok(decision)
    }

    /// Assigns a role at a scope through the Resource Manager; `name` is the assignment's GUID, which its maker chooses.
    pub(super) async fn assign(&mut self, owner: &Credential, grant: Grant<'_>) -> Result<()> {
        let filter = segment(&format!("roleName eq '{}'", grant.role));
        let roles = format!("{}/providers/Microsoft.Authorization/roleDefinitions", grant.scope);
        let call = Call::get(self.arm_url(&roles, &format!("2022-04-01&$filter={filter}"))).with(owner);
        let found = self.send(call, Expected::status(200, "anyone with Reader may look roles up")).await?.json();
        let role_id = found["value"][0]["id"].as_str().context("the role is not in the list")?.to_owned();
        let path = format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", grant.scope, grant.name);
        let body = json!({"properties": {
            "roleDefinitionId": role_id,
            "principalId": grant.object_id,
            "principalType": grant.principal_type,
        }});
        let call = Call::put(self.arm_url(&path, "2022-04-01"), &body).with(owner);
        self.send(call, Expected::status(201, "Owner may write role assignments, for itself as well")).await?;
        Ok(())
    }
}

/// A role to be assigned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant<'a> {
    /// The assignment's name, a GUID.
    pub(super) name: &'a str,
    /// The role's name.
    pub(super) role: &'a str,
    /// Where.
    pub(super) scope: &'a str,
    /// To whom.
    pub(super) object_id: &'a str,
    /// `User` or `ServicePrincipal`.
    pub(super) principal_type: &'a str,
}

/// Tells something.
pub(super) fn tell(text: &str) -> Result<()> {
    console::say_lines([format!("   {text}")])?;
    Ok(())
}

/// Shows lines that the emulator itself gave.
pub(super) fn show(lines: &[String]) -> Result<()> {
    console::say_lines(lines.iter().map(|line| format!("     | {line}")))?;
    Ok(())
}
