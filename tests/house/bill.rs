//! Row F5: what is said of dependencies is all of them, and nobody of the house writes unsafe code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What `scripts/sbom` prints.
fn bill() -> Vec<u8> {
    let output = Command::new(root().join("scripts/sbom")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The packages of Cargo.lock: name and version, digest, and the names of what each is built on.
fn locked() -> BTreeMap<String, (Option<String>, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let field = |block: &str, name: &str| {
        let start = block.find(&format!("\n{name} = \""))? + name.len() + 5;
        Some(block[start..].split('"').next().unwrap().to_owned())
    };
    let package = |block: &str| {
        let (name, version) = (field(block, "name").unwrap(), field(block, "version").unwrap());
        let below = block.split("dependencies = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
        let below = below.split('"').skip(1).step_by(2).map(|one| one.split(' ').next().unwrap().to_owned());
        (format!("pkg:cargo/{name}@{version}"), (field(block, "checksum"), below.collect()))
    };
    text.split("[[package]]").skip(1).map(package).collect()
}

#[test]
fn the_bill_of_materials_has_every_package_of_the_lock_file_and_no_other() {
    let printed = bill();
    assert_eq!(printed, bill(), "the same lock file gives another bill");
    let bill: Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let (locked, mut told) = (locked(), BTreeMap::new());
    let components = bill["components"].as_array().unwrap().iter().chain([&bill["metadata"]["component"]]);
    for component in components {
        let reference = component["bom-ref"].as_str().unwrap();
        assert_eq!(component["purl"], reference);
        assert!(component["licenses"][0]["expression"].is_string(), "{reference} has no licence");
        assert!(told.insert(reference.to_owned(), component).is_none(), "{reference} is told twice");
    }
    assert_eq!(told.keys().collect::<Vec<_>>(), locked.keys().collect::<Vec<_>>());
    let own = |reference: &str| reference.starts_with("pkg:cargo/iolite");
    for (reference, (digest, _)) in &locked {
        assert_eq!(digest.is_none(), own(reference), "{reference} comes from elsewhere than the registry");
        let told = told[reference]["hashes"][0]["content"].as_str();
        assert_eq!(told, digest.as_deref(), "{reference}");
    }
    for edge in bill["dependencies"].as_array().unwrap() {
        let below = edge["dependsOn"].as_array().unwrap().iter().map(|below| below.as_str().unwrap());
        let names: BTreeSet<String> = below
            .map(|below| below.strip_prefix("pkg:cargo/").unwrap().split('@').next().unwrap().to_owned())
            .collect();
        // The lock file lists what some feature or platform would need as well.
        let reference = edge["ref"].as_str().unwrap();
        assert!(names.is_subset(&locked[reference].1), "{reference}: {names:?}");
        assert!(!own(reference) || names == locked[reference].1, "{reference}: {names:?}");
    }
    assert_eq!(bill["dependencies"].as_array().unwrap().len(), locked.len());
    let scope = |name: &str| {
        let found = told.iter().find(|(reference, _)| reference.starts_with(&format!("pkg:cargo/{name}@")));
        found.unwrap().1["scope"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["hyper", "aws-lc-sys", "proptest", "iolite-tests"].map(scope),
        ["required", "required", "excluded", "excluded"]
    );
}

#[test]
fn every_crate_has_the_lints_of_the_house_and_unsafe_code_is_forbidden_by_them() {
    let read = |path: PathBuf| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    assert!(read(root().join("Cargo.toml")).contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    let crates = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut looked_at = 0;
    for folder in crates.chain([root().join("tests")]) {
        assert!(read(folder.join("Cargo.toml")).contains("[lints]\nworkspace = true\n"), "{folder:?}");
        looked_at += 1;
    }
    assert!(looked_at > 15, "{looked_at} crates");
}
