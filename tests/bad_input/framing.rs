//! Row H1: where one request ends and the next begins.

use crate::ground::{DEVICE, Ground, VERSION, Wire};

/// A request that must never be taken for one: it would make a device.
fn smuggled(ground: &Ground) -> String {
    let head = ground.head(&format!("PUT /devices/smuggled?{VERSION}"));
    format!("{head}Content-Type: application/json\r\nContent-Length: 23\r\n\r\n{{\"deviceId\":\"smuggled\"}}")
}

/// Heads that can be read in two ways, or in none. `get` and `post` are heads that are good as far as they go: the first
/// of a request without a body, the second of one with a body.
fn heads(get: &str, post: &str) -> Vec<(&'static str, String)> {
    let chunk = "0\r\n\r\n";
    let target = get.strip_prefix("GET ").unwrap();
    let elsewhere = format!("GET https://evil.example{target}");
    let spaced = get.replacen('?', " ?", 1);
    vec![
        ("a length, then chunks", format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")),
        ("chunks, then a length", format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{chunk}")),
        ("two lengths", format!("{post}Content-Length: 5\r\nContent-Length: 0\r\n\r\n{chunk}")),
        ("one length twice", format!("{post}Content-Length: 5\r\nContent-Length: 5\r\n\r\n{chunk}")),
        ("chunks twice", format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")),
        ("chunks, then identity", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n{chunk}")),
        ("identity", format!("{post}Transfer-Encoding: identity\r\n\r\n{chunk}")),
        ("an encoding of no meaning", format!("{post}Transfer-Encoding: xchunked\r\n\r\n{chunk}")),
        (
            "chunks in HTTP/1.0",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunk}").replace("HTTP/1.1", "HTTP/1.0"),
        ),
        ("a list of lengths", format!("{post}Content-Length: 5, 5\r\n\r\n{chunk}")),
        ("a length with a sign", format!("{post}Content-Length: +5\r\n\r\n{chunk}")),
        ("a length below nothing", format!("{post}Content-Length: -5\r\n\r\n{chunk}")),
        ("a length of sixteen", format!("{post}Content-Length: 0x5\r\n\r\n{chunk}")),
        ("a length beyond all", format!("{post}Content-Length: 18446744073709551616\r\n\r\n{chunk}")),
        ("an empty length", format!("{post}Content-Length:\r\n\r\n{chunk}")),
        ("a folded field", format!("{get}X-Folded: a\r\n b\r\n\r\n")),
        ("a folded length", format!("{post}Content-Length:\r\n 5\r\n\r\n{chunk}")),
        ("a bare line feed", format!("{get}X-Bare: a\nContent-Length: 5\r\n\r\n")),
        ("bare line feeds only", get.replace("\r\n", "\n") + "\n"),
        ("a bare carriage return", format!("{get}X-Bare: a\rContent-Length: 5\r\n\r\n")),
        ("a NUL in a value", format!("{get}X-Nul: a\0b\r\n\r\n")),
        ("a NUL in a name", format!("{get}X-\0Nul: a\r\n\r\n")),
        ("a control character in a value", format!("{get}X-Bell: a\u{7}\r\n\r\n")),
        ("a space before the colon", format!("{post}Content-Length : 5\r\n\r\n{chunk}")),
        ("no colon", format!("{get}Content-Length\r\n\r\n")),
        ("no name", format!("{get}: 5\r\n\r\n")),
        ("a field that begins with a space", get.replacen("\r\nHost", "\r\n Host", 1) + "\r\n"),
        ("a space in the target", spaced + "\r\n"),
        ("no version", get.replacen(" HTTP/1.1", "", 1) + "\r\n"),
        ("a version to come", get.replacen("HTTP/1.1", "HTTP/3.0", 1) + "\r\n"),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no HTTP at all", "\u{1}\u{2}\u{3}\u{4}\r\n\r\n".to_owned()),
        ("another Host in the target", elsewhere + "\r\n"),
        ("two Hosts", format!("{get}Host: evil.example\r\n\r\n")),
        ("a Host with a user", get.replacen("Host: ", "Host: evil@", 1) + "\r\n"),
        ("a Host with a path", get.replacen("Host: localhost", "Host: localhost/evil", 1) + "\r\n"),
    ]
}

#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused_and_the_connection_ends() {
    let ground = Ground::prepare().await;
    let post = ground.head(&format!("POST /devices/query?{VERSION}"));
    let get = ground.head(&format!("GET /devices/{DEVICE}?{VERSION}"));
    let mut wrong = Vec::new();
    for (what, head) in heads(&get, &post) {
        let mut wire = ground.dial().await;
        wire.say(format!("{head}{}", smuggled(&ground))).await;
        wrong.extend(refusal_of(wire, what).await);
        ground.is_unharmed(what).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing where the one answer is 400 and the connection has ended; else what there was instead.
async fn refusal_of(mut wire: Wire, what: &str) -> Option<String> {
    let heard = wire.hear_to_the_end(what).await;
    // hyper knows the preface of HTTP/2, and says nothing to it in HTTP/1.1.
    let is_silent = what == "the preface of HTTP/2" && heard.text.is_empty();
    (heard.statuses() != [400] && !is_silent).then(|| format!("{what}: {heard:?}"))
}

/// The control API and managed identity answer without TLS, and to the same rules.
#[tokio::test]
async fn the_port_without_tls_reads_heads_as_strictly() {
    let ground = Ground::prepare().await;
    let head = |line: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\nMetadata: true\r\n");
    let get = head("GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://iothubs.azure.net");
    let post = head("POST /iolite/v1/check?x=y");
    let smuggled = format!("{}Content-Length: 0\r\n\r\n", head("POST /iolite/v1/reset?seed=empty"));
    let mut wrong = Vec::new();
    for (what, head) in heads(&get, &post) {
        let mut wire = ground.dial_control().await;
        wire.say(format!("{head}{smuggled}")).await;
        wrong.extend(refusal_of(wire, what).await);
        ground.is_unharmed(what).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn chunks_that_are_none_are_refused_and_the_connection_ends() {
    let ground = Ground::prepare().await;
    let query = ground.head(&format!("POST /devices/query?{VERSION}"));
    let long = "x".repeat(64 * 1024);
    for (what, body) in [
        ("a size beyond all", "10000000000000000\r\nx".to_owned()),
        ("a size that overflows nearly", "ffffffffffffffff\r\nx".to_owned()),
        ("a size of letters", "xyz\r\nx".to_owned()),
        ("a size below nothing", "-1\r\nx".to_owned()),
        ("an empty size", "\r\nx".to_owned()),
        ("a size after a space", "5 5\r\nhello\r\n0\r\n\r\n".to_owned()),
        ("a chunk without its end", "2\r\n{}{}\r\n0\r\n\r\n".to_owned()),
        ("an extension of 64 KB", format!("2;{long}\r\n{{}}\r\n0\r\n\r\n")),
        ("trailers of 64 KB", format!("2\r\n{{}}\r\n0\r\nX-Long: {long}\r\n\r\n")),
        ("a trailer with a length", "0\r\nContent-Length 5\r\n\r\n".to_owned()),
    ] {
        let mut wire = ground.dial().await;
        wire.say(format!("{query}Transfer-Encoding: chunked\r\n\r\n{body}{}", smuggled(&ground))).await;
        wire.end().await;
        let heard = wire.hear_to_the_end(what).await;
        assert!(matches!(heard.statuses()[..], [400 | 413]), "{what}: {heard:?}");
        ground.is_unharmed(what).await;
    }
}

#[tokio::test]
async fn requests_one_after_the_other_in_one_write_are_each_answered() {
    let ground = Ground::prepare().await;
    let get = ground.head(&format!("GET /devices/{DEVICE}?{VERSION}"));
    let query = ground.head(&format!("POST /devices/query?{VERSION}"));
    let body = "{\"query\":\"SELECT * FROM devices\"}";
    let chunked = format!("{query}Transfer-Encoding: chunked\r\n\r\n{:x};a=b\r\n{body}\r\n0\r\n\r\n", body.len());
    let lengthy = format!("{query}Content-Length: {}\r\n\r\n{body}", body.len());
    let last = format!("{get}Connection: close\r\n\r\n");
    let mut wire = ground.dial().await;
    wire.say(format!("{get}\r\n{chunked}{get}\r\n{lengthy}{chunked}{last}")).await;
    let heard = wire.hear_to_the_end("six requests").await;
    assert_eq!(heard.statuses(), [200; 6], "{heard:?}");
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused_by_name() {
    let ground = Ground::prepare().await;
    for method in ["get", "BREW", "TRACE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH"] {
        let head = ground.head(&format!("{method} /devices/{DEVICE}?{VERSION}"));
        let mut wire = ground.dial().await;
        wire.say(format!("{head}\r\n")).await;
        let heard = wire.answer().await;
        assert_eq!(heard.statuses(), [405], "{method}: {heard:?}");
        let head = heard.text.to_ascii_lowercase();
        assert!(head.contains("allow: ") && head.contains("get, put, delete"), "{method}: {heard:?}");
        ground.is_unharmed(method).await;
    }
    let mut wire = ground.dial().await;
    wire.say("CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n").await;
    let heard = wire.answer().await;
    assert!(matches!(heard.statuses()[..], [400..=499]), "{heard:?}");
}
