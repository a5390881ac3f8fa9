//! The crates depend on each other as ARCHITECTURE.md draws them: downwards only, on what is listed and nothing else.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod bill;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The layers, the highest first; a crate may depend on its own crate's lower layers only.
const LAYERS: [(&str, &[&str]); 9] = [
    ("command", &["iolite", "iolite-bench"]),
    ("tests", &["iolite-tests", "iolite-testkit"]),
    ("wiring", &["iolite-server"]),
    ("wire", &["iolite-http", "iolite-mqtt", "iolite-amqp"]),
    ("service", &["iolite-hub", "iolite-dps", "iolite-twins", "iolite-arm", "iolite-entra"]),
    ("language", &["iolite-query"]),
    ("exchange", &["iolite-messaging"]),
    ("door", &["iolite-access", "iolite-identity"]),
    ("ground", &["iolite-resources", "iolite-store", "iolite-kernel"]),
];

/// Within a layer, an arrow may go from an earlier to a later crate of these.
const WITHIN: [(&str, &str); 5] = [
    ("iolite-access", "iolite-identity"),
    ("iolite-resources", "iolite-store"),
    ("iolite-resources", "iolite-kernel"),
    ("iolite-store", "iolite-kernel"),
    ("iolite-tests", "iolite-testkit"),
];

fn layer(name: &str) -> usize {
    LAYERS.iter().position(|(_, crates)| crates.contains(&name)).unwrap_or_else(|| panic!("{name} is in no layer"))
}

/// What each crate of the workspace is built on, tests left out.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let edges_of = |package: &Value| -> BTreeSet<String> {
        let own = package["dependencies"].as_array().unwrap().iter().filter(|dependency| {
            dependency["kind"].is_null() && dependency["name"].as_str().unwrap().starts_with("iolite")
        });
        own.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
    };
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), edges_of(package))).collect()
}

#[test]
fn arrows_point_down_only() {
    for (from, targets) in edges() {
        for to in targets {
            let down = layer(&from) < layer(&to) || WITHIN.contains(&(from.as_str(), to.as_str()));
            assert!(down, "{from} may not depend on {to}");
        }
    }
}

#[test]
fn services_know_no_other_service() {
    let services = LAYERS[4].1;
    for (from, targets) in edges() {
        if services.contains(&from.as_str()) {
            assert!(targets.iter().all(|to| !services.contains(&to.as_str())), "{from} knows another service");
        }
    }
}

#[test]
fn the_map_lists_the_arrows_as_they_are() {
    let map = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md")).unwrap();
    let block = map.split("```crates\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let drawn: BTreeMap<String, BTreeSet<String>> = block
        .lines()
        .filter_map(|line| line.split_once("→"))
        .map(|(from, to)| (from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect()))
        .collect();
    let short = |name: &str| name.strip_prefix("iolite-").unwrap_or(name).to_owned();
    let real: BTreeMap<String, BTreeSet<String>> = edges()
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "iolite-tests" | "iolite-bench"))
        .map(|(name, targets)| (short(&name), targets.iter().map(|target| short(target)).collect()))
        .collect();
    for (name, targets) in &real {
        let line = format!("{name} → {}", targets.iter().cloned().collect::<Vec<_>>().join(" "));
        assert_eq!(drawn.get(name), Some(targets), "ARCHITECTURE.md should say: {line}");
    }
    assert_eq!(drawn.len(), real.len(), "ARCHITECTURE.md draws crates that are not there");
}
