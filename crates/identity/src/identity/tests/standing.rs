//! What stops standing after a caller was let in.

use super::*;
use crate::{Footing, Rejection};

impl Door {
    fn stands(&self, caller: &Caller) -> Result<(), Reason> {
        let hub = self.world.estate.hub("contoso-hub").unwrap();
        self.identity.still_good(caller, &hub).map_err(|Rejection { reason, .. }| reason)
    }

    fn signed_in(&self, token: String, device: &str) -> Caller {
        Caller::clone(&*self.send(device, token).outcome.unwrap())
    }
}

fn device(caller: Caller, change: impl FnOnce(&mut crate::DeviceCaller)) -> Caller {
    let Caller::Device(mut device) = caller else { panic!("not a device") };
    change(&mut device);
    Caller::Device(device)
}

#[test]
fn a_device_stands_on_its_key_its_status_and_the_switch() {
    let door = Door::new();
    let primary = door.signed_in(signed("localhost/devices/dev1", 50, None), "dev1");
    let secondary = door.signed_in(signed("localhost/devices/dev1", 51, None), "dev1");
    assert_eq!((door.stands(&primary), door.stands(&secondary)), (Ok(()), Ok(())));
    let replaced = device(primary.clone(), |device| device.footing = Footing::of_key(&key(99)));
    assert_eq!(door.stands(&replaced), Err(Reason::BadSignature));
    let disabled = device(primary.clone(), |device| device.device_id = "dev10".to_owned());
    assert_eq!(door.stands(&disabled), Err(Reason::DeviceDisabled));
    let deleted = device(primary.clone(), |device| device.device_id = "gone".to_owned());
    assert_eq!(door.stands(&deleted), Err(Reason::UnknownDevice));
    door.world.put_hub(|hub| hub.disable_device_sas = true);
    assert_eq!(door.stands(&primary), Err(Reason::DeviceSasDisabled));
}

#[test]
fn a_certificate_stands_on_its_thumbprint_or_authority() {
    let door = Door::new();
    let shown = door.shows(&SEND, &[("id", "thumb")], Credential::None, &CERTIFICATE);
    let caller = Caller::clone(&*shown.outcome.unwrap());
    door.world.put_hub(|hub| hub.disable_device_sas = true);
    assert_eq!(door.stands(&caller), Ok(()), "a certificate is no SAS");
    let other = device(caller, |device| device.footing = Footing::of_authority(b"a removed one"));
    assert_eq!(door.stands(&other), Err(Reason::UntrustedCertificate));
}

#[test]
fn a_policy_stands_on_its_key_its_rights_and_the_switch() {
    let door = Door::new();
    let service = door.read(signed("localhost", 10, Some("iothubowner")));
    let service = Caller::clone(&*service.outcome.unwrap());
    let for_device = door.signed_in(signed("localhost/devices", 30, Some("device")), "dev1");
    assert_eq!((door.stands(&service), door.stands(&for_device)), (Ok(()), Ok(())));
    let change = |change: &(dyn Fn(&mut iolite_resources::Hub) + Sync)| {
        door.world.put_hub(change);
        (door.stands(&service), door.stands(&for_device))
    };
    let denied = Err(Reason::LocalAuthDisabled);
    assert_eq!(change(&|hub| hub.disable_local_auth = true), (denied, denied));
    let replaced = |hub: &mut iolite_resources::Hub| {
        for policy in &mut hub.policies {
            policy.primary_key = key(200);
        }
    };
    assert_eq!(change(&replaced), (Err(Reason::BadSignature), Err(Reason::BadSignature)));
    let weakened = |hub: &mut iolite_resources::Hub| {
        for policy in &mut hub.policies {
            policy.rights = iolite_kernel::Rights::of(&[Right::RegistryRead]);
        }
    };
    assert_eq!(change(&weakened), (Err(Reason::PolicyLacksRight), Err(Reason::PolicyLacksRight)));
    let gone = |hub: &mut iolite_resources::Hub| hub.policies.clear();
    assert_eq!(change(&gone), (Err(Reason::UnknownPolicy), Err(Reason::UnknownPolicy)));
}

#[test]
fn a_principal_stands_while_it_is_enabled() {
    let door = Door::new();
    let token = fixture::first().sign_token(&claims()).unwrap();
    let found = door.visit(&READ, "/devices", &[], Credential::Bearer(Secret::new(token)));
    let caller = Caller::clone(&*found.outcome.unwrap());
    assert_eq!(door.stands(&caller), Ok(()));
    door.world.put_principal(crate::world::APP, "reader-app", false);
    assert_eq!(door.stands(&caller), Err(Reason::UnknownPrincipal));
}
