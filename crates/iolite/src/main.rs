//! The command `iolite`: reads the command line and the environment, calls the server crate or a running emulator's
//! control API, and prints.
//!
//! Called by people, scripts and test harnesses. It holds no rule of any service: what it knows is how to be asked and
//! how to answer. It is the only crate that reads the environment and the only one that prints.

mod banner;
mod cli;
mod commands;
mod console;
mod control;
mod duration;
mod emulator;
mod exchange;
mod failure;
mod global;
mod logging;
mod options;
mod shell;
mod signals;
mod surroundings;
mod table;
mod variables;

use std::process::ExitCode;

/// How many tasks of its own queue a worker runs before it takes one from the queue that all share. Ready tasks beyond a
/// worker's 256 go to the shared one, so with a thousand busy devices a rarer turn lets some wait twenty times longer than
/// others (measured: a 99th percentile of 300 ms against 88).
const TURN: u32 = 8;

fn main() -> ExitCode {
    let cli = match variables::read(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().global_queue_interval(TURN).build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let outcome = runtime.block_on(cli.run());
    // A read of standard input may still be waiting on its own thread: nobody waits for it.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| failure::report(&error))
}
