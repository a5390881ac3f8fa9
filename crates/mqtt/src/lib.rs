//! MQTT 3.1.1 as IoT Hub speaks it.
//!
//! Called by `server`, which brings a stream (TLS, or a WebSocket as a byte stream) and a door; depends on no service. Bytes
//! become packets in [`codec`], packets become what a device wants in `session`, which does no I/O, and `connection` carries
//! it out. IoT Hub is no broker: fixed topics, no fan-out, nothing retained, no QoS 2.
//!
//! Sources: OASIS MQTT 3.1.1 (clauses are quoted by number beside the checks), "Communicate with your IoT hub using the
//! MQTT protocol" of the IoT Hub documentation, and what the device SDKs send and expect.

pub mod codec;
mod connection;
mod limits;
mod session;
#[cfg(test)]
mod testing;
mod topic;
mod user_name;

pub use connection::{Context, serve};
pub use limits::Limits;
