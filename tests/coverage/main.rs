//! `docs/coverage.md` is what the operations say of themselves, and no path of the specifications is left out of it.
//! `docs/world.schema.json` is the schema that the control API serves.
//!
//! `IOLITE_BLESS=1` writes the documents anew; the difference is then for the reviewer to read.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use iolite_kernel::{Need, Operation, Service, Support};
use serde_json::Value;

const SERVICES: [(Service, &str); 6] = [
    (Service::Hub, "IoT Hub"),
    (Service::Dps, "Device Provisioning Service"),
    (Service::Twins, "Azure Digital Twins"),
    (Service::Arm, "Azure Resource Manager"),
    (Service::Entra, "Microsoft Entra ID"),
    (Service::ManagedIdentity, "Managed identity"),
];

/// The specifications that must be covered whole.
const SPECIFICATIONS: [(Service, &str); 3] = [
    (Service::Hub, "iothub-dataplane-2021-04-12.json"),
    (Service::Dps, "dps-dataplane-service-2021-10-01.json"),
    (Service::Dps, "dps-dataplane-device-2021-10-01.TRANSCRIBED.json"),
];

#[expect(clippy::disallowed_methods, reason = "tests take what they depend on from the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn document() -> String {
    let mut text = String::from(
        "# Coverage\n\nEvery operation that Iolite knows, made from the operations themselves (`IOLITE_BLESS=1 cargo test -p \
         iolite-tests --test coverage`). What is not served is refused by name, after the caller was let in.\n",
    );
    let operations = iolite_server::operations();
    for (service, title) in SERVICES {
        let mut rows: Vec<&Operation> =
            operations.iter().filter(|operation| operation.service == service).copied().collect();
        rows.sort_by_key(|operation| (operation.path.to_ascii_lowercase(), operation.method));
        let served = rows.iter().filter(|operation| operation.support == Support::Served).count();
        writeln!(text, "\n## {title}: {served} of {} served\n", rows.len()).unwrap();
        text.push_str("| operation | method and path | needs | |\n|---|---|---|---|\n");
        for operation in rows {
            let support = match operation.support {
                Support::Served => "served".to_owned(),
                Support::Refused(why) => format!("refused: {why}"),
            };
            let Operation { name, method, path, .. } = operation;
            writeln!(text, "| {name} | {method} `{path}` | {} | {support} |", need(operation)).unwrap();
        }
    }
    text.push_str(
        "\n## IoT Hub over MQTT and AMQP\n\nWhat a session or link is decided as, besides the operations above that it \
         shares with HTTPS; paths stand for addresses.\n\n| operation | address | needs |\n|---|---|---|\n",
    );
    for operation in iolite_server::session_operations() {
        writeln!(text, "| {} | `{}` | {} |", operation.name, operation.path, need(operation)).unwrap();
    }
    text
}

fn need(operation: &Operation) -> String {
    let actions = operation.need.actions().join(" and ");
    let rights: Vec<&str> = operation.need.rights().iter().map(|right| right.name()).collect();
    match operation.need {
        Need::Public { .. } => "nothing".to_owned(),
        Need::SignedIn => "any sign-in".to_owned(),
        Need::OwnDevice { .. } | Need::OwnRegistration => "the device itself".to_owned(),
        Need::Management { .. } => actions,
        Need::DataPlane { .. } if rights.is_empty() => actions,
        Need::DataPlane { .. } if actions.is_empty() => format!("SAS alone: {}", rights.join(" and ")),
        Need::DataPlane { .. } => format!("{actions}; SAS: {}", rights.join(" and ")),
    }
}

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn hold_against(name: &str, document: &str) {
    let path = committed(name);
    if environment("IOLITE_BLESS").is_some() {
        std::fs::write(&path, document).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap_or_default() == document,
        "docs/{name} is out of date: run IOLITE_BLESS=1 cargo test -p iolite-tests --test coverage, and read the difference"
    );
}

#[test]
fn the_document_says_what_the_operations_say() {
    hold_against("coverage.md", &document());
}

/// Editors want a file, and who has a mistake in theirs has no emulator to ask.
#[test]
fn the_schema_of_world_files_is_the_one_that_is_served() {
    hold_against("world.schema.json", &format!("{:#}\n", iolite_server::world_schema()));
}

#[test]
fn no_operation_stands_twice() {
    let mut seen = BTreeSet::new();
    for operation in iolite_server::operations() {
        let place = (operation.service, operation.method, operation.path.to_ascii_lowercase());
        assert!(seen.insert(place), "{operation} stands twice");
    }
}

#[test]
fn every_path_of_the_specifications_is_known_where_they_are_at_hand() {
    let Some(shared) = environment("IOLITE_SHARED") else { return };
    let known: BTreeSet<(Service, String, String)> = iolite_server::operations()
        .into_iter()
        .map(|operation| (operation.service, operation.method.name().to_owned(), shape(operation.path)))
        .collect();
    let mut looked_at = 0;
    for (service, file) in SPECIFICATIONS {
        let text = std::fs::read(Path::new(&shared).join("reference/specs").join(file)).unwrap();
        let specification: Value = serde_json::from_slice(&text).unwrap();
        for (path, item) in specification["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|name| is_method(name)) {
                let place = (service, method.to_ascii_uppercase(), shape(path));
                assert!(known.contains(&place), "{file}: {method} {path} is neither served nor refused by name");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 60, "only {looked_at} operations were found in the specifications");
}

fn is_method(name: &str) -> bool {
    ["get", "put", "post", "patch", "delete"].contains(&name)
}

/// A path with its parameters' names taken out, without case.
fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/").to_ascii_lowercase()
}
