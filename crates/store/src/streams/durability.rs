//! What a directory gives back after a crash, a cut, a flipped bit and a failed write.
//!
//! Tests of the segments. A crash is played by copying the files of running streams: every acknowledged record must be
//! found in the copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::head::{Most, Start};
use super::log::{Wanted, read};
use super::model::copy_folder;
use super::suite::{fill, put, read_all, second, small};
use super::{Limits, Position, Streams, StreamsRecovery};
use crate::{OpenError, StoreError, TornTail};

/// The records of the stream `hub`, by their first bytes.
async fn content(streams: &Streams) -> Vec<u8> {
    let stream = streams.stream("hub", 1).unwrap();
    read_all(&stream, 0).await.iter().map(|record| record.body[0]).collect()
}

async fn reopen(path: &Path) -> Result<(Vec<u8>, StreamsRecovery), OpenError> {
    let (streams, recovery) = Streams::open(path, small())?;
    Ok((content(&streams).await, recovery))
}

/// A crashed directory whose stream `hub` has 44 records, the last ones in the segment that is returned with where
/// its frames end.
async fn crashed() -> (TempDir, PathBuf, usize) {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    fill(&streams.stream("hub", 1).unwrap(), 44).await;
    let copy = tempfile::tempdir().unwrap();
    copy_folder(directory.path(), copy.path());
    let segments = segments(copy.path());
    assert!(segments.len() > 2, "{segments:?}");
    let last = segments.last().unwrap().clone();
    let end = fs::read(&last).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    (copy, last, end)
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(directory.join("streams/hub")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn first(count: u8) -> Vec<u8> {
    (0..count).collect()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash_and_after_a_close() {
    let (directory, ..) = crashed().await;
    for _ in 0..2 {
        let (streams, recovery) = Streams::open(directory.path(), small()).unwrap();
        assert_eq!(recovery, StreamsRecovery { streams: 1, records: 44, torn_tails: Vec::new() });
        assert_eq!(content(&streams).await, first(44));
        streams.close().await;
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_reported() {
    let (directory, last, end) = crashed().await;
    let whole = fs::read(&last).unwrap();
    // A frame here is a header of 36 bytes, a record's of 20, and 100 bytes.
    let begin = end - 156;
    for cut in [1, 99, 100, 121, 155] {
        fs::write(&last, &whole[..end - cut]).unwrap();
        let (found, recovery) = reopen(directory.path()).await.unwrap();
        assert_eq!(found, first(43), "cut by {cut}");
        // Zeros at its end cannot be told from those that are written ahead.
        let bytes = whole[begin..end - cut].iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
        let file = format!("hub/{}", last.file_name().unwrap().to_str().unwrap());
        assert_eq!(recovery.torn_tails, [TornTail { file, position: begin as u64, bytes }]);
        assert!(recovery.to_string().contains("an unfinished write"), "{recovery}");
    }
    fs::write(&last, &whole[..begin]).unwrap();
    assert_eq!(reopen(directory.path()).await.unwrap().1.torn_tails, [], "a whole frame less is no torn tail");
}

#[tokio::test]
async fn streams_go_on_after_a_torn_tail() {
    let (directory, last, end) = crashed().await;
    let mut bytes = fs::read(&last).unwrap();
    bytes.truncate(end - 10);
    bytes.extend([0x5a; 5000]);
    fs::write(&last, bytes).unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let appended = put(&streams.stream("hub", 1).unwrap(), 0, second(99), &[99]).await;
    assert_eq!(appended.sequence, 43, "the number was never given away");
    let copy = tempfile::tempdir().unwrap();
    copy_folder(directory.path(), copy.path());
    let (found, recovery) = reopen(copy.path()).await.unwrap();
    assert_eq!(found, [first(43), vec![99]].concat());
    assert_eq!(recovery.torn_tails, []);
}

#[tokio::test]
async fn no_flipped_bit_loses_a_finished_write_unseen() {
    let (directory, last, _) = crashed().await;
    let (mut refused, mut torn) = (0, 0);
    for segment in segments(directory.path()) {
        let whole = fs::read(&segment).unwrap();
        for at in (0..whole.len().min(3000)).chain((3000..whole.len()).step_by(997)) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(&segment, flipped).unwrap();
            match reopen(directory.path()).await {
                Err(OpenError::Corrupt { .. } | OpenError::NewerFormat { .. }) => refused += 1,
                Err(other) => panic!("byte {at}: {other}"),
                Ok((found, recovery)) => {
                    assert!(!recovery.torn_tails.is_empty(), "byte {at} of {segment:?}: nothing was said");
                    assert_eq!(segment, last, "only what is written last can be torn");
                    assert!(found == first(43) || found == first(44), "byte {at}: {found:?}");
                    torn += 1;
                }
            }
        }
        fs::write(&segment, whole).unwrap();
    }
    assert!(refused > 1000 && torn > 100, "{refused} refused, {torn} torn");
}

#[tokio::test]
async fn damage_is_named_and_a_refused_start_changes_nothing() {
    let (directory, last, end) = crashed().await;
    let whole = fs::read(&last).unwrap();
    let mut flipped = whole.clone();
    flipped[end - 2 * 156 + 70] ^= 1;
    fs::write(&last, &flipped).unwrap();
    let refusal = reopen(directory.path()).await.unwrap_err().to_string();
    assert!(refusal.contains("finished ones stand behind") && refusal.contains("Put back a copy"), "{refusal}");
    assert_eq!(fs::read(&last).unwrap(), flipped);
    fs::write(&last, &whole).unwrap();

    let second_one = &segments(directory.path())[1];
    let elsewhere = directory.path().join("elsewhere");
    fs::rename(second_one, &elsewhere).unwrap();
    let refusal = reopen(directory.path()).await.unwrap_err().to_string();
    assert!(refusal.contains("the segment before this one is missing"), "{refusal}");
    fs::copy(&last, second_one).unwrap();
    let refusal = reopen(directory.path()).await.unwrap_err().to_string();
    assert!(refusal.contains("this is another segment"), "{refusal}");
    fs::rename(&elsewhere, second_one).unwrap();

    fs::rename(directory.path().join("streams/hub"), directory.path().join("streams/other")).unwrap();
    let refusal = reopen(directory.path()).await.unwrap_err().to_string();
    assert!(refusal.contains("a segment of another stream"), "{refusal}");
}

#[tokio::test]
async fn a_batch_is_there_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), Limits::default()).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    put(&stream, 0, second(0), &[0]).await;
    // While the first of these is written, the others gather.
    let appended: Vec<_> = (1..200).map(|number| stream.append(0, second(0), &[number; 9]).unwrap()).collect();
    appended.last().unwrap().durable.wait().await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(directory.path(), copy.path());
    let segment = segments(copy.path()).pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut counts = std::collections::BTreeSet::new();
    for cut in (0..end).rev().step_by(7) {
        fs::write(&segment, &whole[..cut]).unwrap();
        if let Ok((found, _)) = reopen(copy.path()).await {
            assert_eq!(found, first(u8::try_from(found.len()).unwrap()));
            counts.insert(found.len());
        }
    }
    assert!(counts.len() < 20, "records came back by the batch: {counts:?}");
}

#[tokio::test]
async fn an_unfinished_segment_and_those_before_a_clearing_are_left_behind() {
    let (directory, ..) = crashed().await;
    let old = tempfile::tempdir().unwrap();
    copy_folder(directory.path(), old.path());
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    streams.clear().await.unwrap();
    streams.close().await;
    drop(streams);
    // A crash after the new segment got its name, before the old ones went.
    for segment in segments(old.path()) {
        fs::copy(&segment, directory.path().join("streams/hub").join(segment.file_name().unwrap())).unwrap();
    }
    let unfinished = segments(directory.path()).last().unwrap().with_extension("new");
    fs::write(unfinished, b"half a header").unwrap();
    let (streams, recovery) = Streams::open(directory.path(), small()).unwrap();
    assert_eq!((recovery.records, content(&streams).await), (0, vec![]));
    assert_eq!(put(&streams.stream("hub", 1).unwrap(), 0, second(0), &[7]).await.sequence, 44);
    streams.close().await;
    drop(streams);
    assert_eq!(reopen(directory.path()).await.unwrap().0, [7]);
    let left = segments(directory.path());
    assert_eq!(left.iter().filter(|path| path.extension().unwrap() == "segment").count(), 1, "{left:?}");
}

#[tokio::test]
async fn a_stream_that_cannot_be_written_acknowledges_nothing_more_and_can_still_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), Limits { segment_bytes: 2048, ..Limits::default() }).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 5).await;
    // The next segment cannot be begun.
    fs::rename(directory.path().join("streams"), directory.path().join("gone")).unwrap();
    let mut acknowledged = 5;
    let failure = loop {
        let appended = stream.append(0, second(9), &[acknowledged; 100]).unwrap();
        match appended.durable.wait().await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(failure, StoreError::Failed(_)), "{failure}");
    assert!(matches!(stream.append(0, second(9), b"x"), Err(StoreError::Failed(_))));
    assert!(matches!(stream.clear().await, Err(StoreError::Failed(_))));
    assert!(matches!(stream.changed(0, acknowledged.into()).await, Err(StoreError::Failed(_))));
    assert_eq!(content(&streams).await, first(acknowledged), "what was not acknowledged is not seen");
    let other = streams.stream("other", 1).unwrap().append(0, second(0), b"x").unwrap();
    assert!(other.durable.wait().await.is_err(), "nor can another be begun");
    streams.close().await;
    assert!(matches!(stream.append(0, second(9), b"x"), Err(StoreError::Failed(_))), "the failure is not forgotten");
    drop((stream, streams));
    fs::rename(directory.path().join("gone"), directory.path().join("streams")).unwrap();
    let (found, recovery) = reopen(directory.path()).await.unwrap();
    assert_eq!((found, recovery.torn_tails), (first(acknowledged), vec![]));
}

#[tokio::test]
async fn who_floods_a_stream_faster_than_the_disk_is_refused_for_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { waiting_bytes: 10_000, ..Limits::default() };
    let streams = Streams::open(directory.path(), limits).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    let mut last = None;
    let refusal = loop {
        match stream.append(0, second(0), &[1; 5000]) {
            Ok(appended) => last = Some(appended),
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, StoreError::Behind { .. }), "{refusal}");
    last.unwrap().durable.wait().await.unwrap();
    put(&stream, 0, second(0), b"x").await;
}

#[tokio::test]
async fn the_size_on_the_disk_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { disk_bytes: Some(10_000), ..small() };
    let streams = Streams::open(directory.path(), limits).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 200).await;
    stream.retain(second(-1)).await.unwrap();
    let bounds = stream.bounds(0).unwrap();
    assert!((100..150).contains(&bounds.first_sequence) && bounds.next_sequence == 200, "{bounds:?}");
    let read = stream.read(0, Position::Sequence(0), 1, 0).await.unwrap();
    assert_eq!(read[0].sequence, bounds.first_sequence);
    let size: u64 = segments(directory.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(size < 10_000 + 200_000, "{size} bytes, of which the zeros written ahead");
}

#[tokio::test]
async fn a_reader_from_the_disk_stops_where_it_was_told_though_more_was_written_since() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 30).await;
    let index = stream.shared.state.lock().journal.as_ref().map(|journal| Arc::clone(&journal.index)).unwrap();
    let most = Most { records: usize::MAX, bytes: usize::MAX };
    let wanted = Wanted { partition: 0, start: Start::Sequence(3), floor: 0, end: 20, most };
    let sequences: Vec<_> = read(&index, wanted).unwrap().iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, (3..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_frame_damaged_after_the_start_is_refused_to_its_reader() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 40).await;
    let segment = &segments(directory.path())[0];
    let mut bytes = fs::read(segment).unwrap();
    bytes[500] ^= 1;
    fs::write(segment, bytes).unwrap();
    let read = stream.read(0, Position::Earliest, 40, usize::MAX).await;
    let refusal = read.map(|records| records.len()).unwrap_err();
    assert!(matches!(&refusal, StoreError::StreamUnreadable { stream, .. } if stream == "hub"), "{refusal}");
    assert!(refusal.to_string().contains("a frame does not verify"), "{refusal}");
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let refusal = Streams::open(directory.path(), small()).unwrap_err();
    assert!(matches!(&refusal, OpenError::InUse { .. }), "{refusal}");
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 1).await;
    streams.close().await;
    drop(Streams::open(directory.path(), small()).unwrap());
    assert_eq!(read_all(&stream, 0).await.len(), 1, "closed, it can still be read");
    let again = Streams::open(directory.path(), small()).unwrap().0;
    fill(&again.stream("hub", 1).unwrap(), 1).await;
    drop(again);
    Streams::open(directory.path(), small()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_kept_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = tempfile::tempdir().unwrap();
    let directory = world.path().join("data");
    let streams = Streams::open(&directory, small()).unwrap().0;
    fill(&streams.stream("hub", 1).unwrap(), 1).await;
    for (path, expected) in [
        ("", 0o700),
        ("streams", 0o700),
        ("streams/streams.lock", 0o600),
        ("streams/hub", 0o700),
        ("streams/hub/000000000000.segment", 0o600),
    ] {
        let mode = directory.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{path}");
    }
}

#[tokio::test]
async fn streams_nobody_appends_to_leave_nothing_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    streams.stream("hub", 32).unwrap();
    streams.clear().await.unwrap();
    streams.close().await;
    drop(streams);
    let left: Vec<_> = fs::read_dir(directory.path().join("streams")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(Streams::open(directory.path(), small()).unwrap().1, StreamsRecovery::default());
}
