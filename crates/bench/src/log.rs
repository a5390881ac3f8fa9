//! The bare log: writers hand over a record and wait; one thread gathers who waits, writes once, syncs once, wakes all.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokio::sync::oneshot;

use crate::report;

/// How the bare log is driven.
#[derive(Args)]
pub(crate) struct Log {
    /// The file, made anew.
    #[arg(long)]
    file: PathBuf,
    /// How many writers wait at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// The size of a record, in bytes.
    #[arg(long, default_value_t = 700)]
    size: usize,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// A log that gathers who waits, writes once, syncs once, and wakes all.
#[derive(Clone)]
pub(crate) struct GroupCommit(mpsc::Sender<Waiting>);

impl GroupCommit {
    /// The log in `file`, made anew.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let (sender, receiver) = mpsc::channel::<Waiting>();
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(file)?;
        std::thread::spawn(move || -> std::io::Result<()> {
            let mut batch = Vec::new();
            while let Ok(first) = receiver.recv() {
                let waiting: Vec<Waiting> = std::iter::once(first).chain(receiver.try_iter()).collect();
                batch.clear();
                for (record, _) in &waiting {
                    batch.extend_from_slice(record);
                }
                file.write_all(&batch)?;
                file.sync_data()?;
                for (_, done) in waiting {
                    done.send(()).ok();
                }
            }
            Ok(())
        });
        Ok(Self(sender))
    }

    /// Waits until `record` is on the disk.
    pub(crate) async fn append(&self, record: Vec<u8>) -> Result<()> {
        let (done, wait) = oneshot::channel();
        self.0.send((record, done))?;
        Ok(wait.await?)
    }
}

pub(crate) fn run(log: &Log) -> Result<()> {
    let commit = GroupCommit::open(&log.file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let count: u32 = runtime.block_on(async {
        let end = Instant::now() + Duration::from_secs_f64(log.seconds);
        let tasks: Vec<_> = (0..log.clients).map(|_| tokio::spawn(client(commit.clone(), log.size, end))).collect();
        let mut total = 0;
        for task in tasks {
            total += task.await??;
        }
        anyhow::Ok(total)
    })?;
    std::fs::remove_file(&log.file)?;
    report(&json!({"records": count, "per_second": (f64::from(count) / log.seconds).round()}));
    Ok(())
}

async fn client(commit: GroupCommit, size: usize, end: Instant) -> Result<u32> {
    let mut count = 0;
    while Instant::now() < end {
        commit.append(vec![b'x'; size]).await?;
        count += 1;
    }
    Ok(count)
}
