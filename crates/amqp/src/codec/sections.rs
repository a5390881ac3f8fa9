//! The two sections of a message that are composites (part 3, sections 3.2.1 and 3.2.4).

use bytes::Bytes;

use super::composite::composite;
use super::value::{Symbol, Value};

composite! {
    /// How a message is to be delivered.
    Header = 0x70 {
        /// Whether it must outlive a restart.
        durable: Option<bool>,
        /// 0 to 9.
        priority: Option<u8>,
        /// Milliseconds it lives.
        ttl: Option<u32>,
        /// Whether nobody had it before.
        first_acquirer: Option<bool>,
        /// How often it was tried before.
        delivery_count: Option<u32>,
    }
}

composite! {
    /// A message's own properties.
    Properties = 0x73 {
        /// Its id: ulong, uuid, binary or string.
        message_id: Value,
        /// Who it is from.
        user_id: Option<Bytes>,
        /// Where it goes.
        to: Option<Box<str>>,
        /// What it is about.
        subject: Option<Box<str>>,
        /// Where an answer goes.
        reply_to: Option<Box<str>>,
        /// What it answers: the type of the id it echoes.
        correlation_id: Value,
        /// The body's media type.
        content_type: Option<Symbol>,
        /// The body's encoding.
        content_encoding: Option<Symbol>,
        /// When it is no longer wanted, milliseconds since 1970.
        absolute_expiry_time: Option<i64>,
        /// When it was made, milliseconds since 1970.
        creation_time: Option<i64>,
        /// Its group.
        group_id: Option<Box<str>>,
        /// Its place in the group.
        group_sequence: Option<u32>,
        /// The group of an answer.
        reply_to_group_id: Option<Box<str>>,
    }
}
