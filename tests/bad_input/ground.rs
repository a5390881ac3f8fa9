//! Where the bad input is tried: an emulator with a known device, and sockets that speak bytes.

use std::sync::Arc;
use std::time::Duration;

use iolite_testkit::{Credential, Reply, TestEmulator};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The hub's api-version.
pub(crate) const VERSION: &str = "api-version=2021-04-12";
/// The device that is there from the start, and must be there, as it was, in the end.
pub(crate) const DEVICE: &str = "known";

/// How long any answer may take that is not told to be slow. Long enough for a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(8);

/// An emulator with a device whose state is known.
pub(crate) struct Ground {
    pub(crate) emulator: TestEmulator,
    /// Who may do everything.
    pub(crate) owner: Credential,
    before: Value,
}

impl Ground {
    pub(crate) async fn prepare() -> Self {
        let emulator = TestEmulator::start().await;
        let owner = emulator.token("owner-app", "hub").await;
        let target = format!("/devices/{DEVICE}?{VERSION}");
        let made = emulator.call("PUT", &target, &owner, json!({"deviceId": DEVICE})).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let mut ground = Self { emulator, owner, before: Value::Null };
        ground.before = ground.state().await;
        ground
    }

    /// Everything that bad input could have changed in the hub: its devices and their twins.
    async fn state(&self) -> Value {
        let devices = self.call("GET", &format!("/devices?{VERSION}"), Value::Null).await;
        let query = json!({"query": "SELECT * FROM devices"});
        let twins = self.call("POST", &format!("/devices/query?{VERSION}"), query).await;
        let configurations = self.call("GET", &format!("/configurations?{VERSION}"), Value::Null).await;
        assert_eq!((devices.status, twins.status, configurations.status), (200, 200, 200));
        json!([devices.body, twins.body, configurations.body])
    }

    /// A call by one who may.
    pub(crate) async fn call(&self, method: &str, target: &str, body: Value) -> Reply {
        self.emulator.call(method, target, &self.owner, body).await
    }

    /// A call by one who may, with a body of the test's own.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        self.emulator.call_with(method, target, &self.owner, headers, body).await
    }

    /// A TLS connection, on which nothing is said yet.
    pub(crate) async fn dial(&self) -> Wire {
        Wire { stream: Box::new(self.dial_as(self.emulator.client().tls(), "localhost").await.unwrap()) }
    }

    /// A connection to the control API and managed identity, where there is no TLS.
    pub(crate) async fn dial_control(&self) -> Wire {
        let authority = self.emulator.control_base().strip_prefix("http://").unwrap();
        let (authority, _) = authority.split_once('/').unwrap();
        Wire { stream: Box::new(TcpStream::connect(authority).await.unwrap()) }
    }

    /// A TLS connection with settings and a server name of the test's own.
    pub(crate) async fn dial_as(&self, config: Arc<ClientConfig>, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(config).connect(name, self.tcp().await).await
    }

    /// A bare connection to the HTTPS port.
    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(("localhost", self.port())).await.unwrap()
    }

    /// The HTTPS port.
    pub(crate) fn port(&self) -> u16 {
        self.emulator.origin().rsplit(':').next().unwrap().parse().unwrap()
    }

    /// The head of a request by one who may, up to the fields that the test adds.
    pub(crate) fn head(&self, line: &str) -> String {
        let authorization = self.owner.value().unwrap();
        format!("{line} HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: {authorization}\r\n", self.port())
    }

    /// As [`is_unharmed`](Self::is_unharmed) of a ground on which a test made these devices.
    pub(crate) async fn is_unharmed_but(&self, made: &[&str]) {
        for id in made {
            let reply = self.send("DELETE", &format!("/devices/{id}?{VERSION}"), &[("if-match", "*")], "").await;
            assert_eq!(reply.status, 204, "{id}: {}", reply.body);
        }
        self.is_unharmed("the devices were removed").await;
    }

    /// Another client's connection is answered, and nothing has changed.
    pub(crate) async fn is_unharmed(&self, after: &str) {
        let ready = self.emulator.control("GET", "/health/ready", Value::Null).await;
        assert_eq!(ready.status, 200, "after {after}");
        assert_eq!(self.state().await, self.before, "after {after}: something has changed");
    }
}

/// Bytes as two hexadecimal digits each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

/// A connection that speaks bytes.
pub(crate) struct Wire {
    stream: Box<dyn Speaks>,
}

/// Bytes in both directions.
trait Speaks: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Speaks for S {}

/// What came back on a wire until it ended or fell silent.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Everything.
    pub(crate) text: String,
    /// Whether the server ended the connection.
    pub(crate) closed: bool,
}

impl Heard {
    /// The statuses of the answers, in order.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.text
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|answer| answer.split(' ').next().unwrap().trim().parse().unwrap())
            .collect()
    }
}

impl Wire {
    /// Sends bytes. That the server has closed already is for the answer to tell.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Ends the sending half.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.ok();
    }

    /// Hears until the server ends the connection, which it must.
    pub(crate) async fn hear_to_the_end(&mut self, what: &str) -> Heard {
        let heard = self.hear_until(|_| false).await;
        assert!(heard.closed, "{what}: the connection stays open after {heard:?}");
        heard
    }

    /// Hears one whole answer.
    pub(crate) async fn answer(&mut self) -> Heard {
        self.hear_until(|text| {
            let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).map_or("0", |rest| rest.lines().next().unwrap());
            body.len() >= length.trim().parse().unwrap()
        })
        .await
    }

    /// Hears until the server ends the connection, at the latest after `patience`.
    pub(crate) async fn hear_within(&mut self, patience: Duration) -> Heard {
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(patience, self.stream.read_to_end(&mut bytes)).await.is_ok();
        Heard { text: String::from_utf8_lossy(&bytes).into_owned(), closed }
    }

    async fn hear_until(&mut self, enough: impl Fn(&str) -> bool) -> Heard {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if enough(&text) {
                return Heard { text, closed: false };
            }
            match tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return Heard { text, closed: true },
                Ok(Ok(read)) => bytes.extend_from_slice(&buffer[..read]),
                Err(_) => return Heard { text, closed: false },
            }
        }
    }
}
