//! Floors and load for `scripts/bench`. No part of the product.
//!
//! `floor` is the least that any server of this kind must do: hyper and rustls answering fixed bytes, or verifying one RSA
//! signature first. `log` is the least that durability costs: one write and one fdatasync for all who wait. `load` is a
//! closed loop of keep-alive HTTPS requests. `timing` looks for what the time of a signature's check tells.

mod floor;
mod load;
mod log;
mod timing;
mod tls;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Floors and load for benchmarks; loopback only, bounded in time.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A bare hyper and rustls server that answers fixed bytes.
    Floor(floor::Floor),
    /// A closed loop of HTTPS requests over keep-alive connections.
    Load(load::Load),
    /// A bare log with group commit.
    Log(log::Log),
    /// Whether the time of a signature's check tells anything of it.
    Timing(timing::Timing),
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Floor(floor) => floor::run(&floor),
        What::Load(load) => load::run(&load),
        What::Log(log) => log::run(&log),
        What::Timing(timing) => timing::run(&timing),
    }
}

/// Prints the one line of a measurement, as JSON.
#[expect(clippy::print_stdout, reason = "the measurement is what the command is for")]
fn report(line: &serde_json::Value) {
    println!("{line}");
}
