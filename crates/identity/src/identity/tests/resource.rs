//! Row S1: which resource a token is for.

use super::*;

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
        "localhost/devices/dev1",
        "contoso-hub.azure-devices.net:443/devices/DEV1",
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
        "localhost/devices/dev",
        "localhost/devices/dev10",
        "localhost/devices/dev1/modules",
        "localhost/devices/dev1/",
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
fn s1_a_service_token_for_a_thing_compares_its_name_as_decoded() {
    let door = Door::new();
    for (resource, expected) in
        [("localhost/devices/dev'1", None), ("localhost/devices/dev%271", Some(Reason::ResourceMismatch))]
    {
        let token = sas(signed(resource, 10, Some("iothubowner")));
        let found = door.visit(&READ, "/devices/dev%271", &[("id", "dev'1")], token);
        assert_eq!(reason(&found), expected, "{resource}");
    }
}

#[test]
fn s1_the_host_that_was_dialled_is_a_hubs_host() {
    let door = Door::new();
    let resource = door.hub();
    let mut request = request("/devices/dev1", &[("id", "dev1")]);
    request.origin = "https://gateway.example:8443".into();
    let presented = Presented::new(sas(signed("gateway.example", 10, Some("iothubowner"))), None);
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
