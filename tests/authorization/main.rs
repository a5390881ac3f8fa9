//! Who may do what: every operation, with every credential, over the wire, against a reviewed table.
//!
//! What counts is the door: refused with the decision `denied` on record, or let through with the decision `allowed`,
//! whatever the operation makes of it then. Operations that change something are asked for with a body that is announced
//! and larger than is read, so that none of them runs.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod credentials;
mod table;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use iolite_kernel::{Method, Operation, Service};
use iolite_testkit::{Client, Credential, Reply, Sent, Session, TestEmulator};
use serde_json::Value;

use credentials::Wallet;
use table::{Callers, Row, Table};
use world::{Level, OWNER};

/// More than is read of any body.
const TOO_MUCH: u64 = 64 * 1024 * 1024;
const WORKERS: usize = 8;

const ROLES: [&str; 13] = [
    "Owner",
    "Contributor",
    "Reader",
    "User Access Administrator",
    "IoT Hub Data Contributor",
    "IoT Hub Data Reader",
    "IoT Hub Registry Contributor",
    "IoT Hub Twin Contributor",
    "Device Provisioning Service Data Contributor",
    "Device Provisioning Service Data Reader",
    "Azure Digital Twins Data Owner",
    "Azure Digital Twins Data Reader",
    "Azure Device Registry Onboarding",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_lets_in_exactly_whom_the_table_names() {
    let emulator = Arc::new(TestEmulator::start_world(&world::file(&ROLES)).await);
    every_built_in_role_is_tried(&emulator).await;
    credentials::populate(&emulator).await;
    let wallet = Wallet::fill(&emulator, &ROLES).await;
    let (found, problems) = walk(&emulator, wallet).await;
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/authorization/table.txt"));
    if std::env::var_os("IOLITE_BLESS").is_some() {
        std::fs::write(&path, found.print()).unwrap();
    }
    let expected = Table::parse(&std::fs::read_to_string(&path).unwrap_or_default());
    let differences = differences(&expected, &found);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// The list above and the emulator's agree, so that no new role goes untried.
async fn every_built_in_role_is_tried(emulator: &TestEmulator) {
    let reply = emulator.control("GET", "/roles", Value::Null).await;
    let listed = reply.body["roles"].as_array().unwrap().iter().filter(|role| role["custom"] == false);
    let mut listed: Vec<&str> = listed.filter_map(|role| role["name"].as_str()).collect();
    let mut tried = ROLES.to_vec();
    listed.sort_unstable();
    tried.sort_unstable();
    assert_eq!(listed, tried);
}

fn differences(expected: &Table, found: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    for (row, callers) in &found.rows {
        let what = format!("{} {} {} ({}, at {})", row.service, row.method, row.path, row.name, row.level);
        match expected.rows.get(row) {
            None => lines.push(format!("{what} is not in the table")),
            Some(wanted) => {
                lines.extend(callers.difference(wanted).map(|caller| format!("{what} lets in {caller}")));
                lines.extend(wanted.difference(callers).map(|caller| format!("{what} refuses {caller}")));
            }
        }
    }
    let gone = expected.rows.keys().filter(|row| !found.rows.contains_key(row));
    lines.extend(gone.map(|row| format!("{} {} {} is in the table only", row.service, row.method, row.path)));
    lines
}

/// Asks for every operation with every credential. Answers that are at odds with their decision are told apart.
async fn walk(emulator: &Arc<TestEmulator>, wallet: Wallet) -> (Table, Vec<String>) {
    let operations = Arc::new(Mutex::new(iolite_server::operations()));
    let wallet = Arc::new(wallet);
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (emulator, operations, wallet) = (emulator.clone(), operations.clone(), wallet.clone());
            tokio::spawn(async move {
                let mut asker = Asker::new(emulator);
                let mut rows = Vec::new();
                loop {
                    let Some(operation) = operations.lock().unwrap().pop() else { return (rows, asker.problems) };
                    rows.push(asker.try_all(operation, wallet.of(operation)).await);
                }
            })
        })
        .collect();
    let (mut table, mut problems) = (Table::default(), Vec::new());
    for worker in workers {
        let (rows, found) = worker.await.unwrap();
        problems.extend(found);
        for (row, callers) in rows {
            if table.rows.insert(row.clone(), callers).is_some() {
                problems.push(format!("{row:?} is there twice"));
            }
        }
    }
    (table, problems)
}

/// One worker with its open connections.
struct Asker {
    emulator: Arc<TestEmulator>,
    client: Client,
    sessions: HashMap<String, Session>,
    problems: Vec<String>,
}

impl Asker {
    fn new(emulator: Arc<TestEmulator>) -> Self {
        Self { client: emulator.client().clone(), emulator, sessions: HashMap::new(), problems: Vec::new() }
    }

    async fn try_all(
        &mut self,
        operation: &'static Operation,
        credentials: Vec<(String, Credential)>,
    ) -> (Row, Callers) {
        let row = Row {
            service: operation.service.title().to_owned(),
            level: Level::of(operation).to_string(),
            path: operation.path.to_owned(),
            method: operation.method.name().to_owned(),
            name: operation.name.to_owned(),
        };
        let (origin, target) = (self.origin(operation), world::target(operation));
        let count = credentials.len();
        let mut callers = Callers::new();
        for (name, credential) in credentials {
            match self.is_let_in(operation, &origin, &target, &credential).await {
                Ok(true) => {
                    callers.insert(name);
                }
                Ok(false) => {}
                Err(problem) => self.problems.push(format!("{operation} as {name}: {problem}")),
            }
        }
        if callers.len() == count {
            callers = Callers::from(["everyone".to_owned()]);
        }
        (row, callers)
    }

    /// Whether the door let the caller in; an answer at odds with the decision on record is an error.
    async fn is_let_in(
        &mut self,
        operation: &'static Operation,
        origin: &str,
        target: &str,
        credential: &Credential,
    ) -> Result<bool, String> {
        let harmless = matches!(operation.method, Method::Get | Method::Head);
        let reply = self.ask(origin, operation.method.name(), target, credential, harmless).await?;
        let what = format!("{} {}", reply.status, String::from_utf8_lossy(&reply.bytes));
        let base = self.emulator.control_base().to_owned();
        let (control, prefix) = base.split_at(base.find("/iolite").unwrap());
        let path = format!("{prefix}/decisions/{}", reply.header("x-iolite-decision"));
        let found = self.ask(control, "GET", &path, &Credential::none(), true).await?.body;
        if found["operation"] != operation.name {
            return Err(format!("{what}: the decision is {found}"));
        }
        let refused = matches!(reply.status, 401 | 403);
        // These refuse by what stands in the request, after the door.
        let judges_itself = matches!(operation.service, Service::Entra | Service::ManagedIdentity);
        // A provisioning service says of a registration without an enrolment that it is not found.
        let hides = operation.service == Service::Dps && reply.status == 404;
        match found["outcome"].as_str() {
            Some("allowed") if !refused || judges_itself => Ok(true),
            Some("denied") if refused || hides => Ok(false),
            outcome => Err(format!("{what}: the outcome on record is {outcome:?}")),
        }
    }

    /// Asks over an open connection; one with an announced body is of no use afterwards.
    async fn ask(
        &mut self,
        origin: &str,
        method: &str,
        target: &str,
        credential: &Credential,
        harmless: bool,
    ) -> Result<Reply, String> {
        let open = self.sessions.remove(origin).filter(Session::is_open);
        let mut session = match open {
            Some(session) => session,
            None => self.client.connect(origin).await.map_err(|error| format!("{error:#}"))?,
        };
        let body = if harmless { Sent::Whole(Vec::new()) } else { Sent::Announced(TOO_MUCH) };
        let reply = session
            .send(method, target, credential, &[], body)
            .await
            .map_err(|error| format!("{method} {origin}{target}: {error:#}"))?;
        if harmless {
            self.sessions.insert(origin.to_owned(), session);
        }
        Ok(reply)
    }

    fn origin(&self, operation: &Operation) -> String {
        match operation.service {
            Service::Hub => self.emulator.origin_of("tested-hub"),
            Service::Dps => self.emulator.origin_of("tested-dps"),
            Service::Twins => self.emulator.origin_of("tested-twins"),
            Service::Arm | Service::Entra => self.emulator.origin(),
            Service::ManagedIdentity => {
                let base = self.emulator.control_base();
                base[..base.find("/iolite").unwrap()].to_owned()
            }
        }
    }
}

#[test]
fn a_table_reads_back_as_it_was_written() {
    let row = Row {
        service: "IoT Hub".to_owned(),
        level: "hub".to_owned(),
        path: "/devices/{id}".to_owned(),
        method: "GET".to_owned(),
        name: "Devices_GetIdentity".to_owned(),
    };
    let table = Table { rows: BTreeMap::from([(row, Callers::from(["role Reader".to_owned(), OWNER.to_owned()]))]) };
    assert_eq!(Table::parse(&table.print()), table);
    assert_eq!(differences(&Table::default(), &table).len(), 1);
    assert_eq!(differences(&table, &Table::default()).len(), 1);
}
