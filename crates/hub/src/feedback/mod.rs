//! Operations over feedback on cloud-to-device messages.

pub mod abandon;
pub mod complete;
pub mod receive;

#[cfg(test)]
mod tests;
