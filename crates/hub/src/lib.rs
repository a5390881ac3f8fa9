//! IoT Hub: device and module identities, their twins, queries over them, configurations, and direct methods.
//!
//! One file is one operation: `devices/get.rs` holds `Devices_GetIdentity`. The wire crates run operations on a [`Hub`]
//! with a permit; the tables behind it are written here and nowhere else. It knows no protocol, decides no permission, and
//! touches no other service.

#![expect(clippy::unused_async, reason = "every operation's `run` has one shape, whether it waits for anything or not")]

mod authentication;
mod background;
pub mod blobs;
mod body;
pub mod c2d;
mod collection;
mod configuration;
pub mod configurations;
mod contents;
mod device;
pub mod devices;
mod document;
mod doomed_streams;
mod edge;
pub mod errors;
mod etag;
pub mod event_grid;
pub mod feedback;
pub mod files;
mod hub;
mod ids;
pub mod jobs;
mod json_text;
mod keys;
pub mod methods;
mod module;
pub mod module_twins;
pub mod modules;
mod moment;
mod news;
pub mod notifications;
mod operations;
pub mod outbound;
mod outbox;
pub mod pnp;
mod registry;
pub mod routing;
pub mod service_links;
pub mod sessions;
pub mod statistics;
pub mod telemetry;
mod throttles;
mod twin;
pub mod twins;
mod versions;

#[cfg(test)]
mod fixture;

pub use authentication::{AuthenticationType, Credentials};
pub use configuration::Configuration;
pub use device::Device;
pub use document::Doc;
pub use hub::Hub;
pub use ids::LONGEST_ID;
pub use module::Module;
pub use operations::{handlers, refused, session_operations};
pub use twin::Twin;
