//! Faults that a device asks for by a message of its own, as the hub offers them to tests of device SDKs.
//!
//! Source: the end-to-end tests of the C, .NET, Node and Python SDKs (`fault_injection`, `FaultInjection.cs`), which send
//! a message with these properties and expect the connection, a link, or further sending to fail after the delay. The
//! message itself is taken and not kept.

use std::sync::Arc;

use iolite_kernel::{ErrorCode, ServiceError, SignedDuration};
use iolite_messaging::{CloseReason, Message, Receipt};

use crate::sessions::Line;
use crate::{Hub, errors};

const TYPE: &str = "AzIoTHub_FaultOperationType";
const DELAY: &str = "AzIoTHub_FaultOperationDelayInSecs";
const DURATION: &str = "AzIoTHub_FaultOperationDurationInSecs";
/// Longer delays and durations are cut.
const LONGEST_SECONDS: i64 = 3600;

/// A fault that a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    kind: Kind,
    delay: SignedDuration,
    duration: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The session ends.
    End(CloseReason),
    /// What is sent is refused for a while.
    Refuse(&'static ErrorCode),
    /// A fault by a name that no SDK has.
    Unknown,
}

/// The fault that `message` asks for, if it asks for one. Nearly no message does: the look costs a comparison of each
/// property's name.
pub(crate) fn asked_for(message: &Message) -> Option<Fault> {
    let named = message.properties.iter().find(|(name, _)| **name == *TYPE)?;
    let kind = match named.1.as_deref().unwrap_or_default() {
        "KillTcp" => Kind::End(CloseReason::InjectedCut),
        "KillAmqpConnection" | "ShutDownMqtt" | "ShutDownAmqp" => Kind::End(CloseReason::InjectedFault),
        "KillAmqpSession" => Kind::End(CloseReason::InjectedSessionFault),
        "InvokeThrottling" => Kind::Refuse(&errors::THROTTLING),
        "InvokeMaxMessageQuota" => Kind::Refuse(&errors::IOT_HUB_QUOTA_EXCEEDED),
        "InvokeAuthError" => Kind::Refuse(&errors::IOT_HUB_UNAUTHORIZED_ACCESS),
        link if link.starts_with("KillAmqp") => Kind::End(CloseReason::InjectedLinkFault),
        _ => Kind::Unknown,
    };
    let seconds = |name: &str| {
        let given = message.property(name).and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or_default();
        SignedDuration::from_secs(given.clamp(0, LONGEST_SECONDS))
    };
    Some(Fault { kind, delay: seconds(DELAY), duration: seconds(DURATION) })
}

impl Hub {
    /// Lets a session suffer the fault that it asked for, after its delay.
    pub(crate) fn inject(self: &Arc<Self>, line: &Arc<Line>, fault: Fault) -> Result<Receipt, ServiceError> {
        let Kind::Unknown = fault.kind else {
            let (hub, line) = (self.clone(), line.clone());
            let begins = self.ground.now().saturating_add(fault.delay).unwrap_or(iolite_kernel::Timestamp::MAX);
            let work = async move {
                hub.ground.wait_until(begins).await;
                match fault.kind {
                    Kind::End(reason) => hub.end(&line, Some(reason)),
                    Kind::Refuse(code) => line.refuse_until(begins.saturating_add(fault.duration).ok(), code),
                    Kind::Unknown => {}
                }
            };
            tokio::spawn(work);
            return Ok(Receipt::settled());
        };
        Err(errors::invalid("The message asks for a fault that this hub does not know."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(pairs: &[(&str, &str)]) -> Message {
        let properties = pairs.iter().map(|(name, value)| ((*name).into(), Some((*value).into()))).collect();
        Message { properties, ..Message::of("") }
    }

    #[test]
    fn a_message_asks_for_a_fault_by_its_properties() {
        let fault = asked_for(&message(&[(TYPE, "KillTcp"), (DELAY, "2"), (DURATION, "x")])).unwrap();
        assert_eq!(fault.kind, Kind::End(CloseReason::InjectedCut));
        assert_eq!((fault.delay.as_secs(), fault.duration.as_secs()), (2, 0));
        let link = asked_for(&message(&[(TYPE, "KillAmqpTwinLinkReq")])).unwrap();
        assert_eq!(link.kind, Kind::End(CloseReason::InjectedLinkFault));
        for (name, reason) in [
            ("KillAmqpSession", CloseReason::InjectedSessionFault),
            ("KillAmqpConnection", CloseReason::InjectedFault),
            ("ShutDownAmqp", CloseReason::InjectedFault),
            ("ShutDownMqtt", CloseReason::InjectedFault),
        ] {
            assert_eq!(asked_for(&message(&[(TYPE, name)])).unwrap().kind, Kind::End(reason), "{name}");
        }
        assert_eq!(asked_for(&message(&[(TYPE, "Explode")])).unwrap().kind, Kind::Unknown);
        assert_eq!(asked_for(&message(&[("type", "KillTcp")])), None);
    }
}
