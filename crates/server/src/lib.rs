//! The house put together.
//!
//! Called by the command line and by tests: [`Emulator::start`] reads a world, opens the store, takes ports, joins every
//! service behind one pipeline and serves it. Listeners, certificates, host routing, the control API and composition are
//! here, and no service's rules.

mod accept;
mod control;
mod descriptors;
mod doors;
mod emulator;
mod front;
mod gateway;
mod house;
mod hub_events;
mod issuer_key;
mod locator;
mod origins;
mod ports;
mod ready;
mod rehearsal;
mod settings;
mod storage_tokens;
mod tls;
mod web_socket;
mod wires;
mod world;

pub use emulator::Emulator;
pub use house::{operations, session_operations};
pub use ports::{PortError, Ports};
pub use ready::{SIGN_IN_VARIABLES, environment, usual_principal};
pub use settings::{Settings, StartError, WellKnownKeys};
pub use world::{WorldError, WorldFile, json_schema as world_schema, parse as parse_world, read as read_world};
