//! Project Wycheproof's vectors against this crate's own verifiers: HMAC-SHA256, RSA signatures, JSON web signatures
//! and keys.
//!
//! The vectors are not part of the repository. They are read from the directory `conformance/vectors` below the one that
//! `IOLITE_SHARED` names; without it each test says so and has checked nothing, as its name allows.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be read must fail the test")]

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use iolite_identity::PublicKey;
use iolite_identity::sas::mac_matches;
use iolite_identity::token::verify_compact;
use serde_json::Value;

/// The vectors named `name`, or nothing where none are at hand.
fn vectors(name: &str) -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "the vectors are outside the repository")]
    let Ok(shared) = std::env::var("IOLITE_SHARED") else {
        #[expect(clippy::print_stdout, reason = "whoever looks must see that nothing was checked")]
        {
            println!("IOLITE_SHARED is not set: the Wycheproof vectors {name} were NOT run");
        }
        return None;
    };
    let mut path = PathBuf::from(shared);
    path.push("conformance/vectors");
    path.push(format!("wycheproof-{name}_test.json.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_reader(GzDecoder::new(file)).unwrap())
}

/// Every test of the vectors with its group.
fn each(vectors: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = vectors["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
}

fn bytes(hexadecimal: &Value) -> Vec<u8> {
    let text = hexadecimal.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// How many tests were run, and how many of them were accepted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    run: usize,
    accepted: usize,
}

impl Tally {
    fn check(&mut self, test: &Value, accepted: bool, expected: bool) {
        assert_eq!(accepted, expected, "tcId {}: {} ({})", test["tcId"], test["comment"], test["result"]);
        self.run += 1;
        self.accepted += usize::from(accepted);
    }
}

#[test]
fn hmac_vectors_hold_where_they_are_at_hand() {
    let Some(vectors) = vectors("hmac_sha256") else { return };
    let mut tally = Tally::default();
    for (group, test) in each(&vectors) {
        let accepted = mac_matches(&bytes(&test["key"]), &[&bytes(&test["msg"])], &bytes(&test["tag"]));
        // A shortened code is valid for Wycheproof; shared access signatures have whole ones only.
        let expected = test["result"] == "valid" && group["tagSize"] == 256;
        tally.check(test, accepted, expected);
    }
    assert_eq!(tally.run, 174);
    assert!(tally.accepted > 20, "{tally:?}");
}

#[test]
fn rsa_vectors_hold_where_they_are_at_hand() {
    let Some(vectors) = vectors("rsa_signature_2048_sha256") else { return };
    let mut tally = Tally::default();
    for (group, test) in each(&vectors) {
        let key = PublicKey::from_jwk(&group["keyJwk"]).unwrap();
        let accepted = key.verifies(&bytes(&test["msg"]), &bytes(&test["sig"]));
        // `acceptable` are signatures that leave out the NULL of the algorithm: we are strict.
        tally.check(test, accepted, test["result"] == "valid");
    }
    assert_eq!(tally.run, 259);
    assert!(tally.accepted > 5, "{tally:?}");
}

#[test]
fn json_web_signature_vectors_hold_where_they_are_at_hand() {
    let Some(vectors) = vectors("json_web_signature") else { return };
    let tally = run_jws(&vectors);
    assert_eq!(tally.run, 401);
    assert!(tally.accepted >= 8, "{tally:?}");
}

#[test]
fn json_web_key_vectors_hold_where_they_are_at_hand() {
    let Some(vectors) = vectors("json_web_key") else { return };
    let tally = run_jws(&vectors);
    assert_eq!(tally.run, 26);
    assert_eq!(tally.accepted, 1, "the one valid set with a key for RS256");
}

/// Runs every token against the keys of its group that are for RS256: what is valid and signed so must be accepted,
/// everything else refused, a valid signature by another algorithm included.
fn run_jws(vectors: &Value) -> Tally {
    let mut tally = Tally::default();
    for (group, test) in each(vectors) {
        let public = group.get("public").unwrap_or(&group["private"]);
        let listed = public.get("keys").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![public.clone()]);
        let keys: HashMap<String, PublicKey> = listed
            .iter()
            .filter_map(|jwk| Some((jwk["kid"].as_str()?.to_owned(), PublicKey::from_jwk(jwk).ok()?)))
            .collect();
        let accepted = verify_compact(test["jws"].as_str().unwrap(), |kid| keys.get(kid)).is_ok();
        let is_ours = listed.iter().any(|jwk| jwk["alg"] == "RS256");
        tally.check(test, accepted, test["result"] == "valid" && is_ours);
    }
    tally
}
