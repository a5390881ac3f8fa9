//! Row H2 and the end of T1: whoever is slow loses its own connection and nobody else's.
//!
//! The deadlines of a head and of a handshake are ten seconds of real time, so everything slow waits side by side in one
//! test.

use std::time::{Duration, Instant};

use iolite_testkit::{Credential, Sent, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ground::{DEVICE, Ground, VERSION};

/// How many slow connections of each kind.
const SLOW: usize = 40;
/// When a slow one must be gone: the deadline, and what a busy machine adds.
const GONE_AFTER: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_and_slow_handshakes_are_ended_and_hold_nobody_up() {
    let ground = Ground::prepare().await;
    let begun = Instant::now();
    let mut slow = Vec::new();
    let idle = Idle::begin(&ground).await;
    for number in 0..SLOW {
        let mut wire = ground.dial().await;
        let head = ground.head(&format!("GET /devices/{DEVICE}?{VERSION}"));
        let cut = if number % 2 == 0 { head.len() } else { 10 };
        wire.say(&head.as_bytes()[..cut]).await;
        slow.push(tokio::spawn(async move {
            // A byte of the head now and then does not move the deadline.
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(2)).await;
                wire.say(b"X").await;
            }
            loop {
                let heard = wire.answer().await;
                if heard.closed {
                    return heard.text;
                }
                assert!(begun.elapsed() < GONE_AFTER, "a slow head holds its connection");
            }
        }));
    }
    for number in 0..SLOW {
        let (mut read, mut write) = ground.tcp().await.into_split();
        // The beginning of a handshake record, and nothing more; or nothing at all.
        if number % 2 == 0 {
            write.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
        }
        slow.push(tokio::spawn(async move {
            let mut rest = Vec::new();
            let ended = tokio::time::timeout(GONE_AFTER, read.read_to_end(&mut rest));
            // Nor does a byte of the handshake now and then.
            let dribble = async {
                while number % 4 == 0 && write.write_all(&[0]).await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = ended => assert!(ended.is_ok(), "a slow handshake holds its connection"),
                () = dribble => {}
            }
            String::new()
        }));
    }
    let mut longest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        let reply = ground.call("GET", &format!("/devices/{DEVICE}?{VERSION}"), serde_json::Value::Null).await;
        assert_eq!(reply.status, 200);
        longest = longest.max(asked.elapsed());
    }
    assert!(longest < Duration::from_secs(5), "someone waited {longest:?} behind the slow ones");
    for one in slow {
        let text = one.await.unwrap();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
    }
    assert!(begun.elapsed() < GONE_AFTER);
    idle.ask_again(begun).await;
    ground.is_unharmed("slow clients").await;
}

/// A connection that was used, and is kept for the next request: clients pool those, and a deadline on heads that began to
/// run before the head's first byte would take it away under them.
struct Idle {
    session: Session,
    target: String,
    owner: Credential,
}

impl Idle {
    async fn begin(ground: &Ground) -> Self {
        let session = ground.emulator.client().connect(&ground.emulator.origin()).await.unwrap();
        let target = format!("/devices/{DEVICE}?{VERSION}");
        let mut idle = Self { session, target, owner: ground.owner.clone() };
        idle.ask().await;
        idle
    }

    async fn ask(&mut self) {
        let reply = self.session.send("GET", &self.target, &self.owner, &[], Sent::Whole(Vec::new())).await;
        assert_eq!(reply.unwrap().status, 200);
    }

    async fn ask_again(mut self, begun: Instant) {
        tokio::time::sleep(Duration::from_millis(10_500).saturating_sub(begun.elapsed())).await;
        self.ask().await;
    }
}

#[tokio::test]
async fn a_client_that_sends_no_more_is_still_answered() {
    let ground = Ground::prepare().await;
    let mut wire = ground.dial().await;
    let head = ground.head(&format!("GET /devices/{DEVICE}?{VERSION}"));
    wire.say(format!("{head}\r\n")).await;
    wire.end().await;
    let heard = wire.hear_to_the_end("a half-closed connection").await;
    assert_eq!(heard.statuses(), [200], "{heard:?}");
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_leaves_nothing_behind() {
    let ground = Ground::prepare().await;
    let head = ground.head(&format!("PUT /devices/half?{VERSION}"));
    let body = "{\"deviceId\":\"half\"}";
    for cut in [0, 1, 10, body.len() - 1] {
        let mut wire = ground.dial().await;
        wire.say(format!("{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..cut])).await;
        wire.end().await;
        let heard = wire.hear_to_the_end("a body that breaks off").await;
        assert!(matches!(heard.statuses()[..], [] | [400]), "{cut}: {heard:?}");
        drop(wire);
        let mut wire = ground.dial().await;
        wire.say(format!("{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..cut])).await;
        drop(wire);
        ground.is_unharmed("a body that breaks off").await;
    }
}
