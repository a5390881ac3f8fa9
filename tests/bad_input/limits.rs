//! Row H3: too much of anything is refused before it is read, and nothing is set aside for what is only announced.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431_or_414() {
    let ground = Ground::prepare().await;
    let get = ground.head(&format!("GET /devices/{DEVICE}?{VERSION}"));
    let given = get.matches("\r\n").count() - 1;
    let fields = |count: usize| (given..count).fold(get.clone(), |head, number| format!("{head}X-{number}: y\r\n"));
    let target = |length: usize| {
        let line = format!("GET /devices/{DEVICE}?{VERSION}&x=");
        let padding = "y".repeat(length + "GET ".len() - line.len());
        ground.head(&format!("{line}{padding}"))
    };
    for (what, head, status) in [
        ("100 fields", fields(100), 200),
        ("101 fields", fields(101), 431),
        ("a field of 22 KB", format!("{get}X-Long: {}\r\n", "y".repeat(22 * 1024)), 200),
        ("a field of 24 KB", format!("{get}X-Long: {}\r\n", "y".repeat(24 * 1024)), 431),
        ("a field of 64 KB", format!("{get}X-Long: {}\r\n", "y".repeat(64 * 1024)), 431),
        ("a name of 64 KB", format!("{get}{}: y\r\n", "x".repeat(64 * 1024)), 431),
        ("a field of 1 MB", format!("{get}X-Long: {}\r\n", "y".repeat(1024 * 1024)), 431),
        ("a target of 8 KB", target(8 * 1024), 200),
        ("a target of 8 KB and a byte", target(8 * 1024 + 1), 414),
        ("a target of 64 KB", target(64 * 1024), 431),
    ] {
        let mut wire = ground.dial().await;
        wire.say(format!("{head}\r\n")).await;
        let heard = if status == 200 { wire.answer().await } else { wire.hear_to_the_end(what).await };
        assert_eq!(heard.statuses(), [status], "{what}: {heard:?}");
        ground.is_unharmed(what).await;
    }
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_refused_unread() {
    let ground = Ground::prepare().await;
    let before = resident_kilobytes();
    for (length, status) in [
        (10_737_418_240_u64, 413),
        (4 * 1024 * 1024 + 1, 413),
        (9_223_372_036_854_775_807, 413),
        (18_446_744_073_709_551_615, 413),
    ] {
        let head = ground.head(&format!("PUT /devices/announced?{VERSION}"));
        let mut wire = ground.dial().await;
        let asked = Instant::now();
        wire.say(format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n")).await;
        let heard = wire.hear_to_the_end(&format!("{length} bytes announced")).await;
        // The two largest lengths that there are mean something else to hyper, which refuses them itself.
        assert!(
            heard.statuses() == [status] || (length > 1 << 62 && matches!(heard.statuses()[..], [400 | 431])),
            "{length}: {heard:?}"
        );
        assert!(asked.elapsed() < Duration::from_secs(5), "{length}: the answer waited for the body");
    }
    // Other tests of this process take memory meanwhile; what was announced would be thousands of times as much.
    assert!(resident_kilobytes() < before + 1024 * 1024, "memory was taken by what was announced");
    ground.is_unharmed("announced bodies").await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let ground = Ground::prepare().await;
    let whole = format!("{{\"deviceId\":\"large\",\"x\":\"{}\"}}", "y".repeat(10 * 1024 * 1024));
    let head = ground.head(&format!("PUT /devices/large?{VERSION}"));
    let lengthy = format!("{head}Content-Length: {}\r\n\r\n{whole}", whole.len());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{whole}\r\n0\r\n\r\n", whole.len());
    for (what, text) in [("10 MB", lengthy), ("10 MB in a chunk", chunked)] {
        let mut wire = ground.dial().await;
        let (said, heard) = {
            // The answer may come before all is sent, and then the rest is not taken.
            let said = wire.say(text.as_bytes()).await;
            (said, wire.hear_to_the_end(what).await)
        };
        assert!(heard.statuses() == [413] || (!said && heard.statuses().is_empty()), "{what}: {heard:?}");
        ground.is_unharmed(what).await;
    }
}

#[tokio::test]
async fn a_body_for_a_caller_who_may_not_is_not_read_at_all() {
    let ground = Ground::prepare().await;
    let mut wire = ground.dial().await;
    let head = format!("PUT /devices/nobody?{VERSION} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    wire.say(head).await;
    let heard = wire.answer().await;
    assert_eq!(heard.statuses(), [401], "{heard:?}");
    ground.is_unharmed("a body behind a refusal").await;
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let ground = Ground::prepare().await;
    // A gzip member's beginning: whatever it would grow to, it is no JSON as it stands.
    let bomb = [&[0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3][..], &[0xed; 4096][..]].concat();
    let headers = [("content-encoding", "gzip"), ("content-type", "application/json")];
    let reply = ground.send("PUT", &format!("/devices/bomb?{VERSION}"), &headers, bomb).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    ground.is_unharmed("a compressed body").await;
}

#[tokio::test]
async fn a_twin_over_its_limits_is_refused_by_size() {
    let ground = Ground::prepare().await;
    let twin = format!("/twins/{DEVICE}?{VERSION}");
    for (what, body) in [
        (
            "tags over 8 KB",
            json!({"tags": {"a": {"b": "y".repeat(4000), "c": "y".repeat(4000), "d": "y".repeat(1000)}}}),
        ),
        ("desired properties over 32 KB", desired(33 * 1024)),
        ("a value over 4 KB", json!({"tags": {"a": "y".repeat(4097)}})),
        ("a megabyte", desired(1024 * 1024)),
    ] {
        let reply = ground.call("PATCH", &twin, body).await;
        assert!(matches!(reply.status, 400 | 413), "{what}: {} {}", reply.status, reply.body);
        assert!(reply.header("iothub-errorcode").len() > 3, "{what}: {reply:?}");
        ground.is_unharmed(what).await;
    }
}

fn desired(bytes: usize) -> Value {
    let values: serde_json::Map<String, Value> =
        (0..=bytes / 4000).map(|number| (format!("k{number}"), json!("y".repeat(4000)))).collect();
    json!({"properties": {"desired": values}})
}

/// How much memory this process, and so the emulator in it, has resident.
fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or_default()
}
