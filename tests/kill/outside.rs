//! What is outside the emulator and outlives it: a webhook and a blob service in one, on a free port of this machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The webhook and the blob service.
pub(crate) struct Outside {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_away: AtomicBool,
    /// The bodies of events that the webhook took.
    events: Mutex<Vec<String>>,
    /// The content of blobs that were written.
    blobs: Mutex<Vec<String>>,
}

impl Outside {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let serving = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { port, state }
    }

    /// Takes nothing from now on, or takes everything again.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.state.is_away.store(is_away, Ordering::SeqCst);
    }

    /// The numbers of the events that the webhook took.
    pub(crate) fn told(&self) -> Vec<u64> {
        let events = self.state.events.lock().unwrap().clone();
        let events = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
        events.filter_map(|event| event["data"]["body"]["n"].as_u64()).collect()
    }

    /// The numbers of the events that stand in blobs.
    pub(crate) fn stored(&self) -> Vec<u64> {
        let blobs = self.state.blobs.lock().unwrap().concat();
        let lines = blobs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| line["Body"]["n"].as_u64()).collect()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some((head, body)) = read(&mut stream).await else { return };
    let (method, target) = head.split_once(' ').unwrap();
    let answer = match method {
        "OPTIONS" => "200 OK\r\nwebhook-allowed-origin: *",
        _ if state.is_away.load(Ordering::SeqCst) => "503 Away",
        "POST" => {
            state.events.lock().unwrap().push(body);
            "200 OK"
        }
        "HEAD" => "404 Not Found\r\nx-ms-error-code: BlobNotFound",
        "PUT" => {
            assert!(target.starts_with("/account/cold/"), "{target}");
            state.blobs.lock().unwrap().push(body);
            "201 Created"
        }
        other => panic!("nobody asks with {other}"),
    };
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // Who asked may have been killed meanwhile.
    stream.write_all(answer.as_bytes()).await.ok();
}

/// The head and the body of one request; nothing where the one who asked went in the middle of it.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&piece[..read]);
        let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(text[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
        if text.len() >= end + 4 + length {
            let body = String::from_utf8(text[end + 4..].to_vec()).unwrap();
            return Some((head, body));
        }
    }
}
