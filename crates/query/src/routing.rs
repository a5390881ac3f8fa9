//! The condition language of message routes.
//!
//! Called by the hub's routing, which compiles a route's condition once and asks it of every message, and by the
//! management operations that test routes. Source: iot-hub-devguide-routing-query-syntax (2022) and the functions of
//! iot-hub-devguide-query-language; where those are silent, what the routing core of IoT Edge shows of the service's own
//! grammar (Azure/iotedge, edge-hub tests, 2018 to 2021). What stays open is in `docs/quirks.md`. It knows no message:
//! a [`Subject`] answers for one.

mod compile;
mod condition;
mod dialect;
mod kind;
mod lookup;
mod names;

pub use compile::{CompileError, Place};
pub use condition::{Condition, LONGEST_CONDITION, Verdict};
pub use lookup::Subject;

#[cfg(test)]
mod tests;
