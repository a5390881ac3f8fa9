//! A message, whichever way it travels: a body, the properties the system knows, and the application's own.

use bytes::Bytes;

/// A message between a device or module, the hub and a back end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The payload as sent.
    pub body: Bytes,
    /// The properties the system gives a meaning to, each at most once, in the order set.
    pub system: Vec<(SystemName, Box<str>)>,
    /// The application's properties in the order sent. A name without a value is possible over MQTT.
    pub properties: Vec<(Box<str>, Option<Box<str>>)>,
}

/// A property with a meaning of its own. Each protocol spells it its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SystemName {
    /// `message-id`, MQTT `$.mid`.
    MessageId = 1,
    /// `correlation-id`, MQTT `$.cid`.
    CorrelationId = 2,
    /// `user-id`, MQTT `$.uid`.
    UserId = 3,
    /// The destination, `to`, MQTT `$.to`.
    To = 4,
    /// When it is no longer wanted, RFC 3339; `absolute-expiry-time`, MQTT `$.exp`.
    Expiry = 5,
    /// `content-type`, MQTT `$.ct`.
    ContentType = 6,
    /// `content-encoding`, MQTT `$.ce`.
    ContentEncoding = 7,
    /// When the device says it was made, RFC 3339; MQTT `$.ctime`, AMQP `iothub-creation-time-utc`.
    CreationTime = 8,
    /// `none`, `positive`, `negative` or `full`; `iothub-ack` everywhere.
    Ack = 9,
    /// `iothub-message-schema`, MQTT `$.schema`.
    MessageSchema = 10,
    /// The output of a module, MQTT `$.on`, AMQP `iothub-outputname`.
    OutputName = 11,
    /// `iothub-interface-id`, MQTT `$.ifid`.
    InterfaceId = 12,
    /// The component it is from, `dt-subject`, MQTT `$.sub`.
    Component = 13,
    /// The model it follows, `dt-dataschema`; set by the hub.
    DataSchema = 14,
    /// `iothub-operation`.
    Operation = 15,
    /// `iothub-MessageType`, set by the hub (`Will`).
    MessageType = 16,
    /// MQTT `$.diagid`.
    DiagnosticId = 17,
    /// MQTT `$.diagctx`.
    DiagnosticContext = 18,
    /// The input of a module, `x-opt-input-name`.
    InputName = 19,
    /// MQTT `$.cdid`: the device that the sender speaks for.
    ConnectionDeviceId = 20,
    /// MQTT `$.cmid`: the module that the sender speaks for.
    ConnectionModuleId = 21,
}

impl SystemName {
    /// Every name.
    pub const ALL: [Self; 21] = [
        Self::MessageId,
        Self::CorrelationId,
        Self::UserId,
        Self::To,
        Self::Expiry,
        Self::ContentType,
        Self::ContentEncoding,
        Self::CreationTime,
        Self::Ack,
        Self::MessageSchema,
        Self::OutputName,
        Self::InterfaceId,
        Self::Component,
        Self::DataSchema,
        Self::Operation,
        Self::MessageType,
        Self::DiagnosticId,
        Self::DiagnosticContext,
        Self::InputName,
        Self::ConnectionDeviceId,
        Self::ConnectionModuleId,
    ];

    /// The number it has in a stored event.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name of that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.number() == number)
    }
}

impl Message {
    /// A message with nothing but a body.
    pub fn of(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// The system property `name`.
    #[must_use]
    pub fn system(&self, name: SystemName) -> Option<&str> {
        self.system.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Sets the system property `name`, replacing what it was.
    pub fn set_system(&mut self, name: SystemName, value: impl Into<Box<str>>) {
        let value = value.into();
        match self.system.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.system.push((name, value)),
        }
    }

    /// The value of the application property `name`, compared with case; `None` where it is absent or has no value.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| **known == *name).and_then(|(_, value)| value.as_deref())
    }

    /// Its size as the hub counts it: the body, and the bytes of every name and value.
    #[must_use]
    pub fn size(&self) -> usize {
        let system: usize = self.system.iter().map(|(_, value)| value.len()).sum();
        let properties: usize = self
            .properties
            .iter()
            .map(|(name, value)| name.len() + value.as_ref().map_or(0, |value| value.len()))
            .sum();
        self.body.len() + system + properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_number_of_its_own() {
        for name in SystemName::ALL {
            assert_eq!(SystemName::from_number(name.number()), Some(name));
        }
        assert_eq!(SystemName::from_number(0), None);
    }

    #[test]
    fn a_system_property_is_set_once() {
        let mut message = Message::of("x");
        message.set_system(SystemName::MessageId, "1");
        message.set_system(SystemName::MessageId, "2");
        assert_eq!(message.system, vec![(SystemName::MessageId, "2".into())]);
        assert_eq!(message.size(), 2);
    }
}
