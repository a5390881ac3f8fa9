//! What a credential that is shown on `$cbs` is for: the service or a device, the hub itself or its events. Read by the door of
//! back ends; nothing is verified here.

use iolite_hub::service_links::send_to_device;
use iolite_hub::sessions::{connect_device, connect_module};
use iolite_identity::Credential;
use iolite_identity::sas::SasToken;
use iolite_kernel::Operation;

/// The scheme of Event Hubs' audiences.
const EVENT_HUBS: &str = "sb://";

/// Whether a token is shown for Event Hubs: its audience says so, or the signature's resource does.
pub(super) fn is_for_events(audience: &str, credential: &Credential) -> bool {
    let of_signature = match credential {
        Credential::SharedAccessSignature(text) => {
            SasToken::parse(text.reveal()).is_ok_and(|token| token.resource().is_event_hubs())
        }
        _ => false,
    };
    of_signature || audience.get(..EVENT_HUBS.len()).is_some_and(|start| start.eq_ignore_ascii_case(EVENT_HUBS))
}

/// The operation by which a token for this path is looked at: a device's, a module's, or the service's.
pub(super) fn operation_of(segments: &[&str]) -> (&'static Operation, Vec<(&'static str, String)>) {
    let is = |index: usize, word: &str| segments.get(index).is_some_and(|text| text.eq_ignore_ascii_case(word));
    match (segments.get(1), segments.get(3)) {
        (Some(device), Some(module)) if is(0, "devices") && is(2, "modules") => {
            let params = vec![("id", (*device).to_owned()), ("mid", (*module).to_owned())];
            (&connect_module::OPERATION, params)
        }
        (Some(device), _) if is(0, "devices") && !device.is_empty() => {
            (&connect_device::OPERATION, vec![("id", (*device).to_owned())])
        }
        _ => (&send_to_device::OPERATION, Vec::new()),
    }
}

/// The host that a signature is for.
pub(super) fn host_of(credential: &Credential) -> Option<String> {
    let Credential::SharedAccessSignature(text) = credential else { return None };
    let token = SasToken::parse(text.reveal()).ok()?;
    (!token.resource().is_event_hubs()).then(|| token.resource().host().to_owned())
}

#[cfg(test)]
mod tests {
    use iolite_kernel::{Secret, Timestamp};

    use super::*;

    #[test]
    fn a_path_tells_whose_token_it_is() {
        assert_eq!(operation_of(&["devices", "d", "modules", "m"]).0.name, "Module_Connect");
        assert_eq!(operation_of(&["devices", "d"]).0.name, "Device_Connect");
        assert_eq!(operation_of(&["devices"]).0.name, "CloudToDeviceMessages_Send");
        assert_eq!(operation_of(&[]).0.name, "CloudToDeviceMessages_Send");
    }

    #[test]
    fn event_hubs_are_told_by_audience_or_signature() {
        let signature = |sr: &str| {
            let text = iolite_identity::sas::sign(
                sr,
                &Secret::new("a2V5"),
                Timestamp::UNIX_EPOCH + iolite_kernel::SignedDuration::from_secs(9),
                Some("p"),
            );
            Credential::SharedAccessSignature(Secret::new(text))
        };
        assert!(is_for_events("sb://localhost/hub", &Credential::None));
        assert!(is_for_events("localhost", &signature("sb://localhost/hub")));
        assert!(!is_for_events("localhost", &signature("localhost")));
        assert_eq!(host_of(&signature("hub.example/devices")).as_deref(), Some("hub.example"));
        assert_eq!(host_of(&signature("sb://hub.example/x")), None);
    }
}
