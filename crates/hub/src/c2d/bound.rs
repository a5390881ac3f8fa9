//! A waiting cloud-to-device message, as it is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::Timestamp;
use iolite_messaging::{Message, SystemName};
use iolite_store::Record;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A waiting message; keyed by its identity's key, a slash more for a device, and its sequence number, so that queues of
/// devices and of modules lie apart and in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bound {
    /// Its place in the queue; later messages have larger ones.
    pub sequence_number: u64,
    /// The message.
    #[serde(serialize_with = "write_message", deserialize_with = "read_message")]
    pub message: Message,
    /// When it was sent.
    pub enqueued_at: Timestamp,
    /// When it is no longer wanted.
    pub expires_at: Timestamp,
    /// How often it was given back.
    #[serde(default)]
    pub delivery_count: u32,
}

impl Record for Bound {
    const COLLECTION: &'static str = "hub.device-bound";
}

/// Which outcomes the sender wants to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ack {
    /// None.
    None,
    /// That it was completed.
    Positive,
    /// That it came to nothing.
    Negative,
    /// Either.
    Full,
}

impl Ack {
    /// `iothub-ack` as sent; `None` where it is no such word.
    pub(crate) fn read(text: Option<&str>) -> Option<Self> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Some(Self::None) };
        [("none", Self::None), ("positive", Self::Positive), ("negative", Self::Negative), ("full", Self::Full)]
            .into_iter()
            .find(|(word, _)| text.eq_ignore_ascii_case(word))
            .map(|(_, ack)| ack)
    }

    /// Whether the sender wants to hear of success (`true`) or failure.
    pub(crate) const fn wants(self, success: bool) -> bool {
        match self {
            Self::None => false,
            Self::Positive => success,
            Self::Negative => !success,
            Self::Full => true,
        }
    }
}

impl Bound {
    /// Which outcomes its sender wants to hear of.
    pub(crate) fn ack(&self) -> Ack {
        Ack::read(self.message.system(SystemName::Ack)).unwrap_or(Ack::None)
    }

    /// The key it is kept under, in the queue of the identity under `key`.
    pub(crate) fn key(&self, key: &str) -> String {
        format!("{}{:020}", queue_of(key), self.sequence_number)
    }
}

/// What the keys of the messages for the identity under `key` begin with.
pub(crate) fn queue_of(key: &str) -> String {
    let device = key.bytes().filter(|byte| *byte == b'/').count() == 1;
    format!("{key}/{}", if device { "/" } else { "" })
}

/// The key of the identity that a waiting message's key belongs to.
pub(crate) fn owner_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(queue, _)| queue.strip_suffix('/').unwrap_or(queue))
}

/// A message as JSON: the body as base64, a system property by its number.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    body: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    system: Vec<(u8, Box<str>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<(Box<str>, Option<Box<str>>)>,
}

fn write_message<S: Serializer>(message: &Message, serializer: S) -> Result<S::Ok, S::Error> {
    let kept = Kept {
        body: STANDARD.encode(&message.body),
        system: message.system.iter().map(|(name, value)| (name.number(), value.clone())).collect(),
        properties: message.properties.clone(),
    };
    kept.serialize(serializer)
}

fn read_message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Message, D::Error> {
    let kept = Kept::deserialize(deserializer)?;
    let body = STANDARD.decode(kept.body).map_err(serde::de::Error::custom)?;
    let known = |(number, value)| SystemName::from_number(number).map(|name| (name, value));
    Ok(Message {
        body: body.into(),
        system: kept.system.into_iter().filter_map(known).collect(),
        properties: kept.properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_kept_whole() {
        let mut message = Message::of(vec![0, 255, 7]);
        message.set_system(SystemName::Ack, "full");
        message.properties = vec![("a".into(), Some("1".into())), ("b".into(), None)];
        let at = Timestamp::UNIX_EPOCH;
        let bound = Bound { sequence_number: 7, message, enqueued_at: at, expires_at: at, delivery_count: 2 };
        let text = serde_json::to_string(&bound).unwrap();
        assert_eq!(serde_json::from_str::<Bound>(&text).unwrap(), bound);
        assert_eq!(bound.ack(), Ack::Full);
    }

    #[test]
    fn the_queues_of_a_device_and_of_its_modules_lie_apart() {
        assert!(!queue_of("hub/dev1/mod1").starts_with(&queue_of("hub/dev1")));
        assert_eq!(owner_of(&format!("{}1", queue_of("hub/dev1"))), "hub/dev1");
        assert_eq!(owner_of(&format!("{}1", queue_of("hub/dev1/mod1"))), "hub/dev1/mod1");
    }

    #[test]
    fn a_sender_hears_of_what_it_asked_for() {
        assert!(Ack::Positive.wants(true) && !Ack::Positive.wants(false));
        assert!(Ack::Negative.wants(false) && !Ack::None.wants(false) && Ack::Full.wants(true));
        assert_eq!(Ack::read(Some("FULL")), Some(Ack::Full));
        assert_eq!(Ack::read(Some("maybe")), None);
    }
}
