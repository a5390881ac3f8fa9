//! Random lives of streams, compared with plain rows.
//!
//! A property test over both engines: whatever is appended, dropped, copied and put back, and however the process ends,
//! every position reads what a plain row of records holds.

use std::collections::BTreeMap;
use std::path::Path;

use iolite_kernel::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::suite::{second, small};
use super::{Limits, Position, Streams, StreamsSnapshot};

#[derive(Debug, Clone)]
enum Step {
    /// Appends to a partition of a stream, so many records of such a length; the clock moves on by so much each time.
    Append(u8, u8, usize, i64),
    /// Drops what is older than so many seconds.
    Retain(u8, i64),
    Clear,
    /// Takes a copy, appends, puts the copy back.
    Restore(usize),
    Close,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..6_u8, 1..12_u8, 0..300_usize, -3..20_i64).prop_map(|(at, count, length, pace)| {
            Step::Append(at, count, length, pace)
        }),
        2 => (0..6_u8, 0..200_i64).prop_map(|(at, age)| Step::Retain(at, age)),
        1 => Just(Step::Clear),
        1 => (0..300_usize).prop_map(Step::Restore),
        2 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

/// What a partition should hold.
#[derive(Debug, Clone, Default)]
struct Row {
    /// Every record that there was since the last copy, with the number of the first.
    records: Vec<(Timestamp, Vec<u8>)>,
    begin: usize,
    floor: usize,
    /// The least that the floor may be after a new start: retention by age is applied anew then.
    kept_floor: usize,
}

impl Row {
    fn next(&self) -> usize {
        self.begin + self.records.len()
    }

    fn at(&self, sequence: usize) -> Timestamp {
        self.records[sequence - self.begin].0
    }
}

const STREAMS: [(&str, u32); 3] = [("hub/events", 3), ("B", 1), ("hub/other", 2)];

/// The streams of one engine, and what they are compared with.
struct Life {
    directory: Option<TempDir>,
    limits: Limits,
    streams: Streams,
    rows: BTreeMap<(usize, u32), Row>,
    now: i64,
    number: u64,
}

impl Life {
    fn begin(directory: Option<TempDir>, limits: Limits) -> Self {
        let streams = match &directory {
            None => Streams::memory(Limits::default()),
            Some(directory) => Streams::open(directory.path(), limits).unwrap().0,
        };
        let rows = STREAMS.iter().enumerate().flat_map(|(stream, (_, partitions))| {
            (0..*partitions).map(move |partition| ((stream, partition), Row::default()))
        });
        Self { directory, limits, streams, rows: rows.collect(), now: 0, number: 0 }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Append(at, count, length, pace) => self.append(*at, *count, *length, *pace).await,
            Step::Retain(at, age) => self.retain(*at, *age).await,
            Step::Clear => {
                self.streams.clear().await.unwrap();
                for row in self.rows.values_mut() {
                    row.floor = row.next();
                    row.kept_floor = row.floor;
                }
            }
            Step::Restore(length) => self.restore(*length).await,
            Step::Close => self.reopen(false).await,
            Step::Crash => self.reopen(true).await,
        }
    }

    async fn append(&mut self, at: u8, count: u8, length: usize, pace: i64) {
        let keys: Vec<_> = self.rows.keys().copied().collect();
        let (stream, partition) = keys[usize::from(at) % keys.len()];
        let (name, partitions) = STREAMS[stream];
        let row = self.rows.get_mut(&(stream, partition)).unwrap();
        let stream = self.streams.stream(name, partitions).unwrap();
        let mut last = None;
        for _ in 0..count {
            self.now += pace;
            self.number += 1;
            let body = self.number.to_le_bytes().into_iter().cycle().take(length).collect::<Vec<_>>();
            let (front, back) = body.split_at(length / 3);
            let appended = stream.append_parts(partition, second(self.now), &[front, back]).unwrap();
            assert_eq!(appended.sequence, row.next() as u64);
            row.records.push((second(self.now), body));
            last = Some(appended.durable);
        }
        last.unwrap().wait().await.unwrap();
    }

    async fn retain(&mut self, at: u8, age: i64) {
        let index = usize::from(at) % STREAMS.len();
        let (name, partitions) = STREAMS[index];
        let cutoff = second(self.now - age);
        self.streams.stream(name, partitions).unwrap().retain(cutoff).await.unwrap();
        for ((stream, _), row) in &mut self.rows {
            if *stream == index {
                row.floor = (row.floor..row.next()).find(|at| row.at(*at) >= cutoff).unwrap_or(row.next());
            }
        }
    }

    async fn restore(&mut self, length: usize) {
        let copy = self.streams.export(u64::MAX).await.unwrap();
        let mut before = self.rows.clone();
        self.append(0, 3, length, 1).await;
        let copy = StreamsSnapshot::from_bytes(&copy.to_bytes()).unwrap();
        self.streams.import(copy).await.unwrap();
        for (key, row) in &mut before {
            row.kept_floor = row.floor;
            // A stream that came only after the copy is cleared, and its numbers go on.
            let (name, now) = (STREAMS[key.0].0, &self.rows[key]);
            if row.next() == 0 && now.next() > 0 && self.streams.names().iter().any(|known| known == name) {
                let bounds = self.streams.stream(name, STREAMS[key.0].1).unwrap().bounds(key.1).unwrap();
                assert!(bounds.is_empty());
                *row = now.clone();
                (row.floor, row.kept_floor) = (row.next(), row.next());
                if bounds.next_sequence == 0 {
                    *row = Row::default();
                }
            }
        }
        self.rows = before;
    }

    /// Ends the process in good order or not, and starts it anew.
    async fn reopen(&mut self, is_crash: bool) {
        let Some(directory) = &self.directory else { return };
        let copy = tempfile::tempdir().unwrap();
        if is_crash {
            copy_folder(directory.path(), copy.path());
        }
        self.streams.close().await;
        self.streams = Streams::memory(Limits::default());
        if is_crash {
            self.directory = Some(copy);
        }
        let path = self.directory.as_ref().unwrap().path();
        let (streams, recovery) = Streams::open(path, self.limits).unwrap();
        assert_eq!(recovery.torn_tails, [], "what was acknowledged is whole");
        self.streams = streams;
        for ((index, partition), row) in &mut self.rows {
            let (name, partitions) = STREAMS[*index];
            let stream = self.streams.stream(name, partitions).unwrap();
            let first = usize::try_from(stream.bounds(*partition).unwrap().first_sequence).unwrap();
            assert!((row.kept_floor..=row.floor).contains(&first), "{name} {partition}: {first} of {row:?}");
            row.floor = first;
        }
    }

    async fn check(&self) {
        for ((index, partition), row) in &self.rows {
            let (name, partitions) = STREAMS[*index];
            let stream = self.streams.stream(name, partitions).unwrap();
            let bounds = stream.bounds(*partition).unwrap();
            assert_eq!((bounds.first_sequence, bounds.next_sequence), (row.floor as u64, row.next() as u64));
            assert_eq!(bounds.last_enqueued_at, row.records.last().map(|(at, _)| *at));
            let all = stream.read(*partition, Position::Earliest, usize::MAX, usize::MAX).await.unwrap();
            let told: Vec<_> =
                all.iter().map(|record| (record.sequence, record.enqueued_at, &record.body[..])).collect();
            let expected = (row.floor..row.next()).map(|at| {
                let (moment, body) = &row.records[at - row.begin];
                (at as u64, *moment, &body[..])
            });
            assert_eq!(told, expected.collect::<Vec<_>>());
            let Some(middle) = all.get(all.len() / 2) else { continue };
            let since = all.iter().find(|record| record.enqueued_at > middle.enqueued_at);
            for (position, first) in [
                (Position::Sequence(middle.sequence), Some(middle)),
                (Position::Offset(middle.offset), Some(middle)),
                (Position::Offset(middle.offset + 1), all.get(all.len() / 2 + 1)),
                (Position::EnqueuedAfter(middle.enqueued_at), since),
                (Position::Latest, None),
            ] {
                let read = stream.read(*partition, position, 1, 0).await.unwrap();
                assert_eq!(read.first(), first, "{position:?} of {name} {partition}");
            }
        }
    }
}

/// Copies a folder as it is, while the process that has it runs.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_live_as_a_plain_row_does(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let roomy = Limits { tail_bytes: 20_000, ..small() };
            for (directory, limits) in [
                (None, small()),
                (Some(tempfile::tempdir().unwrap()), small()),
                (Some(tempfile::tempdir().unwrap()), roomy),
            ] {
                let mut life = Life::begin(directory, limits);
                for step in &steps {
                    life.take(step).await;
                    life.check().await;
                }
            }
        });
    }
}
