//! A closed loop: each connection sends a request, waits for its answer, and sends the next.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{report, tls};

/// What is sent.
#[derive(Args)]
pub(crate) struct Load {
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// The target, `{n}` standing for a number that is never used twice.
    #[arg(long)]
    target: String,
    /// The method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// The `Authorization` values, one a line, taken in turn.
    #[arg(long)]
    authorizations: PathBuf,
    /// The body, `{n}` standing for the same number.
    #[arg(long, default_value = "")]
    body: String,
    /// How many connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How long before that is not counted, in seconds.
    #[arg(long, default_value_t = 0.5)]
    warmup: f64,
    /// Added to the numbers, so that runs do not meet.
    #[arg(long, default_value_t = 0)]
    offset: u64,
}

struct Shared {
    load: Load,
    authorizations: Vec<String>,
    next: AtomicU64,
    start: Instant,
}

pub(crate) fn run(load: &Load) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = std::fs::read_to_string(&load.authorizations)?;
    let authorizations: Vec<String> = text.lines().map(str::to_owned).collect();
    ensure!(!authorizations.is_empty(), "there is no authorization to send");
    runtime.block_on(measure(Shared {
        next: AtomicU64::new(load.offset),
        load: Load {
            authorizations: load.authorizations.clone(),
            target: load.target.clone(),
            method: load.method.clone(),
            body: load.body.clone(),
            ..*load
        },
        authorizations,
        start: Instant::now(),
    }))
}

async fn measure(shared: Shared) -> Result<()> {
    let connector = TlsConnector::from(Arc::new(tls::client()?));
    let (connections, seconds) = (shared.load.connections, shared.load.seconds);
    let mut streams = Vec::new();
    for _ in 0..connections {
        let tcp = TcpStream::connect(("127.0.0.1", shared.load.port)).await?;
        tcp.set_nodelay(true)?;
        streams.push(connector.connect(ServerName::try_from("localhost")?, tcp).await?);
    }
    let offset = shared.load.offset;
    let shared = Arc::new(Shared { start: Instant::now(), ..shared });
    let tasks: Vec<_> = streams.into_iter().map(|stream| tokio::spawn(drive(stream, shared.clone()))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    latencies.sort_unstable();
    ensure!(!latencies.is_empty(), "no request was answered");
    let at = |per_mille: usize| f64::from(latencies[(latencies.len() - 1) * per_mille / 1000]) / 1000.0;
    let count = u32::try_from(latencies.len())?;
    report(&json!({
        "requests": count,
        "asked": shared.next.load(Ordering::Relaxed) - offset,
        "per_second": (f64::from(count) / seconds).round(),
        "p50_ms": at(500),
        "p99_ms": at(990),
    }));
    Ok(())
}

/// Microseconds of every request that began after the warm-up.
async fn drive(mut stream: TlsStream<TcpStream>, shared: Arc<Shared>) -> Result<Vec<u32>> {
    let load = &shared.load;
    let (warm, end) = (load.warmup, load.warmup + load.seconds);
    let (mut latencies, mut answer) = (Vec::new(), Vec::with_capacity(4096));
    loop {
        let began = Instant::now();
        let since = began.duration_since(shared.start);
        if since > Duration::from_secs_f64(end) {
            return Ok(latencies);
        }
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&request(load, &shared.authorizations, number)).await?;
        stream.flush().await?;
        let status = read_answer(&mut stream, &mut answer).await?;
        ensure!(status < 300, "the server answered {status}: {}", String::from_utf8_lossy(&answer));
        if since > Duration::from_secs_f64(warm) {
            latencies.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}

fn request(load: &Load, authorizations: &[String], number: u64) -> Vec<u8> {
    let which = usize::try_from(number).unwrap_or_default() % authorizations.len();
    let (target, body) =
        (load.target.replace("{n}", &number.to_string()), load.body.replace("{n}", &number.to_string()));
    format!(
        "{} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        load.method,
        authorizations[which],
        body.len()
    )
    .into_bytes()
}

/// Reads one answer with a `content-length`; gives its status and leaves its bytes in `answer`.
async fn read_answer(stream: &mut TlsStream<TcpStream>, answer: &mut Vec<u8>) -> Result<u16> {
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the server closed the connection");
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let length: usize = length.trim().parse()?;
        while answer.len() < end + 4 + length {
            ensure!(stream.read_buf(answer).await? > 0, "the server closed the connection");
        }
        let status = head.split(' ').nth(1).context("no status")?;
        return Ok(status.parse()?);
    }
}
