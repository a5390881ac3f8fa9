//! Writers, each on a connection of its own, who change the world as fast as they are answered.

use std::sync::Arc;
use std::time::Duration;

use iolite_testkit::{Client, Credential, Sent};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::child::Process;
use crate::ledger::{Door, Ledger};

/// No load takes so long to get going, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writers at work.
pub(crate) struct Load {
    writers: JoinSet<Ledger>,
    acknowledged: watch::Receiver<u64>,
}

/// What every writer shares.
struct Shared {
    client: Client,
    origin: String,
    hub: Credential,
    dps: Credential,
    arm: Credential,
    acknowledged: watch::Sender<u64>,
}

impl Load {
    /// Starts a writer for each book.
    pub(crate) async fn start(process: &Process, ledgers: Vec<Ledger>) -> Self {
        let (sender, acknowledged) = watch::channel(0);
        let shared = Arc::new(Shared {
            client: process.client().clone(),
            origin: process.origin().to_owned(),
            hub: process.token("hub").await,
            dps: process.token("dps").await,
            arm: process.token("arm").await,
            acknowledged: sender,
        });
        let writers = ledgers.into_iter().map(|ledger| write(shared.clone(), ledger)).collect();
        Self { writers, acknowledged }
    }

    /// Waits until so many changes are acknowledged.
    pub(crate) async fn wait_for(&self, changes: u64) {
        let mut acknowledged = self.acknowledged.clone();
        let enough = acknowledged.wait_for(|count| *count >= changes);
        tokio::time::timeout(PATIENCE, enough).await.expect("the writers do not get on").expect("a writer failed");
    }

    /// Waits until the last writer has noticed that nobody answers any more; gives their books.
    pub(crate) async fn end(self) -> Vec<Ledger> {
        tokio::time::timeout(PATIENCE, self.writers.join_all()).await.expect("a writer does not notice")
    }
}

/// Writes until nobody answers.
async fn write(shared: Arc<Shared>, mut ledger: Ledger) -> Ledger {
    let Ok(mut session) = shared.client.connect(&shared.origin).await else { return ledger };
    loop {
        let change = ledger.next();
        let credential = match change.door {
            Door::Hub => &shared.hub,
            Door::Dps => &shared.dps,
            Door::Arm => &shared.arm,
        };
        let headers: &[(&str, &str)] = if change.if_match { &[("if-match", "*")] } else { &[] };
        let body = if change.body.is_null() { Vec::new() } else { change.body.to_string().into_bytes() };
        let answered = session.send(change.method, &change.target, credential, headers, Sent::Whole(body)).await;
        let Ok(reply) = answered else {
            ledger.leave_unsure(change);
            return ledger;
        };
        assert!(matches!(reply.status, 200 | 201 | 204), "{change:?}: {} {}", reply.status, reply.body);
        ledger.acknowledge(change);
        shared.acknowledged.send_modify(|count| *count += 1);
    }
}
