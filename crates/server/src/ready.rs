//! The ready file: everything a client needs to reach a running emulator, and the environment made of it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iolite_kernel::Secret;
use iolite_resources::{Hub, PrincipalKind, ProvisioningService, SharedAccessPolicy, TwinsInstance};
use serde_json::{Value, json};

use crate::house::House;
use crate::settings::StartError;
use crate::tls::Authority;

/// The ports of the wires besides HTTPS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WirePorts {
    /// MQTT.
    pub(crate) mqtt: u16,
    /// AMQP.
    pub(crate) amqp: u16,
    /// AMQP without TLS.
    pub(crate) plain_amqp: u16,
}

/// The ready file, without what may change while the emulator runs.
pub(crate) struct ReadyFile {
    /// Whose certificate it names.
    pub(crate) authority: Arc<Authority>,
    /// The port of the control API and of managed identity.
    pub(crate) control_port: u16,
    /// The other ports.
    pub(crate) wires: WirePorts,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl ReadyFile {
    /// Its content as of now: resources and principals come and go.
    pub(crate) fn content(&self, house: &House) -> Value {
        content(house, &self.authority, self.control_port, self.wires, &self.path)
    }
}

fn content(house: &House, authority: &Authority, control_port: u16, wires: WirePorts, path: &Path) -> Value {
    let origin = format!("https://localhost:{}", house.origins.shared_port());
    let plain = format!("http://localhost:{control_port}");
    let estate = &house.estate;
    let subscription = estate.subscriptions.page("", None, 1).into_iter().next().map(|(_, found)| found.id.clone());
    let group =
        estate.resource_groups.page("", None, 1).into_iter().next().map(|(_, found)| found.id.name().to_owned());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "control": format!("{plain}/iolite/v1"),
        "ready_file": told(path),
        "ca_certificate": told(&authority.certificate_path),
        "ca_bundle": told(&authority.bundle_path),
        "entra": {"authority": origin, "tenant_id": estate.tenant.id},
        "arm": {"endpoint": origin, "subscription_id": subscription, "resource_group": group},
        "managed_identity": {
            "imds": plain,
            "identity_endpoint": format!("{plain}/msi/token"),
            "identity_header": house.identity_header.reveal(),
        },
        "principals": principals(house),
        "iot_hubs": in_order(house, Hub::TYPE).iter().filter_map(|name| hub(house, wires, name)).collect::<Vec<_>>(),
        "provisioning_services": in_order(house, ProvisioningService::TYPE)
            .iter().filter_map(|name| provisioning_service(house, name)).collect::<Vec<_>>(),
        "digital_twins": in_order(house, TwinsInstance::TYPE)
            .iter().filter_map(|name| twins(house, name)).collect::<Vec<_>>(),
    })
}

/// A path as JSON says it. [`tellable`] has seen to it that nothing is lost; a panic would be worse than a wrong character.
fn told(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The path from the root, since whoever reads it may work in another folder. Refused where JSON and the environment of
/// other programs could not carry it: what they would be told leads nowhere. `remedy` is what the user can do then.
pub(crate) fn tellable(path: &Path, remedy: &'static str) -> Result<PathBuf, StartError> {
    let refuse = |why: String| StartError::Path { path: path.display().to_string(), why, remedy };
    let absolute = std::path::absolute(path).map_err(|error| refuse(error.to_string()))?;
    if absolute.to_str().is_none() {
        return Err(refuse(format!("{} is not UTF-8, and the ready file could not tell it", absolute.display())));
    }
    Ok(absolute)
}

/// Removes the ready file that `content` was written to, unless another emulator has written its own there since.
pub(crate) fn remove(path: &Path, content: &Value) {
    if is_ours(path, content) {
        std::fs::remove_file(path).ok();
    }
}

/// Whether the ready file at `path` is still that of the emulator that `content` tells of.
pub(crate) fn is_ours(path: &Path, content: &Value) -> bool {
    let found = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    // Two emulators of one process, in a test of the user's, have ports of their own.
    found.is_some_and(|found| found["pid"] == content["pid"] && found["control"] == content["control"])
}

/// The names of one type, the first of its kind first.
fn in_order(house: &House, resource_type: &str) -> Vec<String> {
    house.origins.names_in_order(resource_type)
}

fn principals(house: &House) -> Vec<Value> {
    let mut all: Vec<_> = house.estate.principals.all("");
    all.sort_by(|(_, one), (_, other)| one.object_id.cmp(&other.object_id));
    all.into_iter()
        .filter_map(|(_, found)| {
            let mut entry = json!({"name": found.name, "kind": found.kind_name(), "object_id": found.object_id});
            match &found.kind {
                PrincipalKind::ServicePrincipal { client_id, secrets, .. } => {
                    entry["client_id"] = json!(client_id);
                    entry["client_secret"] = json!(secrets.first().map(Secret::reveal));
                }
                PrincipalKind::User { user_name, password } => {
                    entry["username"] = json!(user_name);
                    entry["password"] = json!(password.reveal());
                }
                PrincipalKind::ManagedIdentity { client_id, .. } => entry["client_id"] = json!(client_id),
                PrincipalKind::Group { .. } => return None,
            }
            Some(entry)
        })
        .collect()
}

fn hub(house: &House, wires: WirePorts, name: &str) -> Option<Value> {
    let found = house.estate.hub(name)?;
    let port = house.origins.port_of(Hub::TYPE, name)?;
    let dialled = dialled(house, port);
    let owner = found.policies.first()?;
    Some(json!({
        "name": found.id.name(),
        "resource_id": found.id,
        "host_name": dialled.split(':').next(),
        "azure_host_name": found.host_name,
        "endpoint": format!("https://localhost:{port}"),
        "mqtt": format!("localhost:{}", wires.mqtt),
        "amqp": format!("localhost:{}", wires.amqp),
        "service_connection_string": connection_string(&dialled, owner),
        "event_hub_connection_string": event_hub_connection_string(wires, &found.events.path, owner),
    }))
}

fn provisioning_service(house: &House, name: &str) -> Option<Value> {
    let found = house.estate.provisioning_service(name)?;
    let port = house.origins.port_of(ProvisioningService::TYPE, name)?;
    Some(json!({
        "name": found.id.name(),
        "resource_id": found.id,
        "id_scope": found.id_scope,
        "azure_host_name": found.host_name,
        "endpoint": format!("https://localhost:{port}"),
        "service_connection_string": connection_string(&dialled(house, port), found.policies.first()?),
    }))
}

fn twins(house: &House, name: &str) -> Option<Value> {
    let found = house.estate.twins_instance(name)?;
    let port = house.origins.port_of(TwinsInstance::TYPE, name)?;
    Some(json!({
        "name": found.id.name(),
        "resource_id": found.id,
        "azure_host_name": found.host_name,
        "endpoint": format!("https://localhost:{port}"),
    }))
}

/// The host that SDKs are given: without a port where 443 is ours, since some can't read one.
fn dialled(house: &House, port: u16) -> String {
    if port == house.origins.shared_port() { house.origins.shared_name() } else { format!("localhost:{port}") }
}

fn connection_string(host: &str, policy: &SharedAccessPolicy) -> String {
    let (name, key) = (&policy.key_name, policy.primary_key.reveal());
    format!("HostName={host};SharedAccessKeyName={name};SharedAccessKey={key}")
}

/// What Event Hubs SDKs are given: their development mode dials a port without TLS, and then needs no certificate.
fn event_hub_connection_string(wires: WirePorts, entity: &str, policy: &SharedAccessPolicy) -> String {
    let (name, key) = (&policy.key_name, policy.primary_key.reveal());
    format!(
        "Endpoint=sb://localhost:{};SharedAccessKeyName={name};SharedAccessKey={key};EntityPath={entity};UseDevelopmentEmulator=true",
        wires.plain_amqp
    )
}

/// Writes the ready file whole: under another name first, then renamed.
pub(crate) fn write(path: &Path, content: &Value) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    file.write_all(format!("{content:#}\n").as_bytes())?;
    file.flush()?;
    std::fs::rename(&temporary, path)
}

/// The principal whose credentials the environment has where none is asked for.
const USUAL_PRINCIPAL: &str = "owner-app";

/// The variables that say who a program signs in as. What the environment does not set of them was another principal's.
pub const SIGN_IN_VARIABLES: [&str; 4] = ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_USERNAME", "AZURE_PASSWORD"];

/// The environment that points SDKs at a running emulator, as `principal`; without one as the built-in world's owner, or,
/// in a world that has no such principal, as the first application with a secret, if any.
///
/// # Errors
/// A sentence, where the ready file has no such principal.
pub fn environment(ready: &Value, principal: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let found = whose(ready, principal)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let host = |value: &Value| text(value).map(|origin| origin.trim_start_matches("https://").to_owned());
    let dps_host = ready["provisioning_services"][0]["service_connection_string"]
        .as_str()
        .and_then(|text| text.strip_prefix("HostName="))
        .and_then(|text| text.split(';').next())
        .map(str::to_owned);
    let hub_host = ready["iot_hubs"][0]["service_connection_string"]
        .as_str()
        .and_then(|text| text.strip_prefix("HostName="))
        .and_then(|text| text.split(';').next())
        .map(str::to_owned)
        .or_else(|| host(&ready["iot_hubs"][0]["endpoint"]));
    let pairs = [
        ("IOLITE_READY", text(&ready["ready_file"])),
        ("IOLITE_CONTROL", text(&ready["control"])),
        ("IOTHUB_CONNECTION_STRING", text(&ready["iot_hubs"][0]["service_connection_string"])),
        ("IOTHUB_HOSTNAME", hub_host),
        ("EVENTHUB_CONNECTION_STRING", text(&ready["iot_hubs"][0]["event_hub_connection_string"])),
        ("PROVISIONING_CONNECTION_STRING", text(&ready["provisioning_services"][0]["service_connection_string"])),
        ("DPS_IDSCOPE", text(&ready["provisioning_services"][0]["id_scope"])),
        ("DPS_GLOBALDEVICEENDPOINT", dps_host),
        ("AZURE_DIGITALTWINS_URL", text(&ready["digital_twins"][0]["endpoint"])),
        ("AZURE_TENANT_ID", text(&ready["entra"]["tenant_id"])),
        ("AZURE_CLIENT_ID", text(&found["client_id"])),
        ("AZURE_CLIENT_SECRET", text(&found["client_secret"])),
        ("AZURE_USERNAME", text(&found["username"])),
        ("AZURE_PASSWORD", text(&found["password"])),
        ("AZURE_AUTHORITY_HOST", text(&ready["entra"]["authority"])),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", text(&ready["managed_identity"]["imds"])),
        ("AZURE_SUBSCRIPTION_ID", text(&ready["arm"]["subscription_id"])),
        ("SSL_CERT_FILE", text(&ready["ca_bundle"])),
        ("REQUESTS_CA_BUNDLE", text(&ready["ca_bundle"])),
        ("NODE_EXTRA_CA_CERTS", text(&ready["ca_certificate"])),
    ];
    Ok(pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// The principal of the ready file that signs in where nobody is asked for: the built-in world's owner, or, in a world that
/// has no such principal, the first application with a secret, if any.
#[must_use]
pub fn usual_principal(ready: &Value) -> Option<&Value> {
    let has_secret = |entry: &&Value| entry["client_secret"].is_string();
    principal_called(ready, USUAL_PRINCIPAL).or_else(|| principals_of(ready).iter().find(has_secret))
}

fn principals_of(ready: &Value) -> &[Value] {
    ready["principals"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn principal_called<'a>(ready: &'a Value, text: &str) -> Option<&'a Value> {
    let goes_by = |name: &Value| name.as_str().is_some_and(|known| known.eq_ignore_ascii_case(text));
    let names = ["name", "object_id", "client_id", "username"];
    // A name of the world counts first, whatever others are called elsewhere.
    names.iter().find_map(|field| principals_of(ready).iter().find(|entry| goes_by(&entry[*field])))
}

fn whose(ready: &Value, principal: Option<&str>) -> Result<Value, String> {
    let Some(asked) = principal else { return Ok(usual_principal(ready).cloned().unwrap_or_default()) };
    principal_called(ready, asked).cloned().ok_or_else(|| {
        let names: Vec<&str> = principals_of(ready).iter().filter_map(|entry| entry["name"].as_str()).collect();
        format!("there is no principal `{asked}`; this world has {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_that_json_cannot_carry_is_refused_with_the_remedy() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/d\xff"));
        let error = tellable(odd, "name another").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("not UTF-8") && error.to_string().contains("name another"), "{error}");
        assert!(tellable(Path::new("here"), "").unwrap().is_absolute());
    }

    #[test]
    fn only_its_own_ready_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let own = json!({"pid": 1, "control": "http://localhost:1/iolite/v1"});
        for other in [json!({"pid": 2, "control": own["control"]}), json!({"pid": 1, "control": "x"}), json!("?")] {
            write(&path, &other).unwrap();
            remove(&path, &own);
            assert!(path.exists(), "{other} is another's");
        }
        write(&path, &own).unwrap();
        remove(&path, &own);
        assert!(!path.exists());
    }

    #[test]
    fn the_environment_is_that_of_the_principal_asked_for() {
        let ready = json!({
            "control": "http://localhost:8080/iolite/v1",
            "ca_bundle": "/b.pem", "ca_certificate": "/c.pem",
            "principals": [{"name": "owner-app", "client_id": "c", "client_secret": "s"}],
        });
        let environment = environment(&ready, Some("Owner-App")).unwrap();
        assert!(environment.contains(&("AZURE_CLIENT_SECRET".to_owned(), "s".to_owned())));
        assert!(super::environment(&ready, Some("nobody")).unwrap_err().contains("owner-app"));
    }

    #[test]
    fn a_world_without_the_usual_principal_lends_its_first_application_with_a_secret() {
        let mut ready = json!({"principals": [
            {"name": "certified-app", "client_id": "c-1"},
            {"name": "secret-app", "client_id": "c-2", "client_secret": "s"},
        ]});
        let of = |ready: &Value| environment(ready, None).unwrap();
        assert!(of(&ready).contains(&("AZURE_CLIENT_ID".to_owned(), "c-2".to_owned())));
        ready["principals"][1]["name"] = json!("owner-app");
        ready["principals"][0]["client_secret"] = json!("t");
        assert!(of(&ready).contains(&("AZURE_CLIENT_ID".to_owned(), "c-2".to_owned())));
        ready["principals"] = json!([]);
        assert!(of(&ready).iter().all(|(name, _)| name != "AZURE_CLIENT_ID"));
    }
}
