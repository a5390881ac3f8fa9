//! Tries spoilt conversations without end, or as many as the first argument says, from the seed of the second; it stops at
//! the first that breaks the server, and says its seed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "an example may")]

#[path = "../tests/client/mod.rs"]
mod client;
#[path = "../tests/doors/mod.rs"]
mod doors;
#[path = "../tests/spoilt/mod.rs"]
mod spoilt;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let rounds: u64 = arguments.next().unwrap_or(u64::MAX);
    let first: u64 = arguments.next().unwrap_or(1);
    for seed in first..first.saturating_add(rounds) {
        if let Err(error) = spoilt::have(seed).await {
            eprintln!("seed {seed}: {error}");
            std::process::exit(1);
        }
    }
    eprintln!("{rounds} conversations, and the server still stands");
}
