//! The fixed topics of the hub: what a client may publish to and subscribe to, and what the hub publishes.
//!
//! Source: the topic table of the hub's MQTT documentation, and the topics that the Python, Node, .NET and Java SDKs use.
//! Anything else closes the connection, as the hub does.

pub(crate) mod bag;
mod filter;
mod inbound;
mod outbound;

pub(crate) use filter::Filter;
pub(crate) use inbound::Inbound;
pub(crate) use outbound::{desired_topic, device_bound_topic, method_topic, twin_answer_topic};

use percent_encoding::{percent_decode_str, utf8_percent_encode};

/// The branch of topics that is an identity's own: `devices/{id}`, or `devices/{id}/modules/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    path: Box<str>,
    device_length: u16,
}

impl Branch {
    /// The branch of a device or module.
    pub(crate) fn new(device_id: &str, module_id: Option<&str>) -> Self {
        let path = match module_id {
            None => format!("devices/{device_id}"),
            Some(module_id) => format!("devices/{device_id}/modules/{module_id}"),
        };
        // A device's id came in a text of at most 65,535 bytes.
        Self { path: path.into(), device_length: u16::try_from(device_id.len()).unwrap_or(u16::MAX) }
    }

    /// As written by the hub.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// As the SDKs write it that encode ids.
    pub(crate) fn encoded(&self) -> String {
        let encoded = |id| utf8_percent_encode(id, bag::ENCODED);
        match self.module_id() {
            None => format!("devices/{}", encoded(self.device_id())),
            Some(module_id) => format!("devices/{}/modules/{}", encoded(self.device_id()), encoded(module_id)),
        }
    }

    /// The device's id.
    pub(crate) fn device_id(&self) -> &str {
        &self.path["devices/".len()..][..usize::from(self.device_length)]
    }

    /// The module's id.
    pub(crate) fn module_id(&self) -> Option<&str> {
        self.path.get("devices/".len() + usize::from(self.device_length) + "/modules/".len()..)
    }

    /// What follows the branch in `topic`, and the branch as `topic` spells it: the SDKs write ids as they are or
    /// percent-encoded.
    pub(crate) fn strip<'a>(&self, topic: &'a str) -> Option<(&'a str, &'a str)> {
        if let Some(rest) = topic.strip_prefix(&*self.path).filter(|rest| rest.starts_with('/')) {
            return Some((&topic[..self.path.len()], rest));
        }
        let mut rest = topic;
        for wanted in self.path.split('/') {
            let (level, after) = rest.split_once('/')?;
            if percent_decode_str(level).decode_utf8().ok()? != wanted {
                return None;
            }
            rest = after;
        }
        let branch = topic.len() - rest.len() - 1;
        Some((&topic[..branch], &topic[branch..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_knows_its_device_and_its_module() {
        let branch = Branch::new("dev1", Some("mod1"));
        assert_eq!((branch.device_id(), branch.module_id()), ("dev1", Some("mod1")));
        assert_eq!(Branch::new("dev1", None).module_id(), None);
    }

    #[test]
    fn an_id_may_be_spelled_encoded() {
        let branch = Branch::new("a#b@c", None);
        assert_eq!(branch.strip("devices/a%23b%40c/messages"), Some(("devices/a%23b%40c", "/messages")));
        assert_eq!(branch.strip("devices/a%23b@c/x"), Some(("devices/a%23b@c", "/x")));
        assert_eq!(branch.strip("devices/a%23b/x"), None);
        assert_eq!(branch.encoded(), "devices/a%23b%40c");
        assert_eq!(Branch::new("a b", Some("$edgeHub")).encoded(), "devices/a%20b/modules/%24edgeHub");
    }

    #[test]
    fn another_id_with_the_same_beginning_is_another_branch() {
        let branch = Branch::new("dev1", None);
        assert_eq!(branch.strip("devices/dev10/messages"), None);
        assert_eq!(branch.strip("devices/dev1"), None);
        assert_eq!(branch.strip("devices/DEV1/messages"), None);
        assert_eq!(branch.strip("devices"), None);
    }
}
