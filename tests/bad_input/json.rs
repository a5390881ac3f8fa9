//! Row H4: bodies that are no JSON, or not the JSON that is asked for, at every service that reads JSON.

use iolite_testkit::Credential;
use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};

/// An operation that reads a JSON object.
struct Reader {
    what: &'static str,
    method: &'static str,
    target: String,
    credential: Credential,
}

async fn readers(ground: &Ground) -> Vec<Reader> {
    let emulator = &ground.emulator;
    let reader = |what, method, target: &str, credential: &Credential| Reader {
        what,
        method,
        target: target.to_owned(),
        credential: credential.clone(),
    };
    let (hub, dps) = (&ground.owner, &emulator.token("owner-app", "dps").await);
    let (twins, arm) = (&emulator.token("owner-app", "twins").await, &emulator.token("owner-app", "arm").await);
    let hub_id = emulator.resource_id("iot_hubs");
    let dps_id = emulator.resource_id("provisioning_services");
    let twins_id = emulator.resource_id("digital_twins");
    vec![
        reader("a device", "PUT", &format!("/devices/{DEVICE}?{VERSION}"), hub),
        reader("a module", "PUT", &format!("/devices/{DEVICE}/modules/m?{VERSION}"), hub),
        reader("a twin's change", "PATCH", &format!("/twins/{DEVICE}?{VERSION}"), hub),
        reader("a twin", "PUT", &format!("/twins/{DEVICE}?{VERSION}"), hub),
        reader("a twin query", "POST", &format!("/devices/query?{VERSION}"), hub),
        reader("a configuration", "PUT", &format!("/configurations/c?{VERSION}"), hub),
        reader("a method call", "POST", &format!("/twins/{DEVICE}/methods?{VERSION}"), hub),
        reader("an enrolment", "PUT", "/enrollments/e?api-version=2021-10-01", dps),
        reader("an enrolment group", "PUT", "/enrollmentGroups/g?api-version=2021-10-01", dps),
        reader("an enrolment query", "POST", "/enrollments/query?api-version=2021-10-01", dps),
        reader("bulk enrolments", "POST", "/enrollments?api-version=2021-10-01", dps),
        reader("a digital twin", "PUT", "/digitaltwins/t?api-version=2023-10-31", twins),
        reader("a hub", "PUT", &format!("{hub_id}?api-version=2023-06-30"), arm),
        reader("a hub's change", "PATCH", &format!("{hub_id}?api-version=2023-06-30"), arm),
        reader("a provisioning service", "PUT", &format!("{dps_id}?api-version=2022-12-12"), arm),
        reader("an instance", "PUT", &format!("{twins_id}?api-version=2023-01-31"), arm),
        reader(
            "a role assignment",
            "PUT",
            &format!(
                "{hub_id}/providers/Microsoft.Authorization/roleAssignments/c0ffee00-0000-4000-8000-0000000009ff?api-version=2022-04-01"
            ),
            arm,
        ),
        reader(
            "a role definition",
            "PUT",
            &format!(
                "{hub_id}/providers/Microsoft.Authorization/roleDefinitions/c0ffee00-0000-4000-8000-0000000009fe?api-version=2022-04-01"
            ),
            arm,
        ),
    ]
}

/// Bodies that nobody takes for a JSON object.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str| open.repeat(100_000).into_bytes();
    vec![
        ("a body cut short", br#"{"deviceId":"#.to_vec()),
        ("brackets at odds", b"{]".to_vec()),
        ("a bare word", b"nul".to_vec()),
        ("single quotes", b"{'a':1}".to_vec()),
        ("a comma too many", br#"{"a":1,}"#.to_vec()),
        ("a comment", br#"{"a":1/*b*/}"#.to_vec()),
        ("something behind", br#"{"a":1} x"#.to_vec()),
        ("two objects", b"{}{}".to_vec()),
        ("no number", br#"{"a":NaN}"#.to_vec()),
        ("a number with a plus", br#"{"a":+1}"#.to_vec()),
        ("a number that begins with nought", br#"{"a":01}"#.to_vec()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("bytes that are no UTF-8", b"{\"a\":\"\xff\xfe\"}".to_vec()),
        ("UTF-8 longer than need be", b"{\"a\":\"\xc0\xaf\"}".to_vec()),
        ("UTF-16", b"{\0}\0".to_vec()),
        ("half a surrogate pair", br#"{"\ud800":1}"#.to_vec()),
        ("a raw line break in a string", b"{\"a\":\"\n\"}".to_vec()),
        ("a NUL", b"{\"a\":\"\0\"}".to_vec()),
        ("100,000 arrays", deep("[")),
        ("100,000 objects", deep("{\"a\":")),
        ("100,000 arrays that are closed", [deep("["), deep("]")].concat()),
        (
            "100,000 objects in a field",
            [br#"{"tags":"#.to_vec(), deep("{\"a\":"), b"1".to_vec(), deep("}"), b"}".to_vec()].concat(),
        ),
        ("a text", br#""text""#.to_vec()),
        ("a number", b"1".to_vec()),
        ("an array", b"[1]".to_vec()),
        ("nothing said", b"null".to_vec()),
    ]
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_by_every_service_in_its_own_words() {
    let ground = Ground::prepare().await;
    let mut wrong = Vec::new();
    for reader in readers(&ground).await {
        for (what, body) in bodies() {
            let reply = ground.emulator.call_with(reader.method, &reader.target, &reader.credential, &[], body).await;
            let said = &reply.body;
            let named = said["Message"]
                .as_str()
                .is_some_and(|message| message.starts_with("ErrorCode:") || message.starts_with('{'))
                || said["errorCode"].is_u64()
                || said["error"]["code"].is_string()
                || said["code"].is_string()
                || said["code"].is_u64()
                || said["title"].is_string();
            // A digital twin has a limit of size, which is looked at first.
            let refused = reply.status == 400 || (reply.status == 413 && reader.what == "a digital twin");
            if !refused || !named {
                wrong.push(format!(
                    "{} as {what}: {} {}",
                    reader.what,
                    reply.status,
                    String::from_utf8_lossy(&reply.bytes)
                ));
            }
        }
        ground.is_unharmed(reader.what).await;
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn members_of_the_wrong_type_are_refused() {
    let ground = Ground::prepare().await;
    let mut wrong = Vec::new();
    let device = format!("/devices/{DEVICE}?{VERSION}");
    let fresh = format!("/devices/fresh?{VERSION}");
    let twin = format!("/twins/{DEVICE}?{VERSION}");
    for (method, target, body) in [
        ("PUT", &device, json!({"deviceId": 1})),
        ("PUT", &fresh, json!({"deviceId": "fresh", "status": "asleep"})),
        ("PUT", &fresh, json!({"deviceId": "fresh", "status": 1})),
        ("PUT", &device, json!({"deviceId": "another"})),
        ("PUT", &fresh, json!({"deviceId": "fresh", "authentication": "sas"})),
        ("PUT", &fresh, json!({"deviceId": "fresh", "authentication": {"type": "magic"}})),
        (
            "PUT",
            &fresh,
            json!({"deviceId": "fresh", "authentication": {"type": "sas", "symmetricKey": {"primaryKey": 1}}}),
        ),
        (
            "PUT",
            &fresh,
            json!({"deviceId": "fresh", "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "!", "secondaryKey": "!"}}}),
        ),
        ("PUT", &fresh, json!({"deviceId": "fresh", "capabilities": {"iotEdge": "yes"}})),
        ("PATCH", &twin, json!({"tags": "text"})),
        ("PATCH", &twin, json!({"tags": {"a.b": 1}})),
        ("PATCH", &twin, json!({"tags": {"$a": 1}})),
        ("PATCH", &twin, json!({"tags": {"a b": 1}})),
        ("PATCH", &twin, json!({"tags": {"a\u{0}": 1}})),
        ("PATCH", &twin, json!({"properties": []})),
        ("PATCH", &twin, json!({"properties": {"desired": 1}})),
        ("POST", &format!("/devices/query?{VERSION}"), json!({"query": 1})),
        ("POST", &format!("/devices/query?{VERSION}"), json!({"query": "SELECT"})),
        ("POST", &format!("/devices?{VERSION}"), json!([{"id": 1, "importMode": "create"}])),
        ("POST", &format!("/twins/{DEVICE}/methods?{VERSION}"), json!({"methodName": 1})),
        (
            "POST",
            &format!("/twins/{DEVICE}/methods?{VERSION}"),
            json!({"methodName": "m", "responseTimeoutInSeconds": "long"}),
        ),
    ] {
        let reply = ground.call(method, target, body.clone()).await;
        if reply.status != 400 || reply.header("iothub-errorcode").is_empty() {
            wrong.push(format!("{method} {target} {body}: {} {}", reply.status, reply.body));
        }
    }
    ground.is_unharmed("members of the wrong type").await;
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn very_many_and_very_long_members_are_no_trouble() {
    let ground = Ground::prepare().await;
    let many = (0..100_000).map(|number| format!("\"k{number}\":1")).collect::<Vec<_>>().join(",");
    let a_million = (0..1_000_000).map(|number| format!("\"k{number}\":1")).collect::<Vec<_>>().join(",");
    for (what, body) in [
        ("100,000 tags", format!("{{\"tags\":{{{many}}}}}")),
        ("a million tags", format!("{{\"tags\":{{{a_million}}}}}")),
        ("a name of a megabyte", format!("{{\"tags\":{{\"{}\":1}}}}", "k".repeat(1024 * 1024))),
        ("a number of a megabyte", format!("{{\"tags\":{{\"k\":{}}}}}", "1".repeat(1024 * 1024))),
        ("a number beyond all", "{\"tags\":{\"k\":1e999}}".to_owned()),
    ] {
        let reply = ground.send("PATCH", &format!("/twins/{DEVICE}?{VERSION}"), &[], body).await;
        assert!(matches!(reply.status, 400 | 413), "{what}: {} {}", reply.status, reply.body);
        ground.is_unharmed(what).await;
    }
}

/// Which of two values counts is not written anywhere: what is kept must be one of them, and the one that is shown.
#[tokio::test]
async fn a_name_that_stands_twice_is_refused_or_has_one_value_for_everybody() {
    let ground = Ground::prepare().await;
    ground.call("PUT", &format!("/devices/doubled?{VERSION}"), json!({"deviceId": "doubled"})).await;
    let target = format!("/twins/doubled?{VERSION}");
    let reply = ground.send("PATCH", &target, &[], r#"{"tags":{"a":1,"a":2},"tags":{"b":1,"b":3}}"#).await;
    assert!(matches!(reply.status, 200 | 400), "{}", reply.body);
    let shown = ground.call("GET", &target, Value::Null).await;
    let query = json!({"query": "SELECT * FROM devices WHERE deviceId = 'doubled'"});
    let found = ground.call("POST", &format!("/devices/query?{VERSION}"), query).await;
    assert_eq!(shown.body["tags"], found.body[0]["tags"]);
    let text = String::from_utf8(shown.bytes.to_vec()).unwrap();
    assert!(text.matches("\"tags\"").count() <= 1 && text.matches("\"b\"").count() <= 1, "{text}");
    // An id that is told twice must not make a device that the path does not name.
    let twice = r#"{"deviceId":"doubled-1","deviceId":"doubled-2"}"#;
    for id in ["doubled-1", "doubled-2"] {
        let made = ground.send("PUT", &format!("/devices/{id}?{VERSION}"), &[], twice).await;
        assert!(made.status == 400 || made.body["deviceId"] == id, "{id}: {} {}", made.status, made.body);
        let headers = [("if-match", "*")];
        ground.send("DELETE", &format!("/devices/{id}?{VERSION}"), &headers, "").await;
    }
    ground.is_unharmed_but(&["doubled"]).await;
}

#[tokio::test]
async fn half_a_surrogate_pair_and_a_nought_below_nothing_change_no_other_member() {
    let ground = Ground::prepare().await;
    ground.call("PUT", &format!("/devices/odd?{VERSION}"), json!({"deviceId": "odd"})).await;
    let target = format!("/twins/odd?{VERSION}");
    for text in [r#""\ud800""#, r#""\udc00x""#, r#""\ud800\ud800""#, r#""\udfff\ud800""#] {
        let reply = ground.send("PATCH", &target, &[], format!("{{\"tags\":{{\"a\":{text}}}}}")).await;
        assert_eq!(reply.status, 400, "{text}: {}", reply.body);
    }
    let reply = ground.send("PATCH", &target, &[], r#"{"tags":{"a":-0,"b":-0.0,"c":"\ud83d\ude00"}}"#).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let tags = ground.call("GET", &target, Value::Null).await.body["tags"].clone();
    assert_eq!((tags["a"].as_f64(), tags["b"].as_f64(), &tags["c"]), (Some(0.0), Some(0.0), &json!("😀")));
    ground.is_unharmed_but(&["odd"]).await;
}

/// The documented range of a twin's whole numbers ends at 2^52 in either direction.
#[tokio::test]
async fn whole_numbers_keep_their_digits_or_are_refused() {
    let ground = Ground::prepare().await;
    ground.call("PUT", &format!("/devices/digits?{VERSION}"), json!({"deviceId": "digits"})).await;
    let target = format!("/twins/digits?{VERSION}");
    let body = r#"{"tags":{"most":4503599627370495,"least":-4503599627370495,"broken":0.1}}"#;
    let reply = ground.send("PATCH", &target, &[], body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    for digits in ["9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551616"] {
        let reply = ground.send("PATCH", &target, &[], format!("{{\"tags\":{{\"most\":{digits}}}}}")).await;
        assert_eq!(reply.status, 400, "{digits}: {}", reply.body);
    }
    let tags = ground.call("GET", &target, Value::Null).await.body["tags"].clone();
    assert_eq!(tags, json!({"most": 4_503_599_627_370_495_i64, "least": -4_503_599_627_370_495_i64, "broken": 0.1}));
}

#[tokio::test]
async fn a_body_of_another_media_type_is_refused() {
    let ground = Ground::prepare().await;
    for media_type in
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let body = json!({"deviceId": DEVICE}).to_string();
        let headers = [("content-type", media_type), ("if-match", "*")];
        let reply = ground.send("PUT", &format!("/devices/{DEVICE}?{VERSION}"), &headers, body).await;
        assert_eq!(reply.status, 415, "{media_type}: {}", reply.body);
        ground.is_unharmed(media_type).await;
    }
}

#[tokio::test]
async fn an_api_version_that_is_missing_or_unknown_is_refused_by_every_service() {
    let ground = Ground::prepare().await;
    let emulator = &ground.emulator;
    let (dps, twins) = (emulator.token("owner-app", "dps").await, emulator.token("owner-app", "twins").await);
    let arm = emulator.token("owner-app", "arm").await;
    let hub_id = emulator.resource_id("iot_hubs");
    for (path, credential) in [
        (format!("/devices/{DEVICE}"), &ground.owner),
        ("/enrollments/x".to_owned(), &dps),
        ("/models".to_owned(), &twins),
        (hub_id, &arm),
    ] {
        for query in
            ["", "?api-version=", "?api-version=latest", "?api-version=1999-01-01x", "?api-version=2021-04-12%00"]
        {
            let reply = emulator.call("GET", &format!("{path}{query}"), credential, Value::Null).await;
            assert_eq!(reply.status, 400, "{path}{query}: {}", reply.body);
        }
    }
}
