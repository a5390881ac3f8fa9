//! What the fuzzer does with its bytes, target by target: called by `fuzz_targets/`, and by the test below with the seeds.
//!
//! Each target breaks where something panics, never ends, or says what it must not say.

#![forbid(unsafe_code)]

pub mod amqp_codec;
pub mod amqp_connection;
pub mod amqp_engine;
pub mod credentials;
pub mod mqtt_connection;
pub mod mqtt_packet;
pub mod queries;
mod script;
pub mod seeds;

pub use script::Script;

// The hub in memory of the AMQP crate's own tests, and the conversation that they spoil.
#[path = "../../crates/amqp/tests/client/mod.rs"]
mod client;
#[path = "../../crates/amqp/tests/doors/mod.rs"]
mod doors;
#[expect(dead_code, reason = "spoiling is the fuzzer's part here")]
#[path = "../../crates/amqp/tests/spoilt/mod.rs"]
mod spoilt;

/// A target's name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("mqtt_packet", mqtt_packet::try_on),
    ("mqtt_connection", mqtt_connection::try_on),
    ("amqp_codec", amqp_codec::try_on),
    ("amqp_engine", amqp_engine::try_on),
    ("amqp_connection", amqp_connection::try_on),
    ("credentials", credentials::try_on),
    ("queries", queries::try_on),
];

/// Runs a conversation on a clock that jumps to the next deadline as soon as nobody has anything to do.
fn on_a_patient_clock(conversation: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let patience = std::time::Duration::from_secs(24 * 3600);
        assert!(tokio::time::timeout(patience, conversation).await.is_ok(), "the connection never ends");
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{TARGETS, seeds};

    #[test]
    fn every_target_has_seeds_and_stands_them() {
        for (name, try_on) in TARGETS {
            let seeds: Vec<_> = seeds::all().into_iter().filter(|(target, ..)| *target == name).collect();
            assert!(!seeds.is_empty(), "{name} has no seed");
            for (_, _, bytes) in seeds {
                try_on(&bytes);
            }
        }
    }

    #[test]
    fn the_seeds_are_as_they_are_written_now() {
        for (target, name, bytes) in seeds::all() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target).join(&name);
            assert_eq!(std::fs::read(file).expect("a seed"), bytes, "{target}/{name}: cargo run --example seeds");
        }
    }
}
