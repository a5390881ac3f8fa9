//! The promise that stands before every row: the process stays up, its memory does not grow, nothing panics, and who is
//! being served is served on. Input of every kind comes again and again, to an emulator in a process of its own.

use std::time::Duration;

use iolite_testkit::{Credential, Sent, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ground::VERSION;
use crate::scarcity::Scarce;

/// How often all of it comes before memory is looked at: buffers and the log of decisions have their size then.
const WARM_UP: usize = 6;
/// How often it comes then.
const ROUNDS: usize = 12;
/// How often those rounds are gone through at most: the allocator gives each thread that first meets a large body room of its
/// own, once. What leaks grows every time.
const WINDOWS: usize = 3;
/// What memory may grow by in one of them.
const GROWTH_KILOBYTES: u64 = 8 * 1024;
/// How long any of it may take to be answered or cut off.
const PATIENCE: Duration = Duration::from_secs(20);

/// What strangers say after the handshake at the port of services.
fn requests() -> Vec<Vec<u8>> {
    let head = |line: &str, rest: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{rest}");
    let (device, large) = (format!("/devices/known?{VERSION}"), "x".repeat(60_000));
    let bearer = |token: &str| head(&format!("GET {device}"), &format!("Authorization: Bearer {token}\r\n\r\n"));
    let sas = |fields: &str| {
        let field = format!("Authorization: SharedAccessSignature {fields}\r\n\r\n");
        head(&format!("GET {device}"), &field)
    };
    [
        bearer("a.b.c"),
        bearer(&"x".repeat(15_000)),
        bearer("eyJhbGciOiJub25lIn0.e30."),
        sas("sr=localhost&sig=AAAA&se=1"),
        sas(&format!("sr={}&sig=x&se=1", "%41".repeat(3000))),
        sas(&"&=".repeat(5000)),
        head("GET /", &format!("X-Long: {large}{large}\r\n\r\n")),
        head(&format!("GET /{}", "a".repeat(9000)), "\r\n"),
        head(&format!("PUT {device}"), "Content-Length: 10737418240\r\n\r\n"),
        head(&format!("PUT {device}"), "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
        head(&format!("PUT {device}"), "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}"),
        head("GET /$iothub/websocket", "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

/// What they say where MQTT and AMQP are spoken.
fn packets() -> Vec<Vec<u8>> {
    let connect =
        |rest: &[u8]| [&[0x10, 12 + rest.len().to_le_bytes()[0]][..], b"\x00\x04MQTT\x04\xc2\x00\x3c", rest].concat();
    vec![
        vec![0x10, 0xff, 0xff, 0xff, 0xff, 0x7f],
        vec![0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4],
        vec![0x30, 2, 0, 0],
        vec![0x20, 2, 0, 0],
        connect(b"\x00\x01a"),
        connect(&[0xff; 40]),
        vec![0; 5000],
        b"AMQP\x00\x01\x00\x00".to_vec(),
        b"AMQP\x03\x01\x00\x00\xff\xff\xff\xff\x02\x01\x00\x00".to_vec(),
        b"AMQP\x03\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00".to_vec(),
        [&b"AMQP\x03\x01\x00\x00\x00\x00\x01\x00\x02\x01\x00\x00\x00\x53\x41\xd0\xff\xff\xff\xff"[..], &[0x45; 300]]
            .concat(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ]
}

/// What those who may do everything send as the body of a twin's change.
fn bodies() -> Vec<Vec<u8>> {
    let deep = |open: &str| open.repeat(100_000).into_bytes();
    let many = (0..50_000).map(|number| format!("\"k{number}\":1")).collect::<Vec<_>>().join(",");
    vec![
        deep("["),
        deep("{\"a\":"),
        format!("{{\"tags\":{{{many}}}}}").into_bytes(),
        format!("{{\"tags\":{{\"{}\":1}}}}", "k".repeat(1 << 20)).into_bytes(),
        b"{\"tags\":\xff}".to_vec(),
        vec![b' '; 3 * 1024 * 1024],
    ]
}

/// Says `bytes` and hears until the other side has enough, or the patience of whoever waits for more of it is shown.
async fn say(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, bytes: &[u8]) {
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    let heard = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    assert!(heard.is_ok(), "a connection stays open after {:?}", &bytes[..bytes.len().min(80)]);
}

async fn everything(scarce: &Scarce, session: &mut Session) {
    for request in requests() {
        say(scarce.dial().await, &request).await;
    }
    for wire in ["mqtt", "amqp"] {
        for packet in packets() {
            say(scarce.dial_at(wire).await, &packet).await;
        }
    }
    for bytes in [&[0x16, 3, 1, 0xff, 0xff, 1, 0xff][..], &[0x80; 16 * 1024], b"GET / HTTP/1.1\r\n\r\n"] {
        say(TcpStream::connect(("127.0.0.1", scarce.port())).await.unwrap(), bytes).await;
    }
    let target = format!("/twins/known?{VERSION}");
    for body in bodies() {
        let reply = session.send("PATCH", &target, &scarce.owner, &[], Sent::Whole(body)).await.unwrap();
        assert!(matches!(reply.status, 400 | 413), "{} {}", reply.status, reply.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p0_bad_input_without_end_leaves_the_process_as_it_was() {
    let mut scarce = Scarce::start("true").await;
    let mut session = scarce.kept().await;
    let target = format!("/devices/known?{VERSION}");
    let body = Sent::Whole(br#"{"deviceId":"known"}"#.to_vec());
    assert_eq!(session.send("PUT", &target, &scarce.owner, &[], body).await.unwrap().status, 200);
    for _ in 0..WARM_UP {
        everything(&scarce, &mut session).await;
    }
    let mut seen = vec![scarce.kilobytes("RssAnon")];
    let mut has_settled = false;
    while !has_settled && seen.len() <= WINDOWS {
        for _ in 0..ROUNDS {
            everything(&scarce, &mut session).await;
        }
        scarce.asks(&mut session).await;
        seen.push(scarce.kilobytes("RssAnon"));
        has_settled = seen[seen.len() - 1] < seen[seen.len() - 2] + GROWTH_KILOBYTES;
    }
    assert!(has_settled, "{seen:?} KB");
    assert!(scarce.is_up());
    let log = scarce.log();
    assert!(!log.contains("panicked"), "{log}");
    let secret = scarce.owner.value().unwrap().rsplit('.').next().unwrap().to_owned();
    assert!(!log.contains(&secret), "{log}");
    let stranger = session.send("GET", &target, &Credential::none(), &[], Sent::Whole(Vec::new())).await.unwrap();
    assert_eq!(stranger.status, 401);
}
