//! Stopping in order: what is under way is answered, nothing new begins, and nothing holds the process up for long.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use iolite_testkit::{Client, Credential, Sent, TestEmulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const VERSION: &str = "api-version=2021-04-12";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_answers_what_is_under_way_and_takes_nothing_new() {
    let emulator = TestEmulator::start().await;
    let owner = emulator.token("owner-app", "hub").await;
    let origin = emulator.origin();
    let port: u16 = origin.rsplit(':').next().unwrap().parse().unwrap();
    let mut idle = emulator.client().connect(&origin).await.unwrap();
    let target = format!("/devices?{VERSION}");
    assert_eq!(idle.send("GET", &target, &owner, &[], Sent::Whole(Vec::new())).await.unwrap().status, 200);

    let connector = TlsConnector::from(emulator.client().tls());
    let tcp = TcpStream::connect(("localhost", port)).await.unwrap();
    let mut under_way = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    let body = json!({"deviceId": "last"}).to_string();
    let (first, second) = body.split_at(5);
    let head = format!(
        "PUT /devices/last?{VERSION} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n{first}",
        owner.value().unwrap(),
        body.len()
    );
    under_way.write_all(head.as_bytes()).await.unwrap();
    under_way.flush().await.unwrap();
    let_in(&emulator, "Devices_CreateOrUpdateIdentity").await;

    let begun = Instant::now();
    let stopping = tokio::spawn(emulator.shutdown());
    refuses_connections(port).await;
    under_way.write_all(second.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    under_way.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"deviceId\":\"last\""), "{answer}");
    stopping.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "an idle connection held the shutdown up: {:?}", begun.elapsed());
    assert!(idle.send("GET", &target, &owner, &[], Sent::Whole(Vec::new())).await.is_err());
}

/// Waits until the door has let a call of `operation` in, which then waits for its body.
async fn let_in(emulator: &TestEmulator, operation: &str) {
    loop {
        let found = emulator.control("GET", &format!("/decisions?operation={operation}"), Value::Null).await;
        if !found.body["value"].as_array().unwrap().is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Waits until the port takes no connection any more.
async fn refuses_connections(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(4), "a stopping emulator still takes connections");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_shutdown_under_load_is_there_after_it() {
    const WRITERS: usize = 8;
    let data = tempfile::tempdir().unwrap();
    let emulator = keeping(data.path()).await;
    let owner = emulator.token("owner-app", "hub").await;
    let written = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (client, origin, owner) = (emulator.client().clone(), emulator.origin(), owner.clone());
            let written = written.clone();
            tokio::spawn(async move { write_until_refused(&client, &origin, &owner, writer, &written).await })
        })
        .collect();
    while written.load(Ordering::Relaxed) < 100 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    emulator.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "writers held the shutdown up: {:?}", begun.elapsed());
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(acknowledged.len() >= 100);

    let emulator = keeping(data.path()).await;
    let mut session = emulator.client().connect(&emulator.origin()).await.unwrap();
    for id in &acknowledged {
        let target = format!("/devices/{id}?{VERSION}");
        let reply = session.send("GET", &target, &owner, &[], Sent::Whole(Vec::new())).await.unwrap();
        assert_eq!(reply.status, 200, "{id} was acknowledged, and is gone: {}", reply.body);
    }
    emulator.shutdown().await;
}

async fn keeping(directory: &Path) -> TestEmulator {
    TestEmulator::start_with(|settings| settings.data_dir = Some(directory.to_owned())).await
}

/// Makes one device after the other until the emulator is gone; gives those that were acknowledged.
async fn write_until_refused(
    client: &Client,
    origin: &str,
    owner: &Credential,
    writer: usize,
    written: &AtomicUsize,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let Ok(mut session) = client.connect(origin).await else { return acknowledged };
    for number in 0.. {
        let id = format!("w{writer}-{number}");
        let body = json!({"deviceId": id}).to_string().into_bytes();
        match session.send("PUT", &format!("/devices/{id}?{VERSION}"), owner, &[], Sent::Whole(body)).await {
            Ok(reply) => {
                assert_eq!(reply.status, 200, "{id}: {}", reply.body);
                written.fetch_add(1, Ordering::Relaxed);
                acknowledged.push(id);
            }
            Err(_) => break,
        }
    }
    acknowledged
}

#[tokio::test]
async fn connections_that_never_ask_anything_hold_nothing_up() {
    let emulator = TestEmulator::start().await;
    let port: u16 = emulator.origin().rsplit(':').next().unwrap().parse().unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(("localhost", port)).await.unwrap());
    }
    let idle = emulator.client().connect(&emulator.origin()).await.unwrap();
    let begun = Instant::now();
    emulator.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    drop((silent, idle));
}

#[tokio::test]
async fn a_client_that_never_comes_to_an_end_is_not_waited_for_for_ever() {
    let emulator = TestEmulator::start().await;
    let port: u16 = emulator.origin().rsplit(':').next().unwrap().parse().unwrap();
    let connector = TlsConnector::from(emulator.client().tls());
    let tcp = TcpStream::connect(("localhost", port)).await.unwrap();
    let mut half = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    half.write_all(b"GET /devices HTTP/1.1\r\nHost: loc").await.unwrap();
    let begun = Instant::now();
    emulator.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop(half);
}
