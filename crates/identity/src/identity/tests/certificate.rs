//! Devices and registrants that show a client certificate.

use super::*;
use crate::ClientCertificate;

impl Door {
    pub(super) fn shows(
        &self,
        operation: &'static Operation,
        params: &[(&'static str, &str)],
        credential: Credential,
        der: &[u8],
    ) -> Authentication {
        let resource = match operation.service {
            Service::Dps => self.provisioning_service(),
            _ => self.hub(),
        };
        let certificate = Some(Arc::new(ClientCertificate { chain: vec![der.to_vec()] }));
        let request = request("/", params);
        let visit = Visit { operation, resource: &resource, request: &request };
        self.identity.authenticate(&Presented::new(credential, certificate), visit)
    }
}

#[test]
fn a_device_is_known_by_its_certificate() {
    let door = Door::new();
    let found = door.shows(&SEND, &[("id", "thumb")], Credential::None, &CERTIFICATE);
    let Caller::Device(caller) = &*found.outcome.unwrap() else { panic!("not a device") };
    assert_eq!((caller.device_id.as_str(), caller.means, caller.expires_at), ("thumb", KeyMeans::Certificate, None));
    let module = [("id", "module-host"), ("mid", "thumb")];
    let found = door.shows(&SEND_AS_MODULE, &module, Credential::None, &CERTIFICATE);
    assert_eq!(found.outcome.unwrap().display_name(), "thumb");
}

#[test]
fn a_certificate_that_does_not_fit_is_refused_for_what_is_wrong() {
    let door = Door::new();
    let at = |device| reason(&door.shows(&SEND, &[("id", device)], Credential::None, &CERTIFICATE));
    assert_eq!(at("dev1"), Some(Reason::WrongMeans), "a device with keys");
    assert_eq!(at("nobody"), Some(Reason::UnknownDevice));
    assert_eq!(at("thumb-off"), Some(Reason::DeviceDisabled));
    let other = door.shows(&SEND, &[("id", "thumb")], Credential::None, b"not a certificate");
    assert_eq!(reason(&other), Some(Reason::CertificateMismatch));
}

#[test]
fn a_certificate_is_not_looked_at_beside_a_token_nor_at_a_service_api() {
    let door = Door::new();
    let token = || sas(signed("localhost/devices/dev1", 50, None));
    assert_eq!(reason(&door.shows(&SEND, &[("id", "dev1")], token(), &CERTIFICATE)), None, "the token decides");
    let wrong = sas(signed("localhost/devices/thumb", 50, None));
    assert_eq!(reason(&door.shows(&SEND, &[("id", "thumb")], wrong, &CERTIFICATE)), Some(Reason::WrongMeans));
    let service = door.shows(&READ, &[], Credential::None, &CERTIFICATE);
    assert_eq!(reason(&service), Some(Reason::NoCredential));
}

#[test]
fn a_registration_is_attested_by_certificate() {
    let door = Door::new();
    let at = |id| door.shows(&REGISTER, &[(REGISTRATION_PARAMETER, id)], Credential::None, &CERTIFICATE);
    let Caller::Registrant(caller) = &*at("thumb").outcome.unwrap() else { panic!("not a registrant") };
    assert_eq!((caller.enrollment.as_str(), caller.means), ("thumb", KeyMeans::Certificate));
    assert_eq!(reason(&at("reg1")), Some(Reason::WrongMeans));
    assert_eq!(reason(&at("nobody")), Some(Reason::NoEnrollment));
    let found = at("fleet-7");
    assert_eq!(reason(&found), Some(Reason::CommonNameMismatch), "the group by certificate says why");
}
