//! Row F2: an emulator that has few file descriptors, little memory or no more threads serves those it has, lets the others
//! wait, and goes on as before once there is room again.
//!
//! The emulator runs in a process of its own, since limits are a process's: this test binary, started again with a
//! variable that tells it to serve.

use std::io::Read;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use iolite_server::{Emulator, Ports, Settings};
use iolite_testkit::{Client, Credential, Reply, Sent, Session};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use rustls::ClientConfig;
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
/// Tells it to keep its state in that folder.
const KEEPS: &str = "IOLITE_TEST_SCARCITY_KEEPS";
/// Begins the line with the ready file's content.
const MARK: &str = "iolite-test-scarce:";
/// The file with what it writes to its standard error.
const LOG: &str = "log";
/// How long a start may take, and how long until an emulator that has room again serves.
const PATIENCE: Duration = Duration::from_secs(30);
/// Nearly as large a head as is read.
const HEAD_BYTES: usize = 23 * 1024;
/// More connections than the small limit lets in.
const FLOOD: usize = 600;

/// Not a test of its own: in a process that [`Scarce::start`] made, this is the emulator. It ends with the other process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the only way to tell a test binary's child what it is")]
async fn the_child_process_serves_until_it_is_ended() {
    let Ok(folder) = std::env::var(VARIABLE).map(PathBuf::from) else { return };
    let data_dir = std::env::var_os(KEEPS).map(|_| folder.join("state"));
    let settings = Settings { state_dir: folder, data_dir, ports: Ports::Auto, ..Settings::default() };
    let emulator = Emulator::start(settings).await.unwrap();
    println!("\n{MARK}{}", json!({"ready": emulator.ready(), "notices": emulator.notices()}));
    let (sender, the_other_is_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        sender.send(()).ok();
    });
    the_other_is_gone.await.unwrap();
    emulator.shutdown().await;
    // What the harness would say of a test has nobody to hear it.
    std::process::exit(0);
}

/// An emulator in a process that has little of something.
pub(crate) struct Scarce {
    child: Child,
    said: Value,
    client: Client,
    /// Who may do everything.
    pub(crate) owner: Credential,
    folder: TempDir,
}

impl Scarce {
    /// Starts it under a shell's `limit`.
    pub(crate) async fn start(limit: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), limit).await
    }

    /// Starts one that keeps its state.
    pub(crate) async fn keeping() -> Self {
        Self::start(&format!("export {KEEPS}=1")).await
    }

    /// Starts one on the state that another left.
    pub(crate) async fn start_again(folder: TempDir) -> Self {
        Self::start_in(folder, &format!("export {KEEPS}=1")).await
    }

    /// Ends it in order; gives its folder, and what it ended with.
    pub(crate) async fn stop(mut self) -> (TempDir, ExitStatus) {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        (self.folder, ended.expect("the child does not end").unwrap())
    }

    async fn start_in(folder: TempDir, limit: &str) -> Self {
        let log = std::fs::File::create(folder.path().join(LOG)).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "scarcity::the_child_process_serves_until_it_is_ended", "--nocapture"])
            .env(VARIABLE, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = tokio::time::timeout(PATIENCE, said(&mut child)).await.expect("the child says nothing");
        let client = Client::new(&said["ready"]).unwrap();
        let url = format!("{}/token", said["ready"]["control"].as_str().unwrap());
        let body = json!({"principal": "owner-app", "audience": "hub"}).to_string().into_bytes();
        let reply = client.send("POST", &url, &Credential::none(), &[], body).await;
        let owner = Credential::bearer(&reply.body["access_token"]);
        Self { child, said, client, owner, folder }
    }

    /// What it wrote to its standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG)).unwrap()
    }

    /// The process is the same still.
    pub(crate) fn is_up(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Lowers a limit of the process, or sets it back.
    fn limit(&self, resource: Resource, most: Option<u64>) -> Rlimit {
        let id = Pid::from_raw(i32::try_from(self.id()).unwrap());
        let before = prlimit(id, resource, Rlimit { current: most, ..getrlimit(resource) }).unwrap();
        Rlimit { maximum: before.maximum, ..before }
    }

    /// A call of the control API.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Reply {
        let url = format!("{}{path}", self.said["ready"]["control"].as_str().unwrap());
        let nobody = Credential::none();
        let asked = self.client.try_send("POST", &url, &nobody, &[], body.to_string().into_bytes());
        tokio::time::timeout(PATIENCE, asked).await.expect("the control API does not answer").unwrap()
    }

    fn origin(&self) -> &str {
        self.said["ready"]["iot_hubs"][0]["endpoint"].as_str().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
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

    /// A stranger with as large a head as is read, without its end: one long field, or many.
    async fn half_a_head(&self, fields: usize) -> TlsStream<TcpStream> {
        let mut stream = self.dial().await;
        let field = format!("\r\nX-Long: {}", "y".repeat(HEAD_BYTES / fields - 10));
        let head = format!("GET / HTTP/1.1\r\nHost: localhost{}", field.repeat(fields));
        stream.write_all(head.as_bytes()).await.ok();
        stream.flush().await.ok();
        stream
    }

    /// A TLS connection, on which nothing is said yet.
    pub(crate) async fn dial(&self) -> TlsStream<TcpStream> {
        self.shaken(TcpStream::connect(("127.0.0.1", self.port())).await.unwrap()).await
    }

    /// The same, where devices speak `wire`.
    pub(crate) async fn dial_at(&self, wire: &str) -> TlsStream<TcpStream> {
        self.shaken(TcpStream::connect(self.address(wire)).await.unwrap()).await
    }

    /// Where devices speak `wire`.
    pub(crate) fn address(&self, wire: &str) -> &str {
        self.said["ready"]["iot_hubs"][0][wire].as_str().unwrap()
    }

    /// What a client trusts.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        self.client.tls()
    }

    async fn shaken(&self, stream: TcpStream) -> TlsStream<TcpStream> {
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
    let few = scarce.descriptors() + 4;
    scarce.limit(Resource::Nofile, Some(few));
    let flood = scarce.flood(100).await;
    scarce.asks(&mut kept).await;
    // A descriptor of a number above the limit, from before, stays open.
    let open = scarce.descriptors();
    assert!(open < few + 10, "{open} descriptors, and {few} allowed");
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

/// The handshake's part included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_a_stranger_holds_no_more_than_is_promised() {
    const STRANGERS: u64 = 200;
    const PROMISED_KILOBYTES: u64 = 64;
    for fields in [1, 90] {
        let scarce = Scarce::start("true").await;
        let mut kept = scarce.kept().await;
        let before = scarce.kilobytes("RssAnon");
        let mut strangers = Vec::new();
        for _ in 0..STRANGERS {
            strangers.push(scarce.half_a_head(fields).await);
        }
        let begun = Instant::now();
        let mut taken = 0;
        // Less than what they said means that it has not been read yet.
        while taken < STRANGERS * HEAD_BYTES as u64 / 1024 {
            assert!(begun.elapsed() < PATIENCE, "only {taken} KiB of what strangers said was read");
            scarce.asks(&mut kept).await;
            taken = scarce.kilobytes("RssAnon").saturating_sub(before);
        }
        for _ in 0..20 {
            scarce.asks(&mut kept).await;
            taken = taken.max(scarce.kilobytes("RssAnon").saturating_sub(before));
        }
        let each = taken / STRANGERS;
        assert!(each < PROMISED_KILOBYTES, "{each} KiB are held for a stranger with {fields} fields");
        drop(strangers);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_strangers_cannot_use_the_memory_up() {
    const ROOM_KILOBYTES: u64 = 256 * 1024;
    let usual = Scarce::start("true").await.kilobytes("VmPeak");
    let mut scarce = Scarce::start(&format!("ulimit -v {}", usual + ROOM_KILOBYTES)).await;
    let mut kept = scarce.kept().await;
    let mut strangers = Vec::new();
    for _ in 0..FLOOD {
        strangers.push(scarce.half_a_head(1).await);
    }
    scarce.asks(&mut kept).await;
    assert!(scarce.is_up(), "the emulator has ended");
    drop(strangers);
    scarce.serves_again().await;
}

/// What a control group of 64 MiB allows, by a limit that every system has: memory of the process's own, mapped or not. A
/// control group would kill whoever takes more; this limit ends a process as surely.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_strangers_have_room_in_sixty_four_mebibytes() {
    const ALL_KILOBYTES: u64 = 64 * 1024;
    let mut scarce = Scarce::start("true").await;
    let mut kept = scarce.kept().await;
    let room = ALL_KILOBYTES - scarce.kilobytes("RssAnon");
    let before = scarce.limit(Resource::Data, Some((scarce.kilobytes("VmData") + room) * 1024));
    let mut strangers = Vec::new();
    for _ in 0..FLOOD / 4 {
        strangers.push(scarce.half_a_head(1).await);
    }
    let mut silent = scarce.flood(FLOOD / 2).await;
    scarce.asks(&mut kept).await;
    assert!(scarce.is_up(), "the emulator has ended: {}", scarce.log());
    assert!(scarce.kilobytes("RssAnon") < ALL_KILOBYTES);
    silent.clear();
    drop(strangers);
    scarce.serves_again().await;
    scarce.limit(Resource::Data, before.current);
    scarce.asks(&mut kept).await;
}

/// The system counts threads by user, and root's not at all: where the test is root, the emulator is somebody else.
const SOMEBODY_ELSE: &str = "setpriv --reuid=54321 --regid=54321 --clear-groups";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Scarce {
    /// An emulator that keeps its state on disk, and whose threads the system counts.
    async fn counted() -> Self {
        let start = if is_root() {
            format!("chown -R 54321 \"${VARIABLE}\" && exec {SOMEBODY_ELSE} \"$0\" \"$@\"")
        } else {
            "true".to_owned()
        };
        Self::start(&format!("export {KEEPS}=1 && {start}")).await
    }

    /// From now on so many threads may be begun, those that there are among them; who are more stay.
    fn limit_threads(&self, most: u64) {
        let by = if is_root() { SOMEBODY_ELSE } else { "" };
        let command = format!("{by} prlimit --pid {} --nproc={most}:", self.id());
        let status = std::process::Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(status.success(), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_what_needs_another_thread_fails_alone_where_there_is_none() {
    let mut scarce = Scarce::counted().await;
    let mut kept = scarce.kept().await;
    let make = |id: &str| json!({"deviceId": id}).to_string().into_bytes();
    let target = |id: &str| format!("/devices/{id}?{VERSION}");
    let asked = |id: &'static str| (target(id), Sent::Whole(make(id)));
    scarce.limit_threads(1);
    let (place, body) = asked("threadless");
    assert_eq!(kept.send("PUT", &place, &scarce.owner, &[], body).await.unwrap().status, 200);
    // Keys are made on threads of their own.
    for (path, body) in [
        ("/keys/rotate", json!({})),
        ("/token", json!({"principal": "owner-app", "audience": "hub", "flaw": "unknown-key"})),
    ] {
        let reply = scarce.control(path, body).await;
        assert_eq!(reply.status, 500, "{path} needs a thread: {}", reply.body);
    }
    scarce.asks(&mut kept).await;
    scarce.serves_again().await;
    // What has its thread goes on.
    let sas = scarce.control("/sas", json!({"device": "threadless"})).await;
    let sas = Credential::text(&sas.body["token"]);
    let events = format!("/devices/threadless/messages/events?{VERSION}");
    let sent = kept.send("POST", &events, &sas, &[], Sent::Whole(b"1".to_vec())).await.unwrap();
    assert_eq!(sent.status, 204, "{}", sent.body);
    scarce.limit_threads(10_000);
    let rotated = scarce.control("/keys/rotate", json!({"overlapSeconds": 60})).await;
    assert!(rotated.status < 300, "threads are to be had again: {}", rotated.body);
    scarce.serves_again().await;
    assert!(!scarce.log().contains("panicked"), "{}", scarce.log());
}
