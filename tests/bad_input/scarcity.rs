//! Row F2: an emulator that has few file descriptors, or little memory, serves those it has, lets the others wait, and goes
//! on as before once there is room again.
//!
//! The emulator runs in a process of its own, since limits are a process's: this test binary, started again with a
//! variable that tells it to serve.

use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use iolite_server::{Emulator, Ports, Settings};
use iolite_testkit::{Client, Credential, Sent, Session};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::ground::VERSION;
use crate::wires::Mqtt;

/// Tells a process that it is the emulator, and where.
const VARIABLE: &str = "IOLITE_TEST_SCARCITY_FOLDER";
/// Begins the line with the ready file's content.
const MARK: &str = "iolite-test-scarce:";
/// How long a start may take, and how long until an emulator that has room again serves.
const PATIENCE: Duration = Duration::from_secs(30);
/// More connections than the small limit lets in.
const FLOOD: usize = 600;

/// Not a test of its own: in a process that [`Scarce::start`] made, this is the emulator. It ends with the other process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the only way to tell a test binary's child what it is")]
async fn the_child_process_serves_until_it_is_ended() {
    let Ok(folder) = std::env::var(VARIABLE).map(PathBuf::from) else { return };
    let settings = Settings { state_dir: folder, ports: Ports::Auto, ..Settings::default() };
    let emulator = Emulator::start(settings).await.unwrap();
    println!("\n{MARK}{}", json!({"ready": emulator.ready(), "notices": emulator.notices()}));
    let the_other_is_gone = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(the_other_is_gone).await.unwrap().unwrap();
    emulator.shutdown().await;
}

/// An emulator in a process that has little of something.
pub(crate) struct Scarce {
    child: Child,
    said: Value,
    client: Client,
    /// Who may do everything.
    pub(crate) owner: Credential,
    _folder: TempDir,
}

impl Scarce {
    /// Starts it under a shell's `limit`.
    pub(crate) async fn start(limit: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "scarcity::the_child_process_serves_until_it_is_ended", "--nocapture"])
            .env(VARIABLE, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = tokio::time::timeout(PATIENCE, said(&mut child)).await.expect("the child says nothing");
        let client = Client::new(&said["ready"]).unwrap();
        let url = format!("{}/token", said["ready"]["control"].as_str().unwrap());
        let body = json!({"principal": "owner-app", "audience": "hub"}).to_string().into_bytes();
        let reply = client.send("POST", &url, &Credential::none(), &[], body).await;
        let owner = Credential::bearer(&reply.body["access_token"]);
        Self { child, said, client, owner, _folder: folder }
    }

    fn origin(&self) -> &str {
        self.said["ready"]["iot_hubs"][0]["endpoint"].as_str().unwrap()
    }

    fn port(&self) -> u16 {
        self.origin().rsplit(':').next().unwrap().parse().unwrap()
    }

    /// A connection that was used, and is kept.
    pub(crate) async fn kept(&self) -> Session {
        let mut session = self.client.connect(self.origin()).await.unwrap();
        self.asks(&mut session).await;
        session
    }

    pub(crate) async fn asks(&self, session: &mut Session) {
        let target = format!("/devices?{VERSION}");
        let asked = session.send("GET", &target, &self.owner, &[], Sent::Whole(Vec::new()));
        let reply = tokio::time::timeout(PATIENCE, asked).await.expect("a kept connection is not answered");
        assert_eq!(reply.unwrap().status, 200);
    }

    /// Connections that say nothing.
    async fn flood(&self, count: usize) -> Vec<TcpStream> {
        self.flood_at(self.port(), count).await
    }

    /// The same, at another port.
    async fn flood_at(&self, port: u16, count: usize) -> Vec<TcpStream> {
        let mut flood = Vec::new();
        for _ in 0..count {
            // What does not fit the backlog any more is refused or left waiting, which is as good.
            let dialled = TcpStream::connect(("127.0.0.1", port));
            if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(200), dialled).await {
                flood.push(stream);
            }
        }
        flood
    }

    /// It is still the same process, and somebody new is served.
    async fn serves_again(&mut self) {
        let begun = Instant::now();
        loop {
            assert!(self.child.try_wait().unwrap().is_none(), "the emulator has ended");
            let dialled = tokio::time::timeout(Duration::from_secs(2), self.client.connect(self.origin())).await;
            if let Ok(Ok(mut session)) = dialled {
                return self.asks(&mut session).await;
            }
            assert!(begun.elapsed() < PATIENCE, "nobody new is served after the flood");
        }
    }

    fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// How many file descriptors it has open.
    fn descriptors(&self) -> u64 {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count() as u64
    }

    /// What the system says of its memory under `name`, in kilobytes.
    pub(crate) fn kilobytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// A TLS connection, on which nothing is said yet.
    pub(crate) async fn dial(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(self.client.tls()).connect(name, stream).await.unwrap()
    }
}

/// The line in which the child says that it serves.
async fn said(child: &mut Child) -> Value {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(text) = line.strip_prefix(MARK) {
            return serde_json::from_str(text).unwrap();
        }
    }
    panic!("the child ended before it served")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_a_flood_waits_where_descriptors_are_few_and_takes_none_from_those_who_are_served() {
    let mut scarce = Scarce::start("ulimit -n 256").await;
    let notices = scarce.said["notices"].as_array().unwrap();
    let told = notices.iter().any(|notice| notice.as_str().unwrap().starts_with("this process may have 256 files"));
    assert!(told, "{notices:?}");
    let mut kept = scarce.kept().await;
    let flood = scarce.flood(FLOOD).await;
    assert!(flood.len() > 256, "only {} connections were made", flood.len());
    scarce.asks(&mut kept).await;
    assert!(scarce.descriptors() < 256, "nothing is kept back for files");
    drop(flood);
    scarce.serves_again().await;
    scarce.asks(&mut kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_the_accept_loops_outlive_a_time_without_any_descriptor() {
    let mut scarce = Scarce::start("true").await;
    let mut kept = scarce.kept().await;
    let id = Pid::from_raw(i32::try_from(scarce.id()).unwrap());
    // The child has our own limits.
    let few = Rlimit { current: Some(scarce.descriptors() + 4), ..getrlimit(Resource::Nofile) };
    prlimit(id, Resource::Nofile, few).unwrap();
    let flood = scarce.flood(100).await;
    scarce.asks(&mut kept).await;
    // A descriptor of a number above the limit, from before, stays open.
    let open = scarce.descriptors();
    assert!(open < few.current.unwrap() + 10, "{open} descriptors, and {few:?}");
    drop(flood);
    scarce.serves_again().await;
    scarce.asks(&mut kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m4_a_storm_at_the_devices_port_leaves_those_alone_who_are_connected() {
    let mut scarce = Scarce::start("ulimit -n 256").await;
    let mut session = scarce.kept().await;
    let target = format!("/devices/stormed?{VERSION}");
    let body = Sent::Whole(br#"{"deviceId":"stormed"}"#.to_vec());
    assert_eq!(session.send("PUT", &target, &scarce.owner, &[], body).await.unwrap().status, 200);
    let control = scarce.said["ready"]["control"].as_str().unwrap();
    let ask = json!({"device": "stormed"}).to_string().into_bytes();
    let sas = scarce.client.send("POST", &format!("{control}/sas"), &Credential::none(), &[], ask).await;
    let sas = sas.body["token"].as_str().unwrap().to_owned();
    let address = scarce.said["ready"]["iot_hubs"][0]["mqtt"].as_str().unwrap().to_owned();
    let tls = scarce.client.tls();
    let mut device = Mqtt::connect(tls.clone(), &address, "stormed", Some(&sas)).await.expect("the hub accepts it");
    let flood = scarce.flood_at(address.rsplit(':').next().unwrap().parse().unwrap(), FLOOD).await;
    assert!(flood.len() > 256, "only {} connections were made", flood.len());
    device.is_answered().await;
    scarce.asks(&mut session).await;
    drop(flood);
    scarce.serves_again().await;
    device.is_answered().await;
    // A device that connects anew takes its own place.
    let again = tokio::time::timeout(PATIENCE, Mqtt::connect(tls, &address, "stormed", Some(&sas))).await;
    again.expect("nobody new is heard").expect("the hub accepts it again").is_answered().await;
    device.ends_within(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_strangers_cannot_use_the_memory_up() {
    const ROOM_KILOBYTES: u64 = 256 * 1024;
    let usual = Scarce::start("true").await.kilobytes("VmPeak");
    let mut scarce = Scarce::start(&format!("ulimit -v {}", usual + ROOM_KILOBYTES)).await;
    let mut kept = scarce.kept().await;
    let mut strangers = Vec::new();
    for _ in 0..FLOOD {
        let mut stream = scarce.dial().await;
        // As large a head as is read, without its end.
        let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}", "y".repeat(60 * 1024));
        stream.write_all(head.as_bytes()).await.ok();
        stream.flush().await.ok();
        strangers.push(stream);
    }
    scarce.asks(&mut kept).await;
    assert!(scarce.child.try_wait().unwrap().is_none(), "the emulator has ended");
    drop(strangers);
    scarce.serves_again().await;
}
