//! Rows S1 to S4: shared access signatures that are not quite right, over the wire.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use iolite_testkit::Credential;
use serde_json::{Value, json};

use crate::ground::{Ground, VERSION, hexadecimal};

/// A time far ahead, in 2100.
const LATER: &str = "4102444800";

/// Signs as the documents say, over texts that need not be right.
fn signature(resource: &str, expiry: &str, key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
    STANDARD.encode(hmac::sign(&key, format!("{resource}\n{expiry}").as_bytes()))
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A signature for `resource`, which is taken as it stands.
fn sas(resource: &str, expiry: &str, key: &str) -> String {
    format!("SharedAccessSignature sr={resource}&sig={}&se={expiry}", encoded(&signature(resource, expiry, key)))
}

/// Devices with names that begin alike, and their keys.
struct Devices {
    ground: Ground,
    keys: [String; 2],
    secondary: String,
}

impl Devices {
    async fn make() -> Self {
        let ground = Ground::prepare().await;
        let mut keys = Vec::new();
        for id in ["dev1", "dev10"] {
            let made = ground.call("PUT", &format!("/devices/{id}?{VERSION}"), json!({"deviceId": id})).await;
            keys.push(made.body["authentication"]["symmetricKey"].clone());
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let secondary = text(&keys[0]["secondaryKey"]);
        Self { ground, keys: [text(&keys[0]["primaryKey"]), text(&keys[1]["primaryKey"])], secondary }
    }

    /// Whether `sas` opens the device API of dev1.
    async fn opens(&self, sas: &str) -> bool {
        let target = format!("/devices/dev1/messages/deviceBound?{VERSION}");
        let reply = self.ground.emulator.call("GET", &target, &Credential::raw(sas), Value::Null).await;
        let decision = self.ground.emulator.decision(&reply).await;
        let allowed = decision["outcome"] == "allowed";
        // A device that is disabled is told so: 403.
        assert_eq!(allowed, !matches!(reply.status, 401 | 403), "{sas}: {} {}", reply.status, reply.body);
        allowed
    }

    async fn expect(&self, rows: Vec<(&str, String)>, opens: bool) {
        for (what, sas) in rows {
            assert_eq!(self.opens(&sas).await, opens, "{what}: {sas}");
        }
    }
}

#[tokio::test]
async fn s1_a_signature_is_good_for_its_own_resource_only() {
    let devices = Devices::make().await;
    let [key, other] = &devices.keys;
    devices
        .expect(
            vec![
                ("as documented", sas("localhost%2Fdevices%2Fdev1", LATER, key)),
                ("escapes in lower case", sas("localhost%2fdevices%2fdev1", LATER, key)),
                ("nothing encoded", sas("localhost/devices/dev1", LATER, key)),
                ("the host in capitals", sas("LOCALHOST%2Fdevices%2Fdev1", LATER, key)),
                ("the hub's own host", sas("contoso-hub.azure-devices.net%2Fdevices%2Fdev1", LATER, key)),
                ("the secondary key", sas("localhost%2Fdevices%2Fdev1", LATER, &devices.secondary)),
            ],
            true,
        )
        .await;
    devices
        .expect(
            vec![
                ("another device", sas("localhost%2Fdevices%2Fdev10", LATER, other)),
                ("another device by this key", sas("localhost%2Fdevices%2Fdev10", LATER, key)),
                ("this device by another key", sas("localhost%2Fdevices%2Fdev1", LATER, other)),
                ("the beginning of an id", sas("localhost%2Fdevices%2Fdev", LATER, key)),
                ("more than the id", sas("localhost%2Fdevices%2Fdev1x", LATER, key)),
                ("a slash at the end", sas("localhost%2Fdevices%2Fdev1%2F", LATER, key)),
                ("encoded twice", sas("localhost%252Fdevices%252Fdev1", LATER, key)),
                ("the whole hub", sas("localhost", LATER, key)),
                ("all devices", sas("localhost%2Fdevices", LATER, key)),
                ("a module", sas("localhost%2Fdevices%2Fdev1%2Fmodules%2Fm", LATER, key)),
                ("another hub", sas("other-hub.azure-devices.net%2Fdevices%2Fdev1", LATER, key)),
                ("a host that begins alike", sas("localhost.evil.example%2Fdevices%2Fdev1", LATER, key)),
                ("a scheme", sas("https%3A%2F%2Flocalhost%2Fdevices%2Fdev1", LATER, key)),
                ("Event Hubs", sas("sb%3A%2F%2Flocalhost%2Fdevices%2Fdev1", LATER, key)),
                ("a query", sas("localhost%2Fdevices%2Fdev1%3Fx", LATER, key)),
                ("a climb", sas("localhost%2Fdevices%2Fdev10%2F..%2Fdev1", LATER, other)),
                ("nothing", sas("", LATER, key)),
            ],
            false,
        )
        .await;
}

#[tokio::test]
async fn s2_a_signature_has_each_field_once_and_a_time_to_come() {
    let devices = Devices::make().await;
    let key = &devices.keys[0];
    let resource = "localhost%2Fdevices%2Fdev1";
    let at = |expiry: &str| sas(resource, expiry, key);
    let sig = encoded(&signature(resource, LATER, key));
    let text = |fields: &str| format!("SharedAccessSignature {fields}");
    devices
        .expect(
            vec![
                ("in another order", text(&format!("se={LATER}&sig={sig}&sr={resource}"))),
                ("a scheme in small letters", format!("sharedaccesssignature sr={resource}&sig={sig}&se={LATER}")),
            ],
            true,
        )
        .await;
    devices
        .expect(
            vec![
                ("past", at("1")),
                ("nought", at("0")),
                ("below nothing", at("-4102444800")),
                ("beyond 64 bits", at("9223372036854775808")),
                ("beyond all", at("99999999999999999999999999")),
                ("no number", at("later")),
                ("a fraction", at("4102444800.0")),
                ("an exponent", at("4e9")),
                ("a plus", at("+4102444800")),
                ("a space", at(" 4102444800")),
                ("empty", at("")),
                ("no se", text(&format!("sr={resource}&sig={sig}"))),
                ("no sr", text(&format!("sig={sig}&se={LATER}"))),
                ("no sig", text(&format!("sr={resource}&se={LATER}"))),
                ("nothing but the scheme", "SharedAccessSignature".to_owned()),
                ("se twice", text(&format!("sr={resource}&sig={sig}&se={LATER}&se=1"))),
                ("se twice, the good one last", text(&format!("sr={resource}&se=1&sig={sig}&se={LATER}"))),
                ("sr twice", text(&format!("sr={resource}&sr=localhost&sig={sig}&se={LATER}"))),
                ("sig twice", text(&format!("sr={resource}&sig={sig}&sig=x&se={LATER}"))),
                ("a field too many", text(&format!("sr={resource}&sig={sig}&se={LATER}&x=y"))),
                ("a field without a name", text(&format!("sr={resource}&sig={sig}&se={LATER}&=y"))),
                ("names in capitals", text(&format!("SR={resource}&SIG={sig}&SE={LATER}"))),
                ("no marks between", text(&format!("sr={resource};sig={sig};se={LATER}"))),
                ("a policy's name", text(&format!("sr={resource}&sig={sig}&se={LATER}&skn=device"))),
                ("an unknown policy", text(&format!("sr={resource}&sig={sig}&se={LATER}&skn=x%0D%0Ay"))),
                ("20 KB", text(&format!("sr={resource}&sig={sig}&se={LATER}&skn={}", "x".repeat(20_000)))),
            ],
            false,
        )
        .await;
    devices.ground.is_unharmed_but(&["dev1", "dev10"]).await;
}

#[tokio::test]
async fn s3_a_signature_is_compared_whole() {
    let devices = Devices::make().await;
    let key = &devices.keys[0];
    let resource = "localhost%2Fdevices%2Fdev1";
    let good = STANDARD.decode(signature(resource, LATER, key)).unwrap();
    let with = |sig: &str| format!("SharedAccessSignature sr={resource}&sig={sig}&se={LATER}");
    assert!(devices.opens(&with(&encoded(&STANDARD.encode(&good)))).await);
    let mut rows = Vec::new();
    for bit in [0, 7, 128, 255] {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        rows.push(("a bit off", with(&encoded(&STANDARD.encode(flipped)))));
    }
    rows.push(("cut short", with(&encoded(&STANDARD.encode(&good[..31])))));
    rows.push(("one byte more", with(&encoded(&STANDARD.encode([&good[..], &[0]].concat())))));
    rows.push(("twice as long", with(&encoded(&STANDARD.encode([&good[..], &good[..]].concat())))));
    rows.push(("empty", with("")));
    rows.push(("no base64", with("!!!")));
    rows.push(("without padding", with(STANDARD.encode(&good).trim_end_matches('='))));
    rows.push(("in hexadecimal", with(&hexadecimal(&good))));
    let other_alphabet = URL_SAFE.encode(&good);
    if other_alphabet.contains(['-', '_']) {
        rows.push(("the other alphabet", with(&encoded(&other_alphabet))));
    }
    rows.push(("of the decoded resource", {
        let sig = signature("localhost/devices/dev1", LATER, key);
        with(&encoded(&sig))
    }));
    devices.expect(rows, false).await;
}

#[tokio::test]
async fn s4_a_device_that_is_disabled_rekeyed_or_gone_is_out_at_once() {
    let devices = Devices::make().await;
    let sas = sas("localhost%2Fdevices%2Fdev1", LATER, &devices.keys[0]);
    let target = format!("/devices/dev1?{VERSION}");
    let any = [("if-match", "*")];
    assert!(devices.opens(&sas).await);
    let disabled = json!({"deviceId": "dev1", "status": "disabled"}).to_string();
    assert_eq!(devices.ground.send("PUT", &target, &any, disabled).await.status, 200);
    assert!(!devices.opens(&sas).await, "disabled");
    let keys = json!({"primaryKey": devices.keys[0], "secondaryKey": devices.secondary});
    let enabled =
        json!({"deviceId": "dev1", "status": "enabled", "authentication": {"type": "sas", "symmetricKey": keys}});
    assert_eq!(devices.ground.send("PUT", &target, &any, enabled.to_string()).await.status, 200);
    assert!(devices.opens(&sas).await, "enabled again");
    let fresh = json!({"primaryKey": devices.keys[1], "secondaryKey": devices.keys[1]});
    let rekeyed = json!({"deviceId": "dev1", "authentication": {"type": "sas", "symmetricKey": fresh}});
    assert_eq!(devices.ground.send("PUT", &target, &any, rekeyed.to_string()).await.status, 200);
    assert!(!devices.opens(&sas).await, "rekeyed");
    assert_eq!(devices.ground.send("DELETE", &target, &any, "").await.status, 204);
    assert!(!devices.opens(&sas).await, "gone");
}
