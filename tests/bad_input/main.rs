//! Bad input of every kind, over the wire: it gets the service's own clear refusal, changes nothing, and harms nobody
//! else. The modules follow the rows of the adversary's matrix.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod authorities;
mod conditions;
mod crowd;
mod framing;
mod ground;
mod handshakes;
mod json;
mod lasting;
mod limits;
mod names;
mod patience;
#[cfg(target_os = "linux")]
mod promise;
#[cfg(target_os = "linux")]
mod reconnect;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod scarcity;
mod signatures;
mod tokens;
mod trust;
mod wires;
