//! Emulators and resources by the dozen: each at its own origin, with its own keys, clock and state, from the ready file to
//! the last copy.

#![expect(clippy::unwrap_used, reason = "a test may")]

#[cfg(target_os = "linux")]
mod bound;
mod clock;
mod control;
mod keys;
mod names;
mod origins;
mod plant;
mod provisioning;
mod ready_file;
mod refusals;
mod reset;
mod runtime;
mod side_by_side;
mod snapshots;
