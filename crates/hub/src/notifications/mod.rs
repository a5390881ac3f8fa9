//! Notices to the back end: feedback on cloud-to-device messages, and word of finished uploads.
//!
//! Two queues of each hub, kept in the store. Written by `c2d` and `files`; read by the service's receivers, over AMQP through
//! [`iolite_messaging::NoticeReceiver`] and over HTTPS through [`crate::Hub::take_notice`]. Who takes a notice holds it under a
//! lock until it is settled or the lock ends. No protocol is known here.

mod queue;
mod receiver;
mod record;
mod settings;

pub use queue::NoticeQueue;
pub(crate) use queue::Notices;
pub use record::NoticeRecord;
pub(crate) use settings::duration;
