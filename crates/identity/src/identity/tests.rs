//! The door as a whole: rows S1 to S3 of what goes wrong, the switches, and which credential opens which door.

mod certificate;
mod events;
mod network;
mod policy;
mod registration;
mod resource;
mod standing;
mod switch;

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use iolite_kernel::{ApiVersions, Method, Right, Secret, SignedDuration, Support, Timestamp};
use iolite_resources::Resource;
use parking_lot::Mutex;

use super::*;
use crate::keys::fixture;
use crate::sas::{derive_group_key, sign};
use crate::world::{HUB_HOST, ID_SCOPE, NOW, World, claims, key, request};
use crate::{AttestationKeys, DeviceCredentials, KeyMeans, RegistrationKeys};

const fn operation(service: Service, need: Need) -> Operation {
    Operation {
        service,
        name: "Test_Operation",
        method: Method::Get,
        path: "/",
        versions: ApiVersions::Unversioned,
        need,
        support: Support::Served,
        summary: "For tests.",
    }
}

static READ: Operation = operation(Service::Hub, Need::DataPlane { actions: &["a"], rights: &[Right::RegistryRead] });
static ENROLLMENTS: Operation =
    operation(Service::Dps, Need::DataPlane { actions: &["a"], rights: &[Right::EnrollmentRead] });
static TWINS: Operation = operation(Service::Twins, Need::DataPlane { actions: &["a"], rights: &[] });
static MANAGE: Operation = operation(Service::Arm, Need::Management { action: "a" });
static SIGNED_IN: Operation = operation(Service::Arm, Need::SignedIn);
static PUBLIC: Operation = operation(Service::Entra, Need::Public { because: "anyone may" });
static SEND: Operation = operation(Service::Hub, Need::OwnDevice { device: "id", module: None });
static SEND_AS_MODULE: Operation = operation(Service::Hub, Need::OwnDevice { device: "id", module: Some("mid") });
static REGISTER: Operation = operation(Service::Dps, Need::OwnRegistration);

/// A certificate, good for a thousand years.
static CERTIFICATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec()
});

/// What is signed in to by [`CERTIFICATE`], registered as the secondary one.
fn by_thumbprint() -> AttestationKeys {
    let print = digest::digest(&digest::SHA256, &CERTIFICATE);
    let hexadecimal: Vec<String> = print.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    AttestationKeys::Thumbprint { primary: Some("00".repeat(20)), secondary: Some(hexadecimal.concat()) }
}

/// Devices `dev1`, `dev10` (disabled), `module-host` with module `m1`, and `thumb` and `thumb-off` (disabled), which sign in by
/// certificate; their keys tell them apart.
struct Devices;

impl DeviceKeys for Devices {
    fn credentials(&self, hub: &str, device_id: &str, module_id: Option<&str>) -> Option<DeviceCredentials> {
        assert_eq!(hub, "contoso-hub");
        let symmetric = |byte| AttestationKeys::SymmetricKey { primary: key(byte), secondary: key(byte + 1) };
        let (enabled, keys) = match (device_id, module_id) {
            ("dev1", None) => (true, symmetric(50)),
            ("dev10", None) => (false, symmetric(60)),
            ("module-host", None) => (true, symmetric(70)),
            ("module-host", Some("m1")) => (true, symmetric(80)),
            ("thumb", None) | ("module-host", Some("thumb")) => (true, by_thumbprint()),
            ("thumb-off", None) => (false, by_thumbprint()),
            _ => return None,
        };
        Some(DeviceCredentials { enabled, keys })
    }
}

/// The enrolment `reg1`, the disabled `reg2`, and the group `fleet` for ids that begin with `fleet-`.
struct Enrollments;

impl AttestationSource for Enrollments {
    fn candidates(&self, service: &str, registration_id: &str) -> Vec<RegistrationKeys> {
        assert_eq!(service, "contoso-dps");
        let candidate = |enrollment: &str, group, enabled, keys| RegistrationKeys {
            enrollment: enrollment.to_owned(),
            group,
            enabled,
            keys,
        };
        let symmetric = |primary, secondary| AttestationKeys::SymmetricKey { primary, secondary };
        match registration_id {
            "reg1" => vec![candidate("reg1", false, true, symmetric(key(90), key(91)))],
            "thumb" => vec![candidate("thumb", false, true, by_thumbprint())],
            "reg2" => vec![candidate("reg2", false, false, symmetric(key(92), key(93)))],
            id if id.starts_with("fleet-") => {
                let derived = |byte| derive_group_key(&key(byte), id).unwrap();
                vec![
                    candidate(
                        "by-certificate",
                        true,
                        true,
                        AttestationKeys::CertificateAuthority { roots: vec![], unverified: vec![] },
                    ),
                    candidate("fleet", true, true, symmetric(derived(94), derived(95))),
                ]
            }
            _ => Vec::new(),
        }
    }
}

struct Door {
    world: World,
    identity: Identity,
    /// What was shown, each as a connection keeps it: so every test shows that what is remembered changes no answer.
    shown: Mutex<Vec<Arc<Presented>>>,
}

impl Door {
    fn new() -> Self {
        let world = World::new();
        let identity = Identity::new(
            world.estate.clone(),
            world.ground.clone(),
            Arc::clone(&world.ring),
            Arc::new(Devices),
            Arc::new(Enrollments),
        );
        Self { world, identity, shown: Mutex::default() }
    }

    fn shown(&self, credential: Credential) -> Arc<Presented> {
        let mut shown = self.shown.lock();
        if let Some(again) = shown.iter().find(|presented| presented.credential == credential) {
            return again.clone();
        }
        shown.push(Arc::new(Presented::new(credential, None)));
        shown[shown.len() - 1].clone()
    }

    fn provisioning_service(&self) -> Resource {
        Resource::ProvisioningService(self.world.estate.provisioning_service("contoso-dps").unwrap())
    }

    fn hub(&self) -> Resource {
        Resource::Hub(self.world.estate.hub("contoso-hub").unwrap())
    }

    fn visit(
        &self,
        operation: &'static Operation,
        target: &str,
        params: &[(&'static str, &str)],
        credential: Credential,
    ) -> Authentication {
        let resource = match operation.service {
            Service::Dps => self.provisioning_service(),
            Service::Arm => Resource::Scope(iolite_kernel::Scope::root()),
            Service::Entra | Service::ManagedIdentity => Resource::Tenant,
            Service::Hub | Service::Twins => self.hub(),
        };
        let mut request = request(target, params);
        request.received_at = self.world.ground.now();
        let presented = self.shown(credential);
        self.identity.authenticate(&presented, Visit { operation, resource: &resource, request: &request })
    }

    fn read(&self, token: String) -> Authentication {
        self.visit(&READ, "/devices/dev1?api-version=x", &[("id", "dev1")], sas(token))
    }

    fn send(&self, device: &str, token: String) -> Authentication {
        let target = format!("/devices/{device}/messages/events");
        self.visit(&SEND, &target, &[("id", device)], sas(token))
    }

    fn send_as_module(&self, device: &str, module: &str, token: String) -> Authentication {
        let target = format!("/devices/{device}/modules/{module}/messages/events");
        self.visit(&SEND_AS_MODULE, &target, &[("id", device), ("mid", module)], sas(token))
    }

    fn register(&self, id: &str, token: String) -> Authentication {
        let target = format!("/{ID_SCOPE}/registrations/{id}/register");
        self.visit(&REGISTER, &target, &[("idScope", ID_SCOPE), (REGISTRATION_PARAMETER, id)], sas(token))
    }
}

fn sas(token: String) -> Credential {
    Credential::SharedAccessSignature(Secret::new(token))
}

fn in_an_hour() -> Timestamp {
    Timestamp::from_second(NOW + 3600).unwrap()
}

fn signed(resource: &str, byte: u8, policy: Option<&str>) -> String {
    sign(resource, &key(byte), in_an_hour(), policy)
}

fn registration_token(id: &str, key: &Secret) -> String {
    sign(&format!("{ID_SCOPE}/registrations/{id}"), key, in_an_hour(), Some("registration"))
}

fn reason(found: &Authentication) -> Option<Reason> {
    found.outcome.as_ref().err().map(|rejection| rejection.reason)
}

fn failed(found: &Authentication) -> Vec<CheckKind> {
    found.checks.iter().filter(|check| !check.passed).map(|check| check.kind).collect()
}

#[test]
fn a_disabled_device_is_refused() {
    let door = Door::new();
    let found = door.send("dev10", signed("localhost/devices/dev10", 60, None));
    assert_eq!(reason(&found), Some(Reason::DeviceDisabled));
    assert_eq!(failed(&found), [CheckKind::DeviceStatus]);
}

#[test]
fn a_device_that_signs_in_by_certificate_takes_no_token() {
    let door = Door::new();
    let found = door.send("thumb", signed("localhost/devices/thumb", 50, None));
    assert_eq!(reason(&found), Some(Reason::WrongMeans));
}

#[test]
fn each_door_takes_its_own_credentials_only() {
    let door = Door::new();
    let bearer = || Credential::Bearer(Secret::new(fixture::first().sign_token(&claims()).unwrap()));
    let policy = || sas(signed("localhost", 10, Some("iothubowner")));
    let unknown = || Credential::Unknown { scheme: "Basic".to_owned() };
    let at = |operation, credential| reason(&door.visit(operation, "/devices", &[("id", "dev1")], credential));
    for operation in [&READ, &TWINS, &MANAGE, &SIGNED_IN, &SEND, &REGISTER] {
        assert_eq!(at(operation, Credential::None), Some(Reason::NoCredential), "{operation:?}");
        assert_eq!(at(operation, unknown()), Some(Reason::UnknownScheme), "{operation:?}");
    }
    assert_eq!(at(&READ, bearer()), None);
    for operation in [&SEND, &SEND_AS_MODULE, &REGISTER] {
        assert_eq!(at(operation, bearer()), Some(Reason::EntraNotAccepted), "{operation:?}");
    }
    for operation in [&TWINS, &MANAGE, &SIGNED_IN] {
        assert_eq!(at(operation, policy()), Some(Reason::SasNotAccepted), "{operation:?}");
    }
    for credential in [Credential::None, bearer(), policy(), unknown()] {
        let found = door.visit(&PUBLIC, "/", &[], credential);
        assert_eq!(*found.outcome.unwrap(), Caller::Anonymous);
        assert!(found.checks.is_empty());
    }
}

#[test]
fn no_key_and_no_signature_reaches_the_evidence() {
    let door = Door::new();
    for token in [
        signed("localhost", 10, Some("iothubowner")),
        signed("localhost/twins", 10, Some("iothubowner")),
        signed("localhost", 12, Some("iothubowner")),
    ] {
        let signature = token.split('&').find_map(|field| field.strip_prefix("sig=")).unwrap().to_owned();
        let found = door.read(token);
        let shown = format!("{:?}", (&found.checks, &found.outcome));
        let decoded = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        for secret in [signature.as_str(), decoded.as_str(), key(10).reveal(), key(11).reveal()] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
