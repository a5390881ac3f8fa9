//! Spoilt conversations: the server ends each politely or serves on, and never panics. The seeds are fixed, so that a
//! failure comes back; `cargo run -p iolite-amqp --example spoil` tries more of them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod client;
mod doors;
mod spoilt;

const ROUNDS: u64 = 600;

#[tokio::test]
async fn a_spoilt_conversation_breaks_nothing() {
    let (answered, events) = spoilt::have(0).await.unwrap();
    assert!(answered > 500 && events == 1, "the good conversation is answered");
    let mut served = 0;
    for seed in 1..ROUNDS {
        served += spoilt::have(seed).await.expect("the server panicked").1;
    }
    assert!(served > 60, "some of them get as far as telemetry: {served}");
}
