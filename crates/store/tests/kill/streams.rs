//! Streams: several writers, each with records in flight in a partition of its own and in one that all share, over small
//! segments, with clearing of what is old between.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iolite_kernel::Timestamp;
use iolite_store::streams::{Limits, Position, Stream, StreamRecord, Streams};

use super::{Chance, DIRECTORY, ROUND, copy_folder, start_writer};

const ROUNDS: usize = 15;
const WRITERS: u32 = 6;
const IN_FLIGHT: usize = 8;

/// The partition that all writers append to as well.
const SHARED: u32 = WRITERS;

fn limits() -> Limits {
    Limits { segment_bytes: 60_000, tail_bytes: 4096, ..Limits::default() }
}

fn moment(number: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(number).unwrap()).unwrap()
}

/// The record of a number: the number, and as much padding as follows from it.
fn body(number: u64) -> Vec<u8> {
    let mut body = Vec::from(number.to_le_bytes());
    body.resize(8 + usize::try_from(number % 500).unwrap(), 0x55);
    body
}

#[test]
fn every_acknowledged_record_survives_kill_nine() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<u32, u64> = BTreeMap::new();
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    for round in 0..ROUNDS {
        let test = "streams::every_acknowledged_record_survives_kill_nine";
        let (mut writer, lines) = start_writer(test, directory.path(), round);
        for _ in 0..=chance.below(600) {
            let line = lines.recv_timeout(Duration::from_secs(10));
            note(
                &mut acknowledged,
                &line.unwrap_or_else(|error| panic!("round {round}: the writer is silent: {error}")),
            );
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it had printed before it died was acknowledged as well.
        for line in lines {
            note(&mut acknowledged, &line);
        }
        let copy = tempfile::tempdir().unwrap();
        copy_folder(directory.path(), copy.path());
        // In turn, the next writer starts from what the kill left, or from what the look made of it.
        let looked_at = if round % 2 == 0 { directory.path() } else { copy.path() };
        check(looked_at, round, &acknowledged);
    }
    assert!(acknowledged.values().sum::<u64>() > 1000, "there was load: {acknowledged:?}");
}

fn check(directory: &Path, round: usize, acknowledged: &BTreeMap<u32, u64>) {
    let (streams, _) = Streams::open(directory, limits()).unwrap_or_else(|error| panic!("round {round}: {error}"));
    let stream = streams.stream("hub/events", WRITERS + 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all = |partition| runtime.block_on(stream.read(partition, Position::Earliest, usize::MAX, usize::MAX)).unwrap();
    let mut appended = 0;
    for writer in 0..WRITERS {
        let (records, next) = (all(writer), stream.bounds(writer).unwrap().next_sequence);
        let told = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(next >= told, "round {round}: writer {writer} was told of {told} records, and {next} are there");
        check_row(&records, round);
        for record in &records {
            assert_eq!(record.body, body(record.sequence), "round {round}: record {} as it was", record.sequence);
        }
        appended += next;
    }
    check_row(&all(SHARED), round);
    // A writer appends to its own partition first, and both records are in one batch or in two.
    let shared = stream.bounds(SHARED).unwrap().next_sequence;
    assert!(shared <= appended && shared + u64::from(WRITERS) * IN_FLIGHT as u64 * ROUNDS as u64 >= appended);
    runtime.block_on(streams.close());
}

/// Records follow each other without a gap.
fn check_row(records: &[StreamRecord], round: usize) {
    for pair in records.windows(2) {
        assert_eq!(pair[0].sequence + 1, pair[1].sequence, "round {round}: no gap");
        assert!(pair[0].offset < pair[1].offset, "round {round}: offsets grow");
    }
}

/// A line is `ack <writer> <how many it has been told of>`; the test harness prints others.
fn note(acknowledged: &mut BTreeMap<u32, u64>, line: &str) {
    let Some(rest) = line.strip_prefix("ack ") else { return };
    let (writer, count) = rest.split_once(' ').unwrap();
    acknowledged.insert(writer.parse().unwrap(), count.parse().unwrap());
}

fn write_until_killed(directory: &Path) {
    let round: usize = env::var_os(ROUND).unwrap().into_string().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let streams = Streams::open(directory, limits()).unwrap().0;
        let stream = streams.stream("hub/events", WRITERS + 1).unwrap();
        let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&stream), writer))).collect();
        if round % 3 == 2 {
            let now = stream.bounds(0).unwrap().next_sequence;
            stream.retain(moment(now.saturating_sub(50))).await.unwrap();
        }
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

/// Appends for ever, waiting for the oldest of those in flight.
async fn write(stream: Arc<Stream>, writer: u32) {
    let mut in_flight = VecDeque::new();
    for number in stream.bounds(writer).unwrap().next_sequence.. {
        let own = stream.append(writer, moment(number), &body(number)).unwrap();
        assert_eq!(own.sequence, number);
        in_flight.push_back((number, own.durable));
        stream.append(SHARED, moment(number), b"shared").unwrap();
        if in_flight.len() < IN_FLIGHT {
            continue;
        }
        let (number, durable) = in_flight.pop_front().unwrap();
        durable.wait().await.unwrap();
        let mut output = std::io::stdout().lock();
        writeln!(output, "ack {writer} {}", number + 1).unwrap();
        output.flush().unwrap();
    }
}
