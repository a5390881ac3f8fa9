//! Row H6: preconditions that fail, are missing or make no sense, and changes that cannot be made.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};

#[tokio::test]
async fn an_etag_that_is_stale_or_none_changes_nothing() {
    let ground = Ground::prepare().await;
    let target = format!("/devices/{DEVICE}?{VERSION}");
    let twin = format!("/twins/{DEVICE}?{VERSION}");
    let device = json!({"deviceId": DEVICE, "status": "disabled", "statusReason": "changed"}).to_string();
    let tags = json!({"tags": {"changed": true}}).to_string();
    for (what, etag, statuses) in [
        ("stale", "\"MTIz\"", &[412][..]),
        ("stale and unquoted", "MTIz", &[412]),
        ("weak", "W/\"MTIz\"", &[400, 412]),
        ("an open quote", "\"MTIz", &[400, 412]),
        ("two of them", "\"MTIz\", \"NDU2\"", &[400, 412]),
        ("two stars", "**", &[400, 412]),
        ("8 KB", &"x".repeat(8000), &[400, 412]),
    ] {
        for (method, target, body) in [
            ("PUT", &target, &device),
            ("PUT", &twin, &tags),
            ("PATCH", &twin, &tags),
            ("DELETE", &target, &String::new()),
        ] {
            let reply = ground.send(method, target, &[("if-match", etag)], body.clone()).await;
            assert!(statuses.contains(&reply.status), "{what}: {method} {target}: {} {}", reply.status, reply.body);
            ground.is_unharmed(what).await;
        }
    }
}

#[tokio::test]
async fn a_device_that_is_there_is_not_replaced_without_a_condition() {
    let ground = Ground::prepare().await;
    let target = format!("/devices/{DEVICE}?{VERSION}");
    let reply = ground.call("PUT", &target, json!({"deviceId": DEVICE})).await;
    assert_eq!((reply.status, reply.header("iothub-errorcode")), (409, "DeviceAlreadyExists"));
    ground.is_unharmed("a second creation").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_changes_on_one_etag_exactly_one_is_made() {
    let ground = Arc::new(Ground::prepare().await);
    for _ in 0..5 {
        let twin = ground.call("GET", &format!("/twins/{DEVICE}?{VERSION}"), Value::Null).await;
        let (etag, version) = (twin.body["etag"].as_str().unwrap().to_owned(), twin.body["version"].as_i64().unwrap());
        let changes: Vec<_> = (0..8)
            .map(|number| {
                let (ground, etag) = (ground.clone(), format!("\"{etag}\""));
                tokio::spawn(async move {
                    let body = json!({"tags": {"winner": number}}).to_string();
                    let target = format!("/twins/{DEVICE}?{VERSION}");
                    (number, ground.send("PATCH", &target, &[("if-match", &etag)], body).await.status)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for change in changes {
            match change.await.unwrap() {
                (number, 200) => winners.push(number),
                (_, status) => assert_eq!(status, 412),
            }
        }
        let after = ground.call("GET", &format!("/twins/{DEVICE}?{VERSION}"), Value::Null).await.body;
        assert_eq!(winners.len(), 1);
        assert_eq!((&after["tags"]["winner"], &after["version"]), (&json!(winners[0]), &json!(version + 1)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_replacements_of_a_device_on_one_etag_exactly_one_is_made() {
    let ground = Arc::new(Ground::prepare().await);
    let target = format!("/devices/contested?{VERSION}");
    let made = ground.call("PUT", &target, json!({"deviceId": "contested"})).await;
    let etag = format!("\"{}\"", made.body["etag"].as_str().unwrap());
    let replacements = (0..8).map(|number| {
        let (ground, etag, target) = (ground.clone(), etag.clone(), target.clone());
        tokio::spawn(async move {
            let body = json!({"deviceId": "contested", "statusReason": format!("by {number}")}).to_string();
            (number, ground.send("PUT", &target, &[("if-match", &etag)], body).await.status)
        })
    });
    let mut winners = Vec::new();
    for replacement in replacements.collect::<Vec<_>>() {
        match replacement.await.unwrap() {
            (number, 200) => winners.push(number),
            (_, status) => assert_eq!(status, 412),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    let kept = ground.call("GET", &target, Value::Null).await.body;
    assert_eq!(kept["statusReason"], format!("by {}", winners[0]));
    // Any version is one that is there.
    let body = json!({"deviceId": "nobody"}).to_string();
    let nobody = ground.send("PUT", &format!("/devices/nobody?{VERSION}"), &[("if-match", "*")], body).await;
    assert!(matches!(nobody.status, 404 | 412), "{} {}", nobody.status, nobody.body);
    ground.is_unharmed_but(&["contested"]).await;
}

#[tokio::test]
async fn a_digital_twins_patch_that_cannot_be_made_leaves_it_as_it_was() {
    let ground = Ground::prepare().await;
    let twins = ground.emulator.token("owner-app", "twins").await;
    let call = async |method: &str, path: &str, body: Value| {
        ground.emulator.call(method, &format!("{path}?api-version=2023-10-31"), &twins, body).await
    };
    let model = json!([{"@id": "dtmi:test:Press;1", "@type": "Interface", "@context": "dtmi:dtdl:context;2",
        "contents": [{"@type": "Property", "name": "speed", "schema": "double"}]}]);
    let made = call("POST", "/models", model).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let twin = json!({"$metadata": {"$model": "dtmi:test:Press;1"}, "speed": 1.5});
    let made = call("PUT", "/digitaltwins/press", twin).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let before = call("GET", "/digitaltwins/press", Value::Null).await.body;
    for patch in [
        json!([{"op": "test", "path": "/speed", "value": 2}]),
        json!([{"op": "remove", "path": "/colour"}]),
        json!([{"op": "replace", "path": "/$metadata/$model", "value": "dtmi:test:Other;1"}]),
        json!([{"op": "add", "path": "/$metadata/speed", "value": {}}]),
        json!([{"op": "replace", "path": "/$dtId", "value": "other"}]),
        json!([{"op": "replace", "path": "/$etag", "value": "x"}]),
        json!([{"op": "replace", "path": "/speed", "value": "fast"}]),
        json!([{"op": "replace", "path": "/speed", "value": 2}, {"op": "remove", "path": "/colour"}]),
        json!([{"op": "spin", "path": "/speed"}]),
        json!([{"op": "replace", "path": "speed", "value": 2}]),
        json!([{"op": "replace", "path": "/speed~2", "value": 2}]),
        json!({"op": "replace", "path": "/speed", "value": 2}),
        json!([1]),
        json!([{"op": "add", "path": "/speed", "value": 1, "padding": "x".repeat(33 * 1024)}]),
    ] {
        let reply = call("PATCH", "/digitaltwins/press", patch.clone()).await;
        let shown: String = patch.to_string().chars().take(100).collect();
        assert!(matches!(reply.status, 400 | 413), "{shown}: {} {}", reply.status, reply.body);
        assert_eq!(call("GET", "/digitaltwins/press", Value::Null).await.body, before, "{shown}");
    }
    for etag in ["W/\"00000000-0000-0000-0000-000000000000\"", "\"x\"", "x"] {
        let patch = json!([{"op": "replace", "path": "/speed", "value": 2}]).to_string();
        let target = "/digitaltwins/press?api-version=2023-10-31";
        let reply = ground.emulator.call_with("PATCH", target, &twins, &[("if-match", etag)], patch).await;
        assert!(matches!(reply.status, 400 | 412), "{etag}: {} {}", reply.status, reply.body);
        assert_eq!(call("GET", "/digitaltwins/press", Value::Null).await.body, before, "{etag}");
    }
}
