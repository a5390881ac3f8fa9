//! AMQP 1.0 as the emulated services speak it.
//!
//! `codec` knows the bytes, `engine` the protocol, both without I/O; `service` is the hub's and Event Hubs' face on them:
//! `$cbs`, device links, service links, `$management`. [`serve`] drives one connection over any byte stream. Called by
//! `server`'s listeners; knows the hub only through the doors of `iolite-messaging`.

pub mod codec;
mod driver;
pub mod engine;
pub mod frame;
mod limits;
pub mod sasl;
mod service;

pub use driver::{Context, serve};
pub use limits::Limits;
