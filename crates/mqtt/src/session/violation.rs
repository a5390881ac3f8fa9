//! Why a connection ends without an answer.

use std::fmt;

use crate::codec::Malformed;

/// What a client did that ends its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Its bytes are not MQTT 3.1.1.
    Malformed(Malformed),
    /// Its first packet is not CONNECT (MQTT-3.1.0-1).
    NotConnect,
    /// It sent CONNECT twice (MQTT-3.1.0-2).
    SecondConnect,
    /// It published at QoS 2.
    ExactlyOnce,
    /// It published to a topic that is not one of the hub's for it.
    UnknownTopic(Box<str>),
    /// It subscribed to a filter that is not one of the hub's for it.
    UnknownFilter(Box<str>),
    /// Its property bag cannot be read.
    BadBag,
    /// It has more subscriptions than the hub allows.
    Subscriptions,
}

impl From<Malformed> for Violation {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => write!(formatter, "malformed packet: {malformed}"),
            Self::NotConnect => formatter.write_str("the first packet is not CONNECT (MQTT-3.1.0-1)"),
            Self::SecondConnect => formatter.write_str("a second CONNECT (MQTT-3.1.0-2)"),
            Self::ExactlyOnce => formatter.write_str("QoS 2, which the hub does not speak"),
            Self::UnknownTopic(topic) => write!(formatter, "no topic of the hub's: {}", Shown(topic)),
            Self::UnknownFilter(filter) => write!(formatter, "no topic filter of the hub's: {}", Shown(filter)),
            Self::BadBag => formatter.write_str("the property bag is not percent-encoded UTF-8, or a name is empty"),
            Self::Subscriptions => formatter.write_str("more than five subscriptions"),
        }
    }
}

/// A client's text in the log: quoted, escaped and cut.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(160).map_or(self.0.len(), |(end, _)| end);
        write!(formatter, "{:?}", &self.0[..end])
    }
}
