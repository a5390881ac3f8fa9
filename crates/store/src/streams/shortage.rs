//! What a stream does where the system has no thread to give: it refuses what needs one, and goes on when there is one.
//!
//! Tests over a directory; a stream in memory needs no thread.

use super::suite::{fill, put, read_all, second, small};
use super::{Position, Streams};
use crate::thread::tests::Shortage;
use crate::{Store, StoreError};

#[tokio::test]
async fn a_stream_without_a_thread_refuses_a_record_and_takes_it_later() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let stream = streams.stream("hub", 2).unwrap();
    let shortage = Shortage::begin();
    for _ in 0..2 {
        let refusal = stream.append(1, second(0), b"x").unwrap_err();
        assert!(matches!(&refusal, StoreError::NoThread { stream, .. } if stream == "hub"), "{refusal}");
        assert!(matches!(stream.clear().await, Err(StoreError::NoThread { .. })));
    }
    drop(shortage);
    assert_eq!(put(&stream, 1, second(1), b"y").await.sequence, 0, "nothing was appended before");
    let records = read_all(&stream, 1).await;
    assert_eq!(records.iter().map(|record| &record.body[..]).collect::<Vec<_>>(), [b"y"]);
    streams.close().await;
    drop((stream, streams));
    assert_eq!(Streams::open(directory.path(), small()).unwrap().1.records, 1);
}

#[tokio::test]
async fn a_thread_that_is_there_goes_on_in_a_shortage() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 3).await;
    let _shortage = Shortage::begin();
    fill(&stream, 3).await;
    stream.clear().await.unwrap();
    let other = streams.stream("other", 1).unwrap().append(0, second(0), b"x");
    assert!(matches!(other, Err(StoreError::NoThread { .. })));
}

#[tokio::test]
async fn a_copy_that_cannot_be_put_in_place_leaves_the_stream_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    fill(&streams.stream("hub", 1).unwrap(), 3).await;
    let copy = streams.export(u64::MAX).await.unwrap();
    streams.close().await;
    drop(streams);
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let shortage = Shortage::begin();
    assert!(matches!(streams.import(copy.clone()).await, Err(StoreError::NoThread { .. })));
    drop(shortage);
    let stream = streams.stream("hub", 1).unwrap();
    assert_eq!(read_all(&stream, 0).await.len(), 3);
    assert_eq!(put(&stream, 0, second(9), b"x").await.sequence, 3, "it is not being replaced");
    streams.import(copy).await.unwrap();
    assert_eq!(read_all(&stream, 0).await.len(), 3);
}

#[tokio::test]
async fn reading_from_the_disk_removing_and_closing_need_no_thread() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap().0;
    let streams = Streams::open(directory.path(), small()).unwrap().0;
    let stream = streams.stream("hub", 1).unwrap();
    fill(&stream, 40).await;
    fill(&streams.stream("other", 1).unwrap(), 1).await;
    let _shortage = Shortage::begin();
    assert_eq!(stream.read(0, Position::Earliest, 2, usize::MAX).await.unwrap().len(), 2);
    streams.remove("other").await.unwrap();
    assert_eq!(streams.names(), ["hub"]);
    streams.close().await;
    store.close().await;
    drop((stream, streams, store));
    assert_eq!(Streams::open(directory.path(), small()).unwrap().1.records, 40);
}
