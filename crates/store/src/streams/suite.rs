//! What every stream does, with a directory and without.
//!
//! Tests of both engines by one suite: each test runs over memory and over a directory with small segments and no
//! tail, so that the second reads from the disk.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use iolite_kernel::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::{Appended, LARGEST_RECORD, Limits, Position, Stream, StreamRecord, Streams, StreamsSnapshot};
use crate::StoreError;

/// A moment so many seconds into the tests' time.
pub(crate) fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// Segments of a few frames, and no tail.
pub(crate) fn small() -> Limits {
    Limits { segment_bytes: 2048, tail_bytes: 1, ..Limits::default() }
}

/// Streams without a directory, and streams with one.
pub(crate) fn both() -> [(Option<TempDir>, Streams); 2] {
    let directory = tempfile::tempdir().unwrap();
    let opened = Streams::open(directory.path(), small()).unwrap().0;
    [(None, Streams::memory(small())), (Some(directory), opened)]
}

pub(crate) async fn put(stream: &Stream, partition: u32, at: Timestamp, record: &[u8]) -> Appended {
    let appended = stream.append(partition, at, record).unwrap();
    appended.durable.wait().await.unwrap();
    appended
}

/// Appends `count` records of 100 bytes, one a second, to partition 0.
pub(crate) async fn fill(stream: &Stream, count: u8) {
    for number in 0..count {
        put(stream, 0, second(number.into()), &[number; 100]).await;
    }
}

pub(crate) async fn read_all(stream: &Stream, partition: u32) -> Vec<StreamRecord> {
    stream.read(partition, Position::Earliest, usize::MAX, usize::MAX).await.unwrap()
}

/// Looks once whether a future is done.
async fn poll<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

fn sequences(records: &[StreamRecord]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

#[tokio::test]
async fn records_are_read_as_they_were_appended() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub/events", 2).unwrap();
        let first = put(&stream, 1, second(1), b"one").await;
        let second_one = stream.append_parts(1, second(2), &[b"tw", b"", b"o"]).unwrap();
        second_one.durable.wait().await.unwrap();
        put(&stream, 0, second(3), b"").await;
        assert_eq!((first.sequence, second_one.sequence), (0, 1));
        assert!(first.offset < second_one.offset, "offsets grow");
        let records = read_all(&stream, 1).await;
        let told: Vec<_> = records.iter().map(|r| (r.sequence, r.offset, r.enqueued_at, &r.body[..])).collect();
        assert_eq!(told, [(0, first.offset, second(1), &b"one"[..]), (1, second_one.offset, second(2), &b"two"[..])]);
        assert_eq!(read_all(&stream, 0).await[0].body, "", "an empty record is a record");
    }
}

#[tokio::test]
async fn each_position_begins_where_it_says() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 1).unwrap();
        fill(&stream, 60).await;
        let offset = |sequence: u64| sequence * 120;
        for (position, expected) in [
            (Position::Earliest, 0),
            (Position::Latest, 60),
            (Position::Sequence(17), 17),
            (Position::Sequence(99), 60),
            (Position::Offset(offset(30)), 30),
            (Position::Offset(offset(30) + 1), 31),
            (Position::Offset(u64::MAX), 60),
            (Position::EnqueuedAfter(second(-1)), 0),
            (Position::EnqueuedAfter(second(40)), 41),
            (Position::EnqueuedAfter(second(59)), 60),
            (Position::EnqueuedAfter(Timestamp::MAX), 60),
        ] {
            assert_eq!(stream.resolve(0, position).await.unwrap(), expected, "{position:?}");
            let read = stream.read(0, position, 3, usize::MAX).await.unwrap();
            let upto = (expected + 3).min(60);
            assert_eq!(sequences(&read), (expected..upto).collect::<Vec<_>>(), "{position:?}");
        }
    }
}

#[tokio::test]
async fn reading_gives_no_more_than_asked_for_but_always_a_first_record() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 1).unwrap();
        fill(&stream, 30).await;
        let read = async |records, bytes| stream.read(0, Position::Sequence(5), records, bytes).await.unwrap().len();
        assert_eq!(read(7, usize::MAX).await, 7);
        assert_eq!(read(usize::MAX, 350).await, 3);
        assert_eq!(read(usize::MAX, 1).await, 1);
        assert_eq!(read(0, usize::MAX).await, 0);
    }
}

#[tokio::test]
async fn bounds_tell_what_is_there() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        let empty = stream.bounds(1).unwrap();
        assert!(empty.is_empty() && empty.last_sequence().is_none() && empty.last_enqueued_at.is_none());
        fill(&stream, 20).await;
        let bounds = stream.bounds(0).unwrap();
        assert_eq!((bounds.first_sequence, bounds.next_sequence, bounds.last_sequence()), (0, 20, Some(19)));
        assert_eq!((bounds.last_offset, bounds.last_enqueued_at), (Some(19 * 120), Some(second(19))));
        assert!(stream.bounds(1).unwrap().is_empty(), "partitions are apart");
    }
}

#[tokio::test]
async fn what_is_too_old_goes_and_numbers_go_on() {
    for (directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        fill(&stream, 60).await;
        stream.retain(second(25)).await.unwrap();
        assert_eq!(stream.bounds(0).unwrap().first_sequence, 25);
        assert_eq!(sequences(&read_all(&stream, 0).await), (25..60).collect::<Vec<_>>());
        assert_eq!(sequences(&stream.read(0, Position::Sequence(3), 1, 0).await.unwrap()), [25]);
        stream.retain(second(60)).await.unwrap();
        let bounds = stream.bounds(0).unwrap();
        assert!(bounds.is_empty());
        assert_eq!((bounds.next_sequence, bounds.last_offset), (60, Some(59 * 120)), "the last is still known");
        assert_eq!(put(&stream, 0, second(61), b"x").await.sequence, 60);
        assert_eq!(sequences(&read_all(&stream, 0).await), [60]);
        if let Some(directory) = &directory {
            let left = std::fs::read_dir(directory.path().join("streams/hub")).unwrap().count();
            assert_eq!(left, 1, "the segments are deleted");
        }
    }
}

#[tokio::test]
async fn retention_is_applied_by_the_moments_of_appends() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        stream.set_retention(Some(SignedDuration::from_secs(64)));
        put(&stream, 1, second(0), b"a").await;
        for minute in 0..10 {
            put(&stream, 0, second(minute * 60), &[0; 100]).await;
        }
        // A task waits for what the commit thread does after the last append.
        stream.retain(Timestamp::MIN).await.unwrap();
        assert_eq!(sequences(&read_all(&stream, 0).await), [8, 9]);
        assert!(stream.bounds(1).unwrap().is_empty(), "also where nothing is appended");
        // A clock that is turned back makes nothing old.
        for number in 0..10 {
            put(&stream, 1, second(number), b"b").await;
        }
        stream.retain(Timestamp::MIN).await.unwrap();
        assert_eq!(read_all(&stream, 1).await.len(), 10);
    }
}

#[tokio::test]
async fn clearing_drops_everything_and_numbers_go_on() {
    for (_directory, streams) in both() {
        let (one, other) = (streams.stream("one", 1).unwrap(), streams.stream("other", 3).unwrap());
        fill(&one, 30).await;
        put(&other, 2, second(0), b"x").await;
        streams.clear().await.unwrap();
        for (stream, partition, next) in [(&one, 0, 30), (&other, 2, 1), (&other, 1, 0)] {
            assert_eq!(read_all(stream, partition).await, []);
            assert_eq!(put(stream, partition, second(99), b"y").await.sequence, next);
            assert_eq!(sequences(&read_all(stream, partition).await), [next]);
        }
    }
}

#[tokio::test]
async fn a_removed_stream_is_closed_and_a_new_one_begins_at_the_front() {
    for (directory, streams) in both() {
        let stream = streams.stream("Hub/Events", 1).unwrap();
        fill(&stream, 20).await;
        streams.remove("Hub/Events").await.unwrap();
        streams.remove("never there").await.unwrap();
        assert!(matches!(stream.append(0, second(0), b"x"), Err(StoreError::Closed)));
        assert!(streams.names().is_empty());
        if let Some(directory) = &directory {
            assert!(!directory.path().join("streams/%48ub%2f%45vents").exists());
        }
        let stream = streams.stream("Hub/Events", 1).unwrap();
        assert_eq!(put(&stream, 0, second(0), b"x").await.sequence, 0);
    }
}

/// A hub that is deleted has its stream removed in the background: who clears or copies everything meanwhile does not
/// meet it half closed.
#[tokio::test]
async fn a_removal_under_way_is_in_the_way_of_nothing_that_concerns_all() {
    for (_directory, streams) in both() {
        fill(&streams.stream("a", 1).unwrap(), 20).await;
        let copy = streams.export(u64::MAX).await.unwrap();
        let (removed, cleared) = tokio::join!(streams.remove("a"), streams.clear());
        assert!(removed.is_ok() && cleared.is_ok(), "{removed:?} {cleared:?}");
        streams.stream("a", 1).unwrap();
        let (removed, imported) = tokio::join!(streams.remove("a"), streams.import(copy));
        assert!(removed.is_ok() && imported.is_ok(), "{removed:?} {imported:?}");
        assert_eq!(read_all(&streams.stream("a", 1).unwrap(), 0).await.len(), 20);
    }
}

#[tokio::test]
async fn a_stream_asked_for_twice_is_the_same_and_gets_the_more_partitions() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        assert!(Arc::ptr_eq(&stream, &streams.stream("hub", 1).unwrap()));
        assert_eq!(stream.partitions(), 2);
        fill(&stream, 5).await;
        streams.stream("hub", 4).unwrap();
        assert_eq!(stream.partitions(), 4);
        assert_eq!(put(&stream, 3, second(0), b"x").await.sequence, 0);
        assert_eq!(sequences(&read_all(&stream, 3).await), [0]);
        assert_eq!(streams.names(), ["hub"]);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        let refusal = stream.append(2, second(0), b"x").unwrap_err();
        assert!(matches!(refusal, StoreError::NoPartition { partition: 2, .. }), "{refusal}");
        assert!(stream.bounds(2).is_err() && stream.read(2, Position::Earliest, 1, 1).await.is_err());
        let refusal = stream.append(0, second(0), &vec![0; LARGEST_RECORD + 1]).unwrap_err();
        assert!(matches!(refusal, StoreError::TooLarge { limit: LARGEST_RECORD, .. }), "{refusal}");
        put(&stream, 0, second(0), &vec![0; LARGEST_RECORD]).await;
        for (name, partitions) in [("hub", 0), ("hub", 2049)] {
            assert!(matches!(streams.stream(name, partitions), Err(StoreError::UnusableStream { .. })));
        }
        streams.close().await;
        assert!(matches!(stream.append(0, second(0), b"x"), Err(StoreError::Closed)));
        assert!(matches!(streams.stream("other", 1), Err(StoreError::Closed)));
        assert_eq!(read_all(&stream, 0).await.len(), 1, "reading goes on");
    }
}

#[tokio::test]
async fn a_reader_is_woken_by_the_record_it_waits_for_and_by_the_end() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        {
            let mut changed = pin!(stream.changed(0, 1));
            assert!(poll(changed.as_mut()).await.is_pending());
            put(&stream, 1, second(0), b"elsewhere").await;
            put(&stream, 0, second(0), b"before").await;
            assert!(poll(changed.as_mut()).await.is_pending());
            put(&stream, 0, second(0), b"this").await;
            assert!(matches!(poll(changed.as_mut()).await, Poll::Ready(Ok(()))));
        }
        stream.changed(0, 1).await.unwrap();
        let mut changed = pin!(stream.changed(0, 2));
        assert!(poll(changed.as_mut()).await.is_pending());
        streams.close().await;
        assert!(matches!(changed.await, Err(StoreError::Closed)));
    }
}

#[tokio::test]
async fn a_copy_puts_everything_back() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 3).unwrap();
        fill(&stream, 40).await;
        put(&stream, 2, second(7), b"seven").await;
        stream.retain(second(10)).await.unwrap();
        let copy = streams.export(u64::MAX).await.unwrap();
        assert_eq!(copy.records(), 30, "what is too old is not in it");
        let (before, bounds) = (read_all(&stream, 0).await, stream.bounds(2).unwrap());
        put(&stream, 0, second(99), b"later").await;
        let late = streams.stream("late", 1).unwrap();
        put(&late, 0, second(99), b"later").await;
        let copy = StreamsSnapshot::from_bytes(&copy.to_bytes()).unwrap();
        streams.import(copy.clone()).await.unwrap();
        assert_eq!(read_all(&stream, 0).await, before);
        assert_eq!(stream.bounds(2).unwrap(), bounds);
        assert_eq!(read_all(&late, 0).await, []);
        assert_eq!(put(&stream, 0, second(99), b"later").await.sequence, 40, "it goes on from then");
        // Into another world.
        let other = Streams::memory(Limits::default());
        other.import(copy).await.unwrap();
        assert_eq!(read_all(&other.stream("hub", 1).unwrap(), 0).await, before);
    }
}

#[tokio::test]
async fn a_bounded_copy_has_the_newest_records_of_each_partition() {
    for (_directory, streams) in both() {
        let stream = streams.stream("hub", 2).unwrap();
        fill(&stream, 60).await;
        for number in 0..20 {
            put(&stream, 1, second(number), &[1; 100]).await;
        }
        let copy = streams.export(40 * 120).await.unwrap();
        streams.import(copy).await.unwrap();
        assert_eq!(sequences(&read_all(&stream, 0).await), (30..60).collect::<Vec<_>>());
        assert_eq!(sequences(&read_all(&stream, 1).await), (10..20).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_damaged_copy_is_refused_whole() {
    let streams = Streams::memory(Limits::default());
    let stream = streams.stream("hub", 2).unwrap();
    put(&stream, 1, second(3), b"body").await;
    let bytes = streams.export(u64::MAX).await.unwrap().to_bytes();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        assert!(StreamsSnapshot::from_bytes(&flipped).is_err(), "flipped at {at}");
        assert!(StreamsSnapshot::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn memory_is_bounded_and_the_oldest_go_first() {
    let limits = Limits { memory_bytes: 1 << 20, ..Limits::default() };
    let streams = Streams::memory(limits);
    let stream = streams.stream("hub", 4).unwrap();
    put(&stream, 3, second(0), b"early").await;
    for number in 0..20_000 {
        put(&stream, number % 2, second(1), &[7; 256]).await;
        if number == 19_000 {
            put(&stream, 2, second(1), b"rare").await;
        }
        assert!(stream.shared.state.lock().cost <= 1 << 20);
    }
    assert!(stream.bounds(3).unwrap().is_empty(), "the oldest is gone");
    assert_eq!(stream.bounds(2).unwrap().first_sequence, 0, "a new one in a quiet partition is not");
    for partition in 0..2 {
        let records = read_all(&stream, partition).await;
        let first = stream.bounds(partition).unwrap().first_sequence;
        assert_eq!(sequences(&records), (first..10_000).collect::<Vec<_>>());
        assert!(records.len() > 1000, "{} of {partition}", records.len());
    }
    streams.clear().await.unwrap();
    assert_eq!(stream.shared.state.lock().cost, 0, "all memory is given back");
}

#[tokio::test]
async fn the_tail_of_a_kept_stream_is_bounded_too() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), Limits { tail_bytes: 64 << 10, ..Limits::default() }).unwrap().0;
    let stream = streams.stream("hub", 2).unwrap();
    for _ in 0..20 {
        let appended: Vec<_> =
            (0..500).map(|number| stream.append(number % 2, second(0), &[1; 200]).unwrap()).collect();
        appended.last().unwrap().durable.wait().await.unwrap();
        assert!(appended.iter().all(|appended| appended.durable.is_settled()), "in the order of appends");
        assert!(stream.shared.state.lock().cost <= 64 << 10);
    }
    assert_eq!(sequences(&read_all(&stream, 1).await), (0..5000).collect::<Vec<_>>());
}
