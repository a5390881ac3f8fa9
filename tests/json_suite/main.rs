//! JSONTestSuite's 318 parsing files against what bodies are read with: `y_` must be taken, `n_` must be refused, `i_` may
//! be either, and nothing may end the process.
//!
//! The files are outside the repository, in the folder that `IOLITE_SHARED` names; without it the test says so and has
//! checked nothing, as its name allows.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use iolite_testkit::{Credential, Reply, TestEmulator};
use serde_json::{Value, json};

const DEVICE: &str = "/devices/suite?api-version=2021-04-12";

/// A file of the suite.
struct Document {
    name: String,
    text: Vec<u8>,
}

/// The suite's files; nothing where they are not at hand.
fn documents() -> Option<Vec<Document>> {
    let shared = std::env::var_os("IOLITE_SHARED")?;
    let archive = Path::new(&shared).join("conformance/vectors/json-test-suite.tar.gz");
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(archive).unwrap()).read_to_end(&mut bytes).unwrap();
    Some(unpack(&bytes))
}

/// The regular files of a tar archive: each a block of 512 bytes with its name and size, then its bytes in whole blocks.
fn unpack(mut archive: &[u8]) -> Vec<Document> {
    const BLOCK: usize = 512;
    let mut documents = Vec::new();
    while archive.len() >= BLOCK && archive[0] != 0 {
        let (head, rest) = archive.split_at(BLOCK);
        let text = |range: std::ops::Range<usize>| {
            let field = &head[range];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            std::str::from_utf8(&field[..end]).unwrap().trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        let name = text(0..100);
        if matches!(head[156], b'0' | 0) && Path::new(&name).extension().is_some_and(|end| end == "json") {
            let name = name.rsplit('/').next().unwrap().to_owned();
            documents.push(Document { name, text: rest[..size].to_vec() });
        }
        archive = &rest[size.div_ceil(BLOCK) * BLOCK..];
    }
    documents
}

/// The operations whose readers are tried with whole files.
async fn readers(emulator: &TestEmulator) -> Vec<(&'static str, String, Credential)> {
    let hub = emulator.token("owner-app", "hub").await;
    let hub_id = emulator.resource_id("iot_hubs");
    vec![
        ("PUT", DEVICE.to_owned(), hub.clone()),
        ("PATCH", "/twins/known?api-version=2021-04-12".to_owned(), hub),
        ("PUT", "/enrollments/suite?api-version=2021-10-01".to_owned(), emulator.token("owner-app", "dps").await),
        ("PUT", "/digitaltwins/suite?api-version=2023-10-31".to_owned(), emulator.token("owner-app", "twins").await),
        ("PATCH", format!("{hub_id}?api-version=2023-06-30"), emulator.token("owner-app", "arm").await),
    ]
}

#[tokio::test]
async fn the_json_test_suite_is_read_as_it_demands_where_it_is_at_hand() {
    let Some(documents) = documents() else {
        println!("IOLITE_SHARED is not set: the 318 files of the JSON test suite were NOT run");
        return;
    };
    assert_eq!(documents.len(), 318);
    let emulator = TestEmulator::start().await;
    let owner = emulator.token("owner-app", "hub").await;
    let known = "/devices/known?api-version=2021-04-12";
    assert_eq!(emulator.call("PUT", known, &owner, json!({"deviceId": "known"})).await.status, 200);
    let (readers, mut wrong) = (readers(&emulator).await, Vec::new());
    for document in &documents {
        let kind = document.name.split('_').next().unwrap();
        let within = put_within(&emulator, &owner, document).await;
        match (kind, within.status) {
            ("y", 200) | ("n", 400) | ("i", 200 | 400) => {}
            (_, status) => wrong.push(format!("{} in a device: {status} {}", document.name, within.body)),
        }
        if kind != "n" {
            continue;
        }
        for (method, target, credential) in &readers {
            let reply = emulator.call_with(method, target, credential, &[], document.text.clone()).await;
            // A body larger than a digital twin may be is refused by its size.
            let by_size = reply.status == 413 && target.contains("digitaltwins");
            if reply.status != 400 && !by_size {
                wrong.push(format!("{} at {method} {target}: {} {}", document.name, reply.status, reply.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(emulator.call("GET", known, &owner, Value::Null).await.status, 200);
}

/// Makes a device with the document as a member that nobody reads; it is removed again where it was made.
async fn put_within(emulator: &TestEmulator, owner: &Credential, document: &Document) -> Reply {
    let body = [&b"{\"deviceId\":\"suite\",\"more\":"[..], &document.text, &b"}"[..]].concat();
    let reply = emulator.call_with("PUT", DEVICE, owner, &[], body).await;
    let removed = emulator.call_with("DELETE", DEVICE, owner, &[("if-match", "*")], "").await;
    assert_eq!(removed.status == 204, reply.status == 200, "{}: {}", document.name, removed.body);
    reply
}

#[test]
fn an_archive_is_unpacked_file_by_file() {
    let entry = |name: &str, kind: u8, text: &[u8]| {
        let mut head = vec![0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
        head[156] = kind;
        [head, text.to_vec(), vec![0; text.len().next_multiple_of(512) - text.len()]].concat()
    };
    let archive = [
        entry("folder/", b'5', b""),
        entry("folder/y_a.json", b'0', b"[]"),
        entry("folder/n_b.json", b'0', &[b'['; 600]),
        vec![0; 1024],
    ]
    .concat();
    let found: Vec<_> = unpack(&archive).into_iter().map(|document| (document.name, document.text.len())).collect();
    assert_eq!(found, [("y_a.json".to_owned(), 2), ("n_b.json".to_owned(), 600)]);
}
