//! Links of back ends over AMQP: sending to devices, and reading the events of a hub or of an entity that it routes to.
//!
//! The door (in the wiring) decides each link as an operation and then calls here with the permit; the wire crate drives
//! what comes of it. Receivers of notices are `notifications`'.

pub mod connect;
pub mod entity;
mod management;
pub mod read_events;
mod reader;
mod readers;
pub mod receive_file_notifications;
pub mod send_to_device;
mod sender;

#[cfg(test)]
mod tests;

pub use entity::EventEntity;
pub use reader::{OpenedReader, Reading};

pub(crate) use readers::ReaderBook;
