//! Row H7, unrestricted consumption: what callers who may send large bodies send at once is bounded in sum, whoever they
//! are and however slowly they send.
//!
//! The emulator runs in a process of its own, as in [`scarcity`](crate::scarcity), so that its memory is nobody else's.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use crate::ground::VERSION;
use crate::scarcity::Scarce;

/// The largest body that is read.
const BODY: usize = 4 * 1024 * 1024;
/// How many of those have room at once.
const FIT: usize = 24;
/// How many are sent: four times as much memory as is meant for them.
const SENT: usize = 4 * FIT;
/// What bodies of this size may take besides themselves while they grow, and what a start and other requests take.
const BESIDES_KILOBYTES: u64 = (FIT * BODY / 1024) as u64 + 64 * 1024;
/// Longer than any body waits for room.
const PATIENCE: Duration = Duration::from_secs(25);

/// Sends a body but for its last byte; hears what is answered.
async fn send_all_but_the_end(mut stream: TlsStream<TcpStream>, head: String) -> (String, TlsStream<TcpStream>) {
    stream.write_all(head.as_bytes()).await.unwrap();
    // Who finds no room is answered all the same, once the rest was thrown away.
    stream.write_all(&vec![b' '; BODY - 1]).await.unwrap();
    stream.flush().await.unwrap();
    let mut heard = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut heard)).await;
    let heard =
        read.map_or_else(|_| String::new(), |read| String::from_utf8_lossy(&heard[..read.unwrap()]).into_owned());
    (heard, stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h7_slow_large_bodies_take_no_more_memory_than_is_meant_for_them() {
    let scarce = Scarce::start("true").await;
    let mut kept = scarce.kept().await;
    let before = scarce.kilobytes("VmHWM");
    let authorization = scarce.owner.value().unwrap();
    let head = format!(
        "POST /devices?{VERSION} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/json\r\nContent-Length: {BODY}\r\n\r\n"
    );
    let mut sending = JoinSet::new();
    for _ in 0..SENT {
        sending.spawn(send_all_but_the_end(scarce.dial().await, head.clone()));
    }
    let mut refused = 0;
    while refused < SENT - FIT {
        // Those who have room hear nothing before the others do: they are not done sending.
        let (heard, _) = sending.join_next().await.unwrap().unwrap();
        assert!(heard.starts_with("HTTP/1.1 503 "), "{heard:?}");
        let fields = heard.to_ascii_lowercase();
        assert!(fields.contains("retry-after: 5\r\n") && fields.contains("iothub-errorcode: serverbusy"), "{heard}");
        refused += 1;
    }
    scarce.asks(&mut kept).await;
    let grown = scarce.kilobytes("VmHWM") - before;
    assert!(grown < (FIT * BODY / 1024) as u64 + BESIDES_KILOBYTES, "{grown} KB more");
    // What had room is answered once it is whole: a body of spaces is no list of devices.
    sending.abort_all();
    while sending.join_next().await.is_some() {}
    let (mut stream, mut heard) = (scarce.dial().await, vec![0; 4096]);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; BODY]).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut heard)).await.unwrap().unwrap();
    assert!(heard[..read].starts_with(b"HTTP/1.1 400 "), "{:?}", String::from_utf8_lossy(&heard[..read]));
}
