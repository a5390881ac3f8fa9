//! The door as a whole: rows S1 to S3 of what goes wrong, the switches, and which credential opens which door.

use std::sync::Arc;

use iolite_kernel::{ApiVersions, Method, Right, Secret, SignedDuration, Support, Timestamp};
use iolite_resources::Resource;

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
static TWINS: Operation = operation(Service::Twins, Need::DataPlane { actions: &["a"], rights: &[] });
static MANAGE: Operation = operation(Service::Arm, Need::Management { action: "a" });
static SIGNED_IN: Operation = operation(Service::Arm, Need::SignedIn);
static PUBLIC: Operation = operation(Service::Entra, Need::Public { because: "anyone may" });
static SEND: Operation = operation(Service::Hub, Need::OwnDevice { device: "id", module: None });
static SEND_AS_MODULE: Operation = operation(Service::Hub, Need::OwnDevice { device: "id", module: Some("mid") });
static REGISTER: Operation = operation(Service::Dps, Need::OwnRegistration);

/// Devices `dev1`, `dev10` (disabled), `module-host` with module `m1`, and `thumb`, whose keys tell them apart.
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
            ("thumb", None) => (true, AttestationKeys::Thumbprint { primary: None, secondary: None }),
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
            "reg2" => vec![candidate("reg2", false, false, symmetric(key(92), key(93)))],
            id if id.starts_with("fleet-") => {
                let derived = |byte| derive_group_key(&key(byte), id).unwrap();
                vec![
                    candidate("by-certificate", true, true, AttestationKeys::CertificateAuthority { roots: vec![] }),
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
        Self { world, identity }
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
            Service::Dps => {
                Resource::ProvisioningService(self.world.estate.provisioning_service("contoso-dps").unwrap())
            }
            Service::Arm => Resource::Scope(iolite_kernel::Scope::root()),
            Service::Entra | Service::ManagedIdentity => Resource::Tenant,
            Service::Hub | Service::Twins => self.hub(),
        };
        let request = request(target, params);
        let presented = Presented { credential, certificate: None };
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
fn a_policys_key_tells_the_policy_and_which_key_it_was() {
    let door = Door::new();
    for (byte, means) in [(10, KeyMeans::PrimaryKey), (11, KeyMeans::SecondaryKey)] {
        let found = door.read(signed("localhost", byte, Some("iothubowner")));
        let Caller::Policy(caller) = &*found.outcome.unwrap() else { panic!("not a policy") };
        assert_eq!((caller.policy.as_str(), caller.means, caller.expires_at), ("iothubowner", means, in_an_hour()));
        assert!(caller.rights.contains(Right::RegistryRead));
        assert!(found.checks.iter().all(|check| check.passed));
    }
}

#[test]
fn s1_a_service_token_is_for_the_whole_hub_or_the_part_asked_for() {
    let door = Door::new();
    for resource in [
        HUB_HOST,
        "CONTOSO-HUB.azure-devices.NET",
        "contoso-hub.azure-devices.net:443",
        "localhost",
        "localhost:8443",
        "127.0.0.1:8443",
        "[::1]:8443",
        "localhost/devices",
        "localhost:8443/Devices",
    ] {
        assert_eq!(reason(&door.read(signed(resource, 10, Some("iothubowner")))), None, "{resource}");
    }
    for resource in [
        "other-hub.azure-devices.net",
        "contoso-hub.azure-devices.net.example",
        "x.localhost",
        "localhost/",
        "localhost/devices/",
        "localhost/device",
        "localhost/twins",
        "localhost/devices/dev1",
        "localhost%2Fdevices",
        "https://localhost",
        "sb://localhost/contoso-hub",
        "",
        "/devices",
    ] {
        let found = door.read(signed(resource, 10, Some("iothubowner")));
        assert_eq!(reason(&found), Some(Reason::ResourceMismatch), "{resource}");
        assert_eq!(failed(&found), [CheckKind::ResourceUri]);
    }
}

#[test]
fn s1_the_host_that_was_dialled_is_a_hubs_host() {
    let door = Door::new();
    let resource = door.hub();
    let mut request = request("/devices/dev1", &[("id", "dev1")]);
    request.origin = "https://gateway.example:8443".to_owned();
    let presented =
        Presented { credential: sas(signed("gateway.example", 10, Some("iothubowner"))), certificate: None };
    let visit = Visit { operation: &READ, resource: &resource, request: &request };
    assert_eq!(reason(&door.identity.authenticate(&presented, visit)), None);
}

#[test]
fn s1_a_device_token_is_for_that_device_by_whole_segment() {
    let door = Door::new();
    for resource in
        ["localhost/devices/dev1", "LOCALHOST:8443/devices/DEV1", "contoso-hub.azure-devices.net/devices/dev1"]
    {
        let found = door.send("dev1", signed(resource, 50, None));
        let Caller::Device(caller) = &*found.outcome.unwrap() else { panic!("not a device") };
        assert_eq!(
            (caller.device_id.as_str(), caller.policy.as_ref(), caller.means),
            ("dev1", None, KeyMeans::PrimaryKey)
        );
        assert_eq!(caller.expires_at, Some(in_an_hour()));
    }
    for resource in [
        "localhost/devices/dev10",
        "localhost/devices/dev",
        "localhost/devices/dev1/",
        "localhost/devices/dev1/modules/m1",
        "localhost/devices%2Fdev1",
        "localhost%2Fdevices%2Fdev1",
        "localhost/devices",
        "localhost",
        "localhost/twins/dev1",
        "other-hub.azure-devices.net/devices/dev1",
        "sb://localhost/devices/dev1",
    ] {
        let found = door.send("dev1", signed(resource, 50, None));
        assert_eq!(reason(&found), Some(Reason::ResourceMismatch), "{resource}");
    }
}

#[test]
fn s1_another_devices_token_is_refused() {
    let door = Door::new();
    for token in [signed("localhost/devices/module-host", 70, None), signed("localhost/devices/dev1", 70, None)] {
        assert_eq!(reason(&door.send("dev1", token)), Some(Reason::BadSignature));
    }
    assert_eq!(reason(&door.send("nobody", signed("localhost/devices/nobody", 50, None))), Some(Reason::UnknownDevice));
}

#[test]
fn s1_a_modules_token_is_for_that_module() {
    let door = Door::new();
    let own = "localhost/devices/module-host/modules/m1";
    let found = door.send_as_module("module-host", "m1", signed(own, 81, None));
    let Caller::Device(caller) = &*found.outcome.unwrap() else { panic!("not a module") };
    assert_eq!((caller.module_id.as_deref(), caller.means), (Some("m1"), KeyMeans::SecondaryKey));
    for (resource, byte, expected) in [
        (own, 70, Reason::BadSignature),
        ("localhost/devices/module-host", 80, Reason::ResourceMismatch),
        ("localhost/devices/module-host/modules", 80, Reason::ResourceMismatch),
        ("localhost/devices/module-host/modules/m10", 80, Reason::ResourceMismatch),
    ] {
        let found = door.send_as_module("module-host", "m1", signed(resource, byte, None));
        assert_eq!(reason(&found), Some(expected), "{resource}");
    }
    let unknown = |device: &str, module| reason(&door.send_as_module(device, module, signed(own, 80, None)));
    assert_eq!(unknown("module-host", "m2"), Some(Reason::UnknownModule));
    assert_eq!(unknown("nobody", "m1"), Some(Reason::UnknownDevice));
    assert_eq!(reason(&door.send("module-host", signed(own, 80, None))), Some(Reason::BadSignature));
}

#[test]
fn s2_a_token_that_has_run_out_is_refused_after_five_minutes() {
    let door = Door::new();
    let token = signed("localhost", 10, Some("iothubowner"));
    door.world.clock.advance(SignedDuration::from_secs(3600 + 300));
    assert_eq!(reason(&door.read(token.clone())), None);
    door.world.clock.advance(SignedDuration::from_secs(1));
    let found = door.read(token);
    assert_eq!(reason(&found), Some(Reason::Expired));
    assert_eq!(failed(&found), [CheckKind::Expiry]);
}

#[test]
fn s2_a_malformed_token_is_refused_before_any_key_is_tried() {
    let door = Door::new();
    let good = signed("localhost", 10, Some("iothubowner"));
    for token in [
        good.replace("&se=", "&se=x"),
        format!("{good}&x=1"),
        format!("{good}&skn=service"),
        good.replace("sr=", "sx="),
    ] {
        let found = door.read(token);
        assert_eq!(reason(&found), Some(Reason::Malformed));
        assert_eq!(found.checks.last().unwrap().kind, CheckKind::Form);
    }
    assert_eq!(reason(&door.read(format!("{good}{}", " ".repeat(20_000)))), Some(Reason::TooLarge));
}

#[test]
fn s3_a_policy_must_exist_and_its_own_key_must_have_signed() {
    let door = Door::new();
    let by = |byte, policy| reason(&door.read(signed("localhost", byte, policy)));
    assert_eq!(by(10, Some("nobody")), Some(Reason::UnknownPolicy));
    assert_eq!(by(10, Some("IotHubOwner")), Some(Reason::UnknownPolicy), "names have case");
    assert_eq!(by(10, None), Some(Reason::UnknownPolicy), "a service API wants a policy");
    assert_eq!(by(10, Some("service")), Some(Reason::BadSignature), "another policy's key");
    assert_eq!(by(12, Some("iothubowner")), Some(Reason::BadSignature), "nobody's key");
    assert_eq!(by(50, None), Some(Reason::UnknownPolicy), "a device's key at a service API");
}

#[test]
fn s3_a_changed_key_counts_at_once() {
    let door = Door::new();
    let token = signed("localhost", 10, Some("iothubowner"));
    assert_eq!(reason(&door.read(token.clone())), None);
    door.world.put_hub(|hub| hub.policies[0].primary_key = key(99));
    assert_eq!(reason(&door.read(token.clone())), Some(Reason::BadSignature));
    door.world.put_hub(|hub| drop(hub.policies.remove(0)));
    assert_eq!(reason(&door.read(token)), Some(Reason::UnknownPolicy));
}

#[test]
fn s3_a_policy_speaks_for_devices_only_with_the_right_to() {
    let door = Door::new();
    for resource in ["localhost", "localhost/devices", "localhost/devices/dev1"] {
        let found = door.send("dev1", signed(resource, 30, Some("device")));
        let Caller::Device(caller) = &*found.outcome.unwrap() else { panic!("not a device") };
        assert_eq!(caller.policy.as_deref(), Some("device"));
    }
    let found = door.send("dev1", signed("localhost", 20, Some("service")));
    assert_eq!(reason(&found), Some(Reason::PolicyLacksRight));
    assert_eq!(failed(&found), [CheckKind::Right]);
    let other = signed("localhost/devices/dev2", 30, Some("device"));
    assert_eq!(reason(&door.send("dev1", other)), Some(Reason::ResourceMismatch));
    let all = signed("localhost/devices", 30, Some("device"));
    assert_eq!(reason(&door.send("nobody", all.clone())), Some(Reason::UnknownDevice));
    assert_eq!(reason(&door.send("dev10", all.clone())), Some(Reason::DeviceDisabled));
    assert_eq!(reason(&door.send_as_module("module-host", "m1", all)), None);
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
fn local_auth_off_refuses_every_policy_and_says_that_all_else_was_right() {
    let door = Door::new();
    door.world.put_hub(|hub| hub.disable_local_auth = true);
    let service = door.read(signed("localhost", 10, Some("iothubowner")));
    let device = door.send("dev1", signed("localhost", 30, Some("device")));
    for found in [&service, &device] {
        assert_eq!(reason(found), Some(Reason::LocalAuthDisabled));
        assert_eq!(failed(found), [CheckKind::Switch]);
        assert!(found.checks.iter().any(|check| check.kind == CheckKind::Signature && check.passed));
    }
    assert_eq!(reason(&door.read(signed("localhost", 12, Some("iothubowner")))), Some(Reason::BadSignature));
    assert_eq!(reason(&door.send("dev1", signed("localhost/devices/dev1", 50, None))), None, "its own key");
    door.world.put_hub(|hub| hub.disable_local_auth = false);
    assert_eq!(reason(&door.read(signed("localhost", 10, Some("iothubowner")))), None, "on again");
}

#[test]
fn the_switches_for_devices_and_modules_are_apart() {
    let door = Door::new();
    let device = || door.send("module-host", signed("localhost/devices/module-host", 70, None));
    let module =
        || door.send_as_module("module-host", "m1", signed("localhost/devices/module-host/modules/m1", 80, None));
    let by_policy = || door.send("module-host", signed("localhost", 30, Some("device")));
    door.world.put_hub(|hub| hub.disable_device_sas = true);
    assert_eq!(
        [reason(&device()), reason(&module()), reason(&by_policy())],
        [Some(Reason::DeviceSasDisabled), None, None]
    );
    door.world.put_hub(|hub| hub.disable_module_sas = true);
    assert_eq!(
        [reason(&device()), reason(&module()), reason(&by_policy())],
        [None, Some(Reason::ModuleSasDisabled), None]
    );
}

#[test]
fn who_used_a_policy_lately_is_known_and_who_was_refused_is_not() {
    let door = Door::new();
    let hub = door.hub().scope();
    assert_eq!(reason(&door.read(signed("localhost", 20, Some("service")))), None);
    assert_eq!(reason(&door.read(signed("localhost", 20, Some("service")))), None);
    assert_eq!(reason(&door.send("dev1", signed("localhost", 30, Some("device")))), None);
    assert_eq!(reason(&door.send("dev1", signed("localhost/devices/dev1", 50, None))), None);
    assert!(reason(&door.read(signed("localhost", 99, Some("iothubowner")))).is_some());
    let seen: Vec<(String, u64)> =
        door.identity.recent_sas_use(&hub).into_iter().map(|each| (each.policy, each.count)).collect();
    assert_eq!(seen, [("device".to_owned(), 1), ("service".to_owned(), 2)]);
    assert!(door.identity.recent_sas_use(&ResourceId::root()).is_empty());
}

#[test]
fn a_registration_is_attested_by_its_enrolments_key() {
    let door = Door::new();
    let found = door.register("reg1", registration_token("reg1", &key(91)));
    let Caller::Registrant(caller) = &*found.outcome.unwrap() else { panic!("not a registrant") };
    assert_eq!((caller.enrollment.as_str(), caller.group, caller.means), ("reg1", false, KeyMeans::SecondaryKey));
    let derived = derive_group_key(&key(94), "fleet-7").unwrap();
    let found = door.register("fleet-7", registration_token("fleet-7", &derived));
    let Caller::Registrant(caller) = &*found.outcome.unwrap() else { panic!("not a registrant") };
    assert_eq!((caller.registration_id.as_str(), caller.enrollment.as_str(), caller.group), ("fleet-7", "fleet", true));
}

#[test]
fn a_registration_that_does_not_fit_is_refused_for_what_is_wrong() {
    let door = Door::new();
    let derived = derive_group_key(&key(94), "fleet-7").unwrap();
    let named = |resource: &str, policy| sign(resource, &key(90), in_an_hour(), policy);
    let own = format!("{ID_SCOPE}/registrations/reg1");
    for (id, token, expected) in [
        ("nobody", registration_token("nobody", &key(90)), Reason::NoEnrollment),
        ("reg2", registration_token("reg2", &key(92)), Reason::EnrollmentDisabled),
        ("reg1", registration_token("reg1", &key(92)), Reason::BadSignature),
        ("fleet-7", registration_token("fleet-7", &key(94)), Reason::BadSignature),
        ("fleet-8", registration_token("fleet-8", &derived), Reason::BadSignature),
        ("reg1", registration_token("reg10", &key(90)), Reason::ResourceMismatch),
        ("reg1", named(&format!("{ID_SCOPE}/registrations"), Some("registration")), Reason::ResourceMismatch),
        ("reg1", named(ID_SCOPE, Some("registration")), Reason::ResourceMismatch),
        ("reg1", named("0ne00000000/registrations/reg1", Some("registration")), Reason::ResourceMismatch),
        ("reg1", named(&own, Some("provisioningserviceowner")), Reason::UnknownPolicy),
        ("reg1", named(&own, None), Reason::UnknownPolicy),
    ] {
        assert_eq!(reason(&door.register(id, token)), Some(expected), "{id}: {expected:?}");
    }
    let token = registration_token("reg1", &key(90));
    door.world.clock.advance(SignedDuration::from_secs(3901));
    assert_eq!(reason(&door.register("reg1", token)), Some(Reason::Expired));
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
