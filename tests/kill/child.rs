//! The emulator in a process of its own, seen from both sides.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use iolite_server::{Emulator, Ports, Settings};
use iolite_testkit::{Client, Credential, Reply};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::ledger::Ledger;

/// The data directory below the test's folder.
pub(crate) const STATE: &str = "state";
/// The ready file below the test's folder.
pub(crate) const READY: &str = "ready.json";

/// Tells a process that it is the emulator, and where.
const VARIABLE: &str = "IOLITE_TEST_KILL_FOLDER";
/// Begins the line that says how the start went.
const MARK: &str = "iolite-test-child:";
/// No start and no end takes so long, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The folder of the child process; none in the process that tests.
#[expect(clippy::disallowed_methods, reason = "the only way to tell a test binary's child what it is")]
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var(VARIABLE).ok().map(PathBuf::from)
}

fn settings(folder: &Path) -> Settings {
    Settings {
        data_dir: Some(folder.join(STATE)),
        state_dir: folder.to_owned(),
        ports: Ports::Auto,
        ready_file: Some(folder.join(READY)),
        ..Settings::default()
    }
}

/// Serves until SIGTERM, or until the process that tests is gone.
pub(crate) async fn serve(folder: &Path) {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let emulator = match Emulator::start(settings(folder)).await {
        Ok(emulator) => emulator,
        Err(error) => {
            say(&json!({"refused": error.to_string()}));
            std::process::exit(error.exit_code().into());
        }
    };
    say(&json!({"ready": emulator.ready(), "notices": emulator.notices()}));
    std::thread::spawn(|| {
        // The other end is never written to: it closes with the process that tests, and this one must not outlive it.
        std::io::stdin().read_exact(&mut [0]).ok();
        std::process::exit(3);
    });
    terminate.recv().await;
    emulator.shutdown().await;
    std::process::exit(0);
}

/// Tells the process that tests how the start went. The line is one of its own: the harness has begun one before.
#[expect(clippy::print_stdout, reason = "the pipe is how the two processes speak")]
fn say(said: &Value) {
    println!("\n{MARK}{said}");
}

/// How a start went.
pub(crate) enum Start {
    /// The emulator serves.
    Ready(Box<Process>),
    /// It ended, and said why.
    Refused { text: String, code: Option<i32> },
}

/// An emulator in a process of its own; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Held open: to wait for a child closes what it reads from, and the child ends by that.
    _stdin: Option<ChildStdin>,
    said: Value,
    client: Client,
}

impl Process {
    /// Starts an emulator on the data directory in `folder`, and waits until it serves or says why not.
    pub(crate) async fn start(folder: &Path) -> Start {
        Self::await_start(spawn(folder)).await
    }

    /// The same for one that a write beyond a limit fails, instead of ending it.
    pub(crate) async fn start_with_limits(folder: &Path) -> Start {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
        Self::await_start(spawn_by(command, folder)).await
    }

    async fn await_start(mut child: Child) -> Start {
        let said = tokio::time::timeout(PATIENCE, said(&mut child)).await.expect("the child says nothing");
        if let Some(text) = said["refused"].as_str() {
            let text = text.to_owned();
            return Start::Refused { text, code: child.wait().await.unwrap().code() };
        }
        let client = Client::new(&said["ready"]).unwrap();
        Start::Ready(Box::new(Self { _stdin: child.stdin.take(), child, said, client }))
    }

    /// Starts an emulator and kills it as soon as it has written so many bytes of state, or serves.
    pub(crate) async fn kill_at_the_start(folder: &Path, bytes: u64) {
        let mut child = spawn(folder);
        let file = folder.join(STATE).join("state.sqlite-wal");
        let written = async {
            while std::fs::metadata(&file).map_or(0, |found| found.len()) < bytes {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("the child writes nothing");
        child.kill().await.unwrap();
    }

    /// The ready file's content.
    pub(crate) fn ready(&self) -> &Value {
        &self.said["ready"]
    }

    /// What the emulator told its user at the start.
    pub(crate) fn notices(&self) -> Vec<&str> {
        self.said["notices"].as_array().unwrap().iter().map(|notice| notice.as_str().unwrap()).collect()
    }

    /// A client of the emulator.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// The shared origin.
    pub(crate) fn origin(&self) -> &str {
        self.ready()["iot_hubs"][0]["endpoint"].as_str().unwrap()
    }

    /// An access token of the world's owner.
    pub(crate) async fn token(&self, audience: &str) -> Credential {
        let url = format!("{}/token", self.ready()["control"].as_str().unwrap());
        let body = json!({"principal": "owner-app", "audience": audience}).to_string().into_bytes();
        let reply = self.client.send("POST", &url, &Credential::none(), &[], body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        Credential::bearer(&reply.body["access_token"])
    }

    /// Calls the shared origin, without a body.
    pub(crate) async fn call(&self, method: &str, target: &str, credential: &Credential) -> Reply {
        self.ask(method, target, credential, &[], Value::Null).await
    }

    /// Calls the shared origin.
    pub(crate) async fn ask(
        &self,
        method: &str,
        target: &str,
        credential: &Credential,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Reply {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.client.send(method, &format!("{}{target}", self.origin()), credential, headers, body).await
    }

    /// Creates the next device of `ledger`, and gives the answer's status.
    pub(crate) async fn create_device(&self, credential: &Credential, ledger: &mut Ledger) -> u16 {
        let change = ledger.new_device();
        let reply = self.ask("PUT", &change.target, credential, &[], change.body.clone()).await;
        ledger.acknowledge(change);
        reply.status
    }

    /// SIGKILL: the process ends between two instructions.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    fn id(&self) -> Pid {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("the child runs")
    }

    /// Lets no file grow beyond so many bytes from now on; nothing takes the limit away again.
    #[cfg(target_os = "linux")]
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        let limit = Rlimit { current: bytes, ..getrlimit(Resource::Fsize) };
        prlimit(Some(self.id()), Resource::Fsize, limit).unwrap();
    }

    /// SIGTERM, and what the process ended with.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        kill_process(self.id(), Signal::TERM).unwrap();
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the child does not end").unwrap()
    }
}

fn spawn(folder: &Path) -> Child {
    spawn_by(Command::new(std::env::current_exe().unwrap()), folder)
}

fn spawn_by(mut command: Command, folder: &Path) -> Child {
    command
        .args(["--exact", "the_child_process_serves_until_it_is_ended", "--nocapture"])
        .env(VARIABLE, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The line in which the child says how its start went.
async fn said(child: &mut Child) -> Value {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(text) = line.strip_prefix(MARK) {
            return serde_json::from_str(text).unwrap();
        }
    }
    panic!("the child ended before it said how its start went")
}
