//! What `iolite start` says once it is ready: where everything is, who there is, and how to point an SDK at it.

use std::path::Path;

use serde_json::Value;

use crate::shell;
use crate::table::aligned;

/// The banner's lines, from the ready file's content.
pub(crate) fn lines(ready: &Value, ready_path: &Path, notices: &[String]) -> Vec<String> {
    let mut lines = vec![format!("Iolite {} is ready. Ctrl-C stops it.", text(ready, "version")), String::new()];
    lines.extend(section("Endpoints", endpoints(ready, ready_path)));
    for hub in items(ready, "iot_hubs") {
        lines.extend(section(&format!("IoT Hub {}", text(hub, "name")), hub_rows(hub)));
    }
    for service in items(ready, "provisioning_services") {
        let rows = rows(
            service,
            &[("id scope", "id_scope"), ("https", "endpoint"), ("connection string", "service_connection_string")],
        );
        lines.extend(section(&format!("Device Provisioning Service {}", text(service, "name")), rows));
    }
    for twins in items(ready, "digital_twins") {
        lines.extend(section(&format!("Digital Twins {}", text(twins, "name")), rows(twins, &[("https", "endpoint")])));
    }
    lines.extend(principals(ready));
    lines.extend(pointers(ready, ready_path));
    lines.extend(notices.iter().map(|notice| format!("note: {notice}")));
    lines
}

fn endpoints(ready: &Value, ready_path: &Path) -> Vec<Vec<String>> {
    let mut table = rows(&ready["entra"], &[("Entra ID", "authority"), ("tenant", "tenant_id")]);
    table.extend(rows(&ready["arm"], &[("Resource Manager", "endpoint"), ("subscription", "subscription_id")]));
    table.extend(rows(&ready["managed_identity"], &[("managed identity", "imds")]));
    table.extend(rows(
        ready,
        &[("control API", "control"), ("CA certificate", "ca_certificate"), ("CA with public roots", "ca_bundle")],
    ));
    table.push(vec!["ready file".to_owned(), ready_path.display().to_string()]);
    table
}

fn hub_rows(hub: &Value) -> Vec<Vec<String>> {
    rows(
        hub,
        &[
            ("https", "endpoint"),
            ("mqtt", "mqtt"),
            ("amqp", "amqp"),
            ("connection string", "service_connection_string"),
            ("Event Hubs", "event_hub_connection_string"),
        ],
    )
}

fn principals(ready: &Value) -> Vec<String> {
    let rows: Vec<Vec<String>> = items(ready, "principals")
        .iter()
        .map(|principal| {
            let sign_in = match (principal["client_id"].as_str(), principal["username"].as_str()) {
                (Some(client), _) => format!("client id {client}"),
                (None, Some(name)) => format!("user name {name}"),
                (None, None) => String::new(),
            };
            vec![format!("  {}", text(principal, "name")), text(principal, "kind").to_owned(), sign_in]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Principals".to_owned()];
    lines.extend(aligned(&[], &rows).into_iter().skip(1));
    lines.push(String::new());
    lines
}

/// The two lines to copy: the environment, and a first request.
fn pointers(ready: &Value, ready_path: &Path) -> Vec<String> {
    let is_default = text(ready, "control") == "http://localhost:8080/iolite/v1";
    let variable = if is_default {
        String::new()
    } else {
        format!("IOLITE_READY={} ", shell::posix(&ready_path.display().to_string()))
    };
    vec![
        "Point an SDK at it".to_owned(),
        format!("  eval \"$({variable}iolite env)\""),
        "  python3 -c 'import os; from azure.iot.hub import IoTHubRegistryManager as R; \
         print(R.from_connection_string(os.environ[\"IOTHUB_CONNECTION_STRING\"]).get_devices())'"
            .to_owned(),
        String::new(),
    ]
}

/// A title, its rows under it in two columns, and an empty line.
fn section(title: &str, rows: Vec<Vec<String>>) -> Vec<String> {
    let mut lines = vec![title.to_owned()];
    let indented: Vec<Vec<String>> = rows
        .into_iter()
        .map(|mut row| {
            row[0].insert_str(0, "  ");
            row
        })
        .collect();
    lines.extend(aligned(&[], &indented).into_iter().skip(1));
    lines.push(String::new());
    lines
}

/// The fields that are there, each with its label.
fn rows(value: &Value, fields: &[(&str, &str)]) -> Vec<Vec<String>> {
    fields
        .iter()
        .filter_map(|(label, field)| value[*field].as_str().map(|text| vec![(*label).to_owned(), text.to_owned()]))
        .collect()
}

fn items<'a>(ready: &'a Value, list: &str) -> &'a [Value] {
    ready[list].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ready(control: &str) -> Value {
        json!({
            "version": "0.1.0",
            "control": control,
            "entra": {"authority": "https://localhost:8443", "tenant_id": "t-1"},
            "principals": [
                {"name": "owner-app", "kind": "servicePrincipal", "client_id": "c-1", "client_secret": "s3cret"},
                {"name": "operator", "kind": "user", "username": "operator@contoso.example", "password": "pass"},
            ],
            "iot_hubs": [{"name": "contoso-hub", "endpoint": "https://localhost:8443", "service_connection_string": "HostName=x"}],
        })
    }

    #[test]
    fn endpoints_strings_principals_and_notices_are_told() {
        let lines =
            lines(&ready("http://localhost:8080/iolite/v1"), Path::new("/r.json"), &["port 443 is taken".to_owned()]);
        let all = lines.join("\n");
        for part in [
            "https://localhost:8443",
            "HostName=x",
            "client id c-1",
            "operator@contoso.example",
            "note: port 443 is taken",
        ] {
            assert!(all.contains(part), "{part} is missing in\n{all}");
        }
        assert!(all.contains("  eval \"$(iolite env)\""));
    }

    #[test]
    fn secrets_of_principals_are_left_to_the_ready_file() {
        let all = lines(&ready("http://localhost:8080/iolite/v1"), Path::new("/r.json"), &[]).join("\n");
        assert!(!all.contains("s3cret") && !all.contains("pass"));
    }

    #[test]
    fn an_emulator_on_other_ports_is_named_by_its_ready_file() {
        let all = lines(&ready("http://localhost:4242/iolite/v1"), Path::new("/tmp/it's/r.json"), &[]).join("\n");
        assert!(all.contains(r#"eval "$(IOLITE_READY='/tmp/it'\''s/r.json' iolite env)""#), "{all}");
    }
}
