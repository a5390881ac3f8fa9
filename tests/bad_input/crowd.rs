//! Row H2 with a thousand: slow heads, slow bodies and slow readers at once. Others are answered meanwhile, and each slow
//! one is gone when its deadline says: ten seconds for a head, thirty for a body, thirty for taking an answer.
//!
//! The deadlines are real time, so all wait side by side in one test.

use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::ground::{DEVICE, Ground, VERSION};

/// How many of each kind; together a thousand.
const HEADS: usize = 490;
const BODIES: usize = 490;
const READERS: usize = 20;
/// The deadlines, as the connections tell them.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// What a busy machine adds.
const GRACE: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h2_a_thousand_slow_ones_hold_nobody_up_and_are_gone_in_time() {
    let ground = Ground::prepare().await;
    let large = make_large_answer(&ground).await;
    let mut slow = JoinSet::new();
    for _ in 0..READERS {
        slow.spawn(read_nothing(&ground, &large).await);
    }
    for number in 0..HEADS.max(BODIES) {
        if number < HEADS {
            slow.spawn(send_half_a_head(&ground).await);
        }
        if number < BODIES {
            slow.spawn(send_half_a_body(&ground).await);
        }
    }
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(5) {
        let asked = Instant::now();
        let reply = ground.call("GET", &format!("/devices/{DEVICE}?{VERSION}"), Value::Null).await;
        assert_eq!(reply.status, 200);
        longest = longest.max(asked.elapsed());
    }
    assert!(longest < Duration::from_secs(3), "someone waited {longest:?} behind the slow ones");
    while let Some(ended) = slow.join_next().await {
        ended.unwrap();
    }
    for number in 0..LARGE {
        let made = format!("/devices/{}?{VERSION}", large_name(number));
        assert_eq!(ground.send("DELETE", &made, &[("if-match", "*")], "").await.status, 204);
    }
    ground.is_unharmed("a thousand slow connections").await;
}

/// A head that begins and does not go on: ended after its deadline and not before.
async fn send_half_a_head(ground: &Ground) -> impl Future<Output = ()> + Send + 'static {
    let mut wire = ground.dial().await;
    let (head, begun) = (ground.head(&format!("GET /devices/{DEVICE}?{VERSION}")), Instant::now());
    assert!(wire.say(&head).await);
    async move {
        let heard = wire.hear_within(HEAD_DEADLINE + GRACE).await;
        assert!(heard.closed && heard.text.is_empty(), "a slow head: {heard:?}");
        assert!(begun.elapsed() >= HEAD_DEADLINE, "a slow head had {:?} only", begun.elapsed());
    }
}

/// A body that begins, and a byte of it now and then: answered 400 after its deadline.
async fn send_half_a_body(ground: &Ground) -> impl Future<Output = ()> + Send + 'static {
    let mut wire = ground.dial().await;
    let (head, begun) = (ground.head(&format!("PUT /devices/slow?{VERSION}")), Instant::now());
    assert!(wire.say(format!("{head}Content-Length: 1000\r\n\r\n{{")).await);
    async move {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(wire.say(" ").await, "a slow body was given up after {:?}", begun.elapsed());
        }
        let heard = wire.hear_within(BODY_DEADLINE + GRACE).await;
        assert_eq!(heard.statuses(), [400], "a slow body: {heard:?}");
        assert!(begun.elapsed() >= BODY_DEADLINE, "a slow body had {:?} only", begun.elapsed());
    }
}

/// How many devices make an answer large.
const LARGE: usize = 400;
/// How often it is asked for: more than the buffers between two sockets hold.
const TIMES: usize = 60;

fn large_name(number: usize) -> String {
    format!("{number:0>120}")
}

/// Makes an answer of some hundred kilobytes; gives the target that it is had at.
async fn make_large_answer(ground: &Ground) -> String {
    for number in 0..LARGE {
        let id = large_name(number);
        let made = ground.call("PUT", &format!("/devices/{id}?{VERSION}"), json!({"deviceId": id})).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }
    format!("/devices?top=1000&{VERSION}")
}

/// Asks for a large answer many times and reads nothing of it: what it has not taken by the deadline, it never gets.
async fn read_nothing(ground: &Ground, target: &str) -> impl Future<Output = ()> + Send + 'static {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let tcp = socket.connect(([127, 0, 0, 1], ground.port()).into()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(ground.emulator.client().tls()).connect(name, tcp).await.unwrap();
    let request = format!("{}\r\n", ground.head(&format!("GET {target}")));
    stream.write_all(request.repeat(TIMES).as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    async move {
        tokio::time::sleep(BODY_DEADLINE + GRACE / 3).await;
        let mut taken = Vec::new();
        let ended = tokio::time::timeout(GRACE, stream.read_to_end(&mut taken)).await;
        assert!(ended.is_ok(), "a slow reader holds its connection");
        let answers = taken.windows(9).filter(|window| window == b"HTTP/1.1 ").count();
        // A connection that is cut may take even what had arrived along.
        assert!(answers < TIMES, "a slow reader got all that it asked for");
    }
}
