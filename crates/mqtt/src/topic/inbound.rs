//! What a client publishes, by its topic.

use super::Branch;

/// A topic that a client may publish to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inbound<'a> {
    /// `{branch}/messages/events/{bag}`: telemetry.
    Event {
        /// The property bag, as sent.
        bag: &'a str,
    },
    /// `$iothub/twin/GET/?$rid={rid}`: the twin, please.
    TwinGet {
        /// Pairs the answer with the request, as sent.
        rid: &'a str,
    },
    /// `$iothub/twin/PATCH/properties/reported/?$rid={rid}`: new reported properties.
    TwinReport {
        /// Pairs the answer with the request, as sent.
        rid: &'a str,
    },
    /// `$iothub/methods/res/{status}/?$rid={rid}`: a direct method's answer.
    MethodAnswer {
        /// What the device answers.
        status: i32,
        /// Names the call.
        rid: &'a str,
    },
}

impl<'a> Inbound<'a> {
    /// Reads a topic that the identity of `branch` publishes to; `None` where it may not.
    pub(crate) fn read(topic: &'a str, branch: &Branch) -> Option<Self> {
        let Some(hub) = topic.strip_prefix("$iothub/") else { return Self::read_own(topic, branch) };
        if let Some(query) = hub.strip_prefix("twin/GET/") {
            return Some(Self::TwinGet { rid: rid(query)? });
        }
        if let Some(query) = hub.strip_prefix("twin/PATCH/properties/reported/") {
            return Some(Self::TwinReport { rid: rid(query)? });
        }
        let (status, query) = hub.strip_prefix("methods/res/")?.split_once('/')?;
        Some(Self::MethodAnswer { status: status.parse().ok()?, rid: rid(query)? })
    }

    fn read_own(topic: &'a str, branch: &Branch) -> Option<Self> {
        let (_, rest) = branch.strip(topic)?;
        match rest.strip_prefix("/messages/events")? {
            "" => Some(Self::Event { bag: "" }),
            bag => Some(Self::Event { bag: bag.strip_prefix('/')? }),
        }
    }
}

/// The value of `$rid` in `?$rid=…&…`.
fn rid(query: &str) -> Option<&str> {
    let mut pairs = query.strip_prefix('?')?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| matches!(*name, "$rid" | "%24rid")).map(|(_, rid)| rid).filter(|rid| !rid.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(topic: &str) -> Option<Inbound<'_>> {
        Inbound::read(topic, &Branch::new("dev1", None))
    }

    #[test]
    fn events_go_to_the_devices_own_branch() {
        assert_eq!(read("devices/dev1/messages/events/"), Some(Inbound::Event { bag: "" }));
        assert_eq!(read("devices/dev1/messages/events"), Some(Inbound::Event { bag: "" }));
        assert_eq!(read("devices/dev1/messages/events/a=b%2Fc"), Some(Inbound::Event { bag: "a=b%2Fc" }));
    }

    #[test]
    fn a_module_sends_from_its_own_branch_only() {
        let branch = Branch::new("dev1", Some("mod1"));
        let event = Inbound::read("devices/dev1/modules/mod1/messages/events/$.on=out", &branch);
        assert_eq!(event, Some(Inbound::Event { bag: "$.on=out" }));
        assert_eq!(Inbound::read("devices/dev1/messages/events/", &branch), None);
    }

    #[test]
    fn requests_carry_their_id() {
        assert_eq!(read("$iothub/twin/GET/?$rid=1"), Some(Inbound::TwinGet { rid: "1" }));
        let report = read("$iothub/twin/PATCH/properties/reported/?$rid=a-b&$version=3");
        assert_eq!(report, Some(Inbound::TwinReport { rid: "a-b" }));
        let answer = read("$iothub/methods/res/-1/?$rid=7f");
        assert_eq!(answer, Some(Inbound::MethodAnswer { status: -1, rid: "7f" }));
    }

    #[test]
    fn any_other_topic_is_refused() {
        for topic in [
            "devices/dev2/messages/events/",
            "devices/dev1/messages/eventsx",
            "devices/dev1/messages/devicebound/",
            "devices/dev1/modules/mod1/messages/events/",
            "$iothub/twin/GET/",
            "$iothub/twin/GET/?$rid=",
            "$iothub/twin/GET/?rid=1",
            "$iothub/twin/PATCH/properties/desired/?$rid=1",
            "$iothub/methods/res/ok/?$rid=1",
            "$iothub/methods/res/200",
            "$iothub/streams/res/200/?$rid=1",
            "$SYS/broker",
            "hello",
            "/",
        ] {
            assert_eq!(read(topic), None, "{topic}");
        }
    }
}
