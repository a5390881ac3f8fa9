//! The switches that turn shared access signatures off.

use super::*;

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
