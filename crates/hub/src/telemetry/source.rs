//! Who sends: a device or module, with everything that the hub stamps on its events worked out once.

use std::sync::Arc;

use iolite_identity::{DeviceCaller, KeyMeans};
use iolite_kernel::{ServiceError, Timestamp};
use iolite_messaging::{EventOrigin, HubEvent, Message, Receipt};
use iolite_store::streams::Stream;

use crate::routing::{self, Deliveries, Routable};
use crate::telemetry::streams::{receipt, unavailable};
use crate::throttles::{HubThrottle, Meter};
use crate::{Hub, errors};

/// The largest message that a device may send, in bytes (documented: 256 KB).
const LARGEST: usize = 256 * 1024;
/// What the hub calls telemetry in `iothub-message-source`.
const TELEMETRY: &str = "Telemetry";
/// Room for the lengths and ids of an event.
const ROOM: usize = 256;

/// A sender of events.
pub(crate) struct Source {
    /// The hub's key.
    hub: String,
    partition: u32,
    origin: EventOrigin,
    stream: Arc<Stream>,
    throttle: Arc<HubThrottle>,
}

impl Source {
    /// The device or module `caller` of the hub keyed `hub`.
    pub(crate) fn of(service: &Hub, hub: String, caller: &DeviceCaller) -> Result<Self, ServiceError> {
        let generation = match &caller.module_id {
            None => service.device(&hub, &caller.device_id)?.generation,
            Some(module) => service.module(&hub, &caller.device_id, module)?.generation,
        };
        let origin = EventOrigin {
            device_id: caller.device_id.as_str().into(),
            module_id: caller.module_id.as_deref().map(Into::into),
            generation: generation.to_string().into(),
            auth_method: auth_method(caller).into(),
        };
        let partition = partition_of(&caller.device_id, service.partition_count(&hub));
        let stream = service.own_stream(&hub)?;
        let throttle = service.throttle(&hub);
        Ok(Self { hub, partition, origin, stream, throttle })
    }

    /// The key of its hub.
    pub(crate) fn hub(&self) -> &str {
        &self.hub
    }

    /// Takes an event that comes at `now`.
    pub(crate) fn send(&self, service: &Hub, message: Message, now: Timestamp) -> Result<Receipt, ServiceError> {
        let size = message.size();
        if size > LARGEST {
            let message = format!("The message has {size} bytes; a hub takes {LARGEST}.");
            return Err(ServiceError::new(&errors::MESSAGE_TOO_LARGE, message));
        }
        self.throttle.take(Meter::DeviceToCloud, 1.0, || now)?;
        self.throttle.count_message(size, now)?;
        let event = Routable {
            source: routing::Source::DeviceMessages,
            message: &message,
            origin: Some(&self.origin),
            at: now,
            partition: self.partition,
        };
        if let Deliveries::Routed(deliveries) = service.deliver(&self.hub, &event) {
            return service.keep(&self.hub, &event, deliveries);
        }
        let mut event = Vec::with_capacity(size + ROOM + self.origin.auth_method.len());
        HubEvent::encode_parts(&message, TELEMETRY, Some(&self.origin), &mut event);
        self.stream.append(self.partition, now, &event).map(receipt).map_err(unavailable)
    }
}

/// `iothub-connection-auth-method` (recorded 2021: `{"scope":"device","type":"x509Certificate","issuer":"external",
/// "acceptingIpFilterRule":null}`).
fn auth_method(caller: &DeviceCaller) -> String {
    let scope = match (&caller.policy, &caller.module_id) {
        (Some(_), _) => "hub",
        (None, Some(_)) => "module",
        (None, None) => "device",
    };
    let (kind, issuer) = match caller.means {
        KeyMeans::Certificate => ("x509Certificate", "external"),
        KeyMeans::PrimaryKey | KeyMeans::SecondaryKey => ("sas", "iothub"),
    };
    format!(r#"{{"scope":"{scope}","type":"{kind}","issuer":"{issuer}","acceptingIpFilterRule":null}}"#)
}

/// The partition of a device's events, its modules' too: FNV-1a of its id, so that it is the same for ever.
pub(crate) fn partition_of(device_id: &str, partitions: u32) -> u32 {
    let hash = device_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    u32::try_from((hash ^ (hash >> 32)) % u64::from(partitions.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_stays_in_its_partition_and_devices_spread() {
        assert_eq!(partition_of("dev1", 4), partition_of("dev1", 4));
        let mut counts = [0; 4];
        for number in 0..4000 {
            counts[partition_of(&format!("device-{number}"), 4) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert_eq!(partition_of("dev1", 0), 0);
    }
}
