//! Row H5: ids, paths and hosts that try to be something else.

use iolite_amqp::codec::{self, Body, Map, Properties, WireMessage};
use iolite_testkit::Credential;
use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};
use crate::wires::Amqp;

#[tokio::test]
async fn an_id_that_is_none_is_refused_and_makes_nothing() {
    let ground = Ground::prepare().await;
    let long = "x".repeat(129);
    let endless = "x".repeat(7000);
    for id in [
        "a%2Fb",
        "..%2F..%2Fetc%2Fpasswd",
        "a%5Cb",
        "a%00b",
        "a%0D%0Ab",
        "a%20b",
        "%FF",
        "%C0%AF",
        "%ED%A0%80",
        "%D0%B0dmin",
        "%E2%80%AEx",
        "a%22b",
        "a%3Cb%3E",
        "%",
        "%2",
        "%zz",
        &long,
        &endless,
    ] {
        for target in [format!("/devices/{id}?{VERSION}"), format!("/devices/{DEVICE}/modules/{id}?{VERSION}")] {
            let decoded: String = percent_decoded(id);
            let body = if target.contains("/modules/") {
                json!({"deviceId": DEVICE, "moduleId": decoded})
            } else {
                json!({"deviceId": decoded})
            };
            let reply = ground.call("PUT", &target, body).await;
            // A lone percent sign is of the alphabet of ids.
            if matches!(id, "%" | "%2" | "%zz") {
                assert!(matches!(reply.status, 200 | 400), "{target}: {} {}", reply.status, reply.body);
                ground.send("DELETE", &target, &[("if-match", "*")], "").await;
                continue;
            }
            assert_eq!(reply.status, 400, "{target}: {}", reply.body);
            assert_ne!(reply.header("iothub-errorcode"), "", "{target} is refused by the hub: {}", reply.body);
            let read = ground.call("GET", &target, Value::Null).await;
            assert!(matches!(read.status, 400 | 404), "{target}: {}", read.body);
        }
    }
    ground.is_unharmed("ids that are none").await;
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_path_that_climbs_leads_nowhere() {
    let ground = Ground::prepare().await;
    for path in [
        "/../../../../etc/passwd",
        "/devices/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/devices/known/../known",
        "/devices/./known",
        "/devices/known/..",
        "//devices//known",
        "/devices;x=y/known",
        "/devices\\known",
        "/devices/known%2Fmodules",
        "/.git/config",
        "/iolite/v1/reset",
        "/",
        "*",
    ] {
        let mut wire = ground.dial().await;
        wire.say(format!("{}\r\n", ground.head(&format!("GET {path}?{VERSION}")))).await;
        let heard = wire.answer().await;
        assert!(matches!(heard.statuses()[..], [400 | 404]), "{path}: {heard:?}");
        assert!(!heard.text.contains("root:"), "{path}: {heard:?}");
    }
    ground.is_unharmed("paths that climb").await;
}

#[tokio::test]
async fn what_a_caller_wrote_never_becomes_a_header() {
    let ground = Ground::prepare().await;
    ground.call("PUT", &format!("/devices/injected?{VERSION}"), json!({"deviceId": "injected"})).await;
    let twin = format!("/twins/injected?{VERSION}");
    let value = "x\r\nset-cookie: a=b\r\n\r\n<script>";
    let reply = ground.call("PATCH", &twin, json!({"tags": {"a": value}})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let read = ground.call("GET", &twin, Value::Null).await;
    assert_eq!(read.body["tags"]["a"], value);
    for reply in [reply, read] {
        assert!(reply.headers.get("set-cookie").is_none());
        assert!(reply.header("content-type").starts_with("application/json"));
    }
}

/// What a back end writes into a message's properties, a device over HTTPS reads as fields of the head.
#[tokio::test]
async fn a_messages_properties_never_become_fields_of_their_own() {
    const LURE: &str = "x\r\nset-cookie: a=b\r\n\r\n<script>";
    let ground = Ground::prepare().await;
    let sas = ground.emulator.sas(json!({"policy": "service"})).await;
    let port = ground.emulator.ready()["iot_hubs"][0]["amqp"].as_str().unwrap();
    let (tls, user) = (ground.emulator.client().tls(), "service@sas.root.contoso-hub");
    let back_end = Amqp::connect(tls, port, user, sas.value().unwrap(), "/messages/devicebound").await;
    let properties = Properties {
        message_id: codec::Value::string(LURE),
        to: Some(format!("/devices/{DEVICE}/messages/deviceBound").into()),
        correlation_id: codec::Value::string(LURE),
        ..Properties::default()
    };
    let pairs = [("good", "yes"), ("lure", LURE), (LURE, "1"), ("a: b", "1"), ("nul", "\0"), ("bell", "\u{7}")];
    let pairs = pairs.map(|(name, value)| (codec::Value::string(name), codec::Value::string(value)));
    let message = WireMessage {
        properties: Some(properties),
        application_properties: Map(pairs.into()),
        body: Body::data(LURE),
        ..WireMessage::default()
    };
    back_end.expect("the hub accepts a back end").send(&message).await;
    let device = ground.emulator.sas(json!({"device": DEVICE})).await;
    let line = format!("GET /devices/{DEVICE}/messages/deviceBound?{VERSION} HTTP/1.1\r\nHost: localhost");
    let mut wire = ground.dial().await;
    wire.say(format!("{line}\r\nAuthorization: {}\r\n\r\n", device.value().unwrap())).await;
    let heard = wire.answer().await;
    assert_eq!(heard.statuses(), [200], "{heard:?}");
    let (head, body) = heard.text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, LURE);
    assert!(head.contains("\r\niothub-app-good: yes\r\n") || head.ends_with("\r\niothub-app-good: yes"), "{head}");
    let fields: Vec<&str> = head.split("\r\n").skip(1).map(|field| field.split(':').next().unwrap()).collect();
    assert!(!fields.contains(&"set-cookie") && !fields.contains(&"iothub-app-a"), "{head}");
    assert!(head.bytes().all(|byte| byte >= b' ' || byte == b'\r' || byte == b'\n'), "{head:?}");
}

/// Every port of the emulator, as the system lists what is listened on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_bind_address_every_port_is_this_machines_alone() {
    let ground = Ground::prepare().await;
    let ports = ports_in(ground.emulator.ready());
    assert!(ports.len() >= 5, "{ports:?}");
    let mut looked_at = 0;
    for (file, loopback) in
        [("/proc/self/net/tcp", "0100007F"), ("/proc/self/net/tcp6", "00000000000000000000000001000000")]
    {
        // A machine may have no IPv6.
        for line in std::fs::read_to_string(file).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, port) = fields[1].split_once(':').unwrap();
            let is_listened_on = fields[3] == "0A";
            if is_listened_on && ports.contains(&u16::from_str_radix(port, 16).unwrap()) {
                assert_eq!(address, loopback, "{line}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= ports.len(), "{looked_at} of {ports:?}");
}

/// The ports that a ready file tells of.
#[cfg(target_os = "linux")]
fn ports_in(ready: &Value) -> std::collections::BTreeSet<u16> {
    let text = ready.to_string();
    text.split("localhost:")
        .skip(1)
        .filter_map(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok())
        .collect()
}

#[tokio::test]
async fn the_control_api_answers_to_this_machine_only() {
    let ground = Ground::prepare().await;
    let (client, base) = (ground.emulator.client(), ground.emulator.control_base());
    let nobody = Credential::none();
    for (header, value) in [
        ("host", "evil.example"),
        ("host", "localhost.evil.example:8080"),
        ("host", "127.0.0.1.nip.io"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://localhost.evil.example"),
    ] {
        let reply =
            client.send("POST", &format!("{base}/reset?seed=empty"), &nobody, &[(header, value)], Vec::new()).await;
        assert_eq!(reply.status, 403, "{header}: {value}: {}", reply.body);
        assert!(reply.headers.get("access-control-allow-origin").is_none());
        // Managed identity gives tokens away at the same port.
        let imds = format!("{}/metadata/identity/oauth2/token", base.strip_suffix("/iolite/v1").unwrap());
        let imds = format!("{imds}?api-version=2018-02-01&resource=https://iothubs.azure.net");
        let asked = [(header, value), ("metadata", "true")];
        let reply = client.send("GET", &imds, &nobody, &asked, Vec::new()).await;
        assert_eq!(reply.status, 403, "{header}: {value}: {}", reply.body);
    }
    ground.is_unharmed("calls from elsewhere").await;
}

#[tokio::test]
async fn the_control_api_refuses_bad_bodies_clearly() {
    let ground = Ground::prepare().await;
    let (client, base) = (ground.emulator.client(), ground.emulator.control_base());
    let nobody = Credential::none();
    for (path, body) in [
        ("/clock", "{".to_owned()),
        ("/clock", "[".repeat(60_000)),
        ("/clock", "{\"advanceSeconds\":\"long\"}".to_owned()),
        ("/clock", "{\"advanceSeconds\":1e300}".to_owned()),
        ("/clock", "{\"set\":\"yesterday\"}".to_owned()),
        ("/clock", "{}".to_owned()),
        ("/token", "{\"principal\":1}".to_owned()),
        ("/token", "{\"principal\":\"owner-app\",\"audience\":\"hub\",\"flaw\":\"ugly\"}".to_owned()),
        ("/sas", "{\"ttlSeconds\":9223372036854775807}".to_owned()),
        ("/check", "{\"principal\":\"owner-app\",\"action\":\"x\",\"resource\":\"nowhere\"}".to_owned()),
        ("/hubs/contoso-hub/local-auth", "{\"disabled\":\"yes\"}".to_owned()),
        ("/snapshots/..%2F..%2Fx", String::new()),
    ] {
        let reply = client.send("POST", &format!("{base}{path}"), &nobody, &[], body.clone().into_bytes()).await;
        let shown = body.chars().take(80).collect::<String>();
        assert!(matches!(reply.status, 400 | 404), "{path} {shown}: {} {}", reply.status, reply.body);
        assert!(reply.body["error"]["message"].as_str().is_some_and(|message| message.len() < 500), "{path} {shown}");
    }
    let large = vec![b' '; 100 * 1024];
    let reply = client.send("POST", &format!("{base}/clock"), &nobody, &[], large).await;
    assert_eq!(reply.status, 413, "{}", reply.body);
    ground.is_unharmed("bad bodies at the control API").await;
}
