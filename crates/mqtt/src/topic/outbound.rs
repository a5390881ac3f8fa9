//! The topics that the hub publishes to.

use iolite_messaging::{Message, SystemName};
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::bag;

/// `$iothub/twin/res/{status}/?$rid={rid}[&$version={version}]`, with the request's id as it came.
pub(crate) fn twin_answer_topic(status: u16, rid: &str, version: Option<u64>) -> String {
    match version {
        None => format!("$iothub/twin/res/{status}/?$rid={rid}"),
        Some(version) => format!("$iothub/twin/res/{status}/?$rid={rid}&$version={version}"),
    }
}

/// `$iothub/twin/PATCH/properties/desired/?$version={version}`.
pub(crate) fn desired_topic(version: u64) -> String {
    format!("$iothub/twin/PATCH/properties/desired/?$version={version}")
}

/// What a method's name cannot hold in a topic. A component's command is named `component*command`, and the Node SDK reads
/// the name as it stands.
const IN_METHOD: &AsciiSet = &bag::ENCODED.remove(b'*').remove(b'!').remove(b'\'').remove(b'(').remove(b')');

/// `$iothub/methods/POST/{name}/?$rid={rid}`.
pub(crate) fn method_topic(name: &str, rid: &str) -> String {
    format!("$iothub/methods/POST/{}/?$rid={rid}", utf8_percent_encode(name, IN_METHOD))
}

/// `{branch}/messages/devicebound/{bag}`, or `{branch}/inputs/{input}/{bag}` for a module's input.
pub(crate) fn device_bound_topic(branch: &str, message: &Message) -> String {
    let mut topic = match message.system(SystemName::InputName) {
        None => format!("{branch}/messages/devicebound/"),
        Some(input) => format!("{branch}/inputs/{}/", utf8_percent_encode(input, bag::ENCODED)),
    };
    bag::write(message, &mut topic);
    topic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_a_device_carries_its_properties_in_the_topic() {
        let mut message = Message::of("x");
        message.set_system(SystemName::MessageId, "m1");
        message.set_system(SystemName::To, "/devices/d/messages/deviceBound");
        message.set_system(SystemName::Ack, "full");
        message.properties = vec![("k".into(), None), ("a b".into(), Some("ü".into()))];
        assert_eq!(
            device_bound_topic("devices/d", &message),
            "devices/d/messages/devicebound/%24.mid=m1&%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound&iothub-ack=full&k&\
             a%20b=%C3%BC"
        );
    }

    #[test]
    fn a_modules_input_is_part_of_the_topic() {
        let mut message = Message::of("x");
        message.set_system(SystemName::InputName, "in/1");
        assert_eq!(device_bound_topic("devices/d/modules/m", &message), "devices/d/modules/m/inputs/in%2F1/");
    }

    #[test]
    fn a_methods_name_stays_one_level() {
        assert_eq!(method_topic("re/boot", "7"), "$iothub/methods/POST/re%2Fboot/?$rid=7");
        assert_eq!(method_topic("part*reboot", "7"), "$iothub/methods/POST/part*reboot/?$rid=7");
        assert_eq!(twin_answer_topic(204, "r1", Some(3)), "$iothub/twin/res/204/?$rid=r1&$version=3");
        assert_eq!(desired_topic(9), "$iothub/twin/PATCH/properties/desired/?$version=9");
    }
}
