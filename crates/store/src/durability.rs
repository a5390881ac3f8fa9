//! What a directory gives back after a crash, a cut and a flipped bit.
//!
//! Tests of the store over the SQLite engine. A crash is played by copying the files of a running store: every
//! acknowledged change must be found in the copy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::engine::{Engine, SqliteEngine};
use crate::suite::{Device, device, put};
use crate::{OpenError, Record, Recovery, Store, StoreError};

/// The devices by key, with their turn.
pub(crate) type Content = BTreeMap<String, u32>;

pub(crate) fn content(store: &Store) -> Content {
    store.table::<Device>().all("").into_iter().map(|(key, row)| (key.to_string(), row.turn)).collect()
}

/// Opens a directory and tells what it holds.
fn reopen(path: &Path) -> Result<(Content, Recovery), OpenError> {
    let (store, recovery) = Store::open(path)?;
    Ok((content(&store), recovery))
}

/// The files of a store as they are now.
#[derive(Clone)]
struct Image(BTreeMap<&'static str, Vec<u8>>);

impl Image {
    fn of(directory: &Path) -> Self {
        let names = ["state.sqlite", "state.sqlite-wal"];
        Self(names.into_iter().filter_map(|name| Some((name, fs::read(directory.join(name)).ok()?))).collect())
    }

    fn place(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.0 {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        directory
    }

    fn open(&self) -> Result<(Content, Recovery), OpenError> {
        reopen(self.place().path())
    }
}

/// A directory with twenty devices, the last of which stand in the write-ahead file.
async fn running_world() -> (TempDir, Store, Image, Content) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap().0;
    for turn in 0..20 {
        put(&store, &format!("hub/device-{turn}"), turn).await;
    }
    let image = Image::of(directory.path());
    let expected = content(&store);
    (directory, store, image, expected)
}

/// A directory whose devices stand partly in the table of records, partly in the journal.
async fn folded_world() -> (TempDir, Content) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap().0;
    for turn in 0..100 {
        put(&store, &format!("hub/device-{turn}"), turn).await;
    }
    store.close().await;
    drop(store);
    fold(directory.path(), 100);
    let store = Store::open(directory.path()).unwrap().0;
    for turn in 90..110 {
        put(&store, &format!("hub/device-{turn}"), turn + 1).await;
    }
    let expected = content(&store);
    store.close().await;
    (directory, expected)
}

/// Folds the directory's journal by at most so many pieces, and closes in good order.
pub(crate) fn fold(directory: &Path, pieces: usize) {
    let mut engine = SqliteEngine::open(directory).unwrap().0;
    let folded = engine.snapshot(&mut |_| ()).unwrap();
    engine.read_from(folded, &mut |_, _| ()).unwrap();
    engine.fold_pieces(pieces);
    engine.close().unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash_and_after_a_close() {
    let (directory, store, image, expected) = running_world().await;
    let (found, recovery) = image.open().unwrap();
    assert_eq!(found, expected);
    assert_eq!(recovery, Recovery { records: 20, revision: 20, torn_tail: None });
    store.close().await;
    assert_eq!(reopen(directory.path()).unwrap().0, expected);
}

#[tokio::test]
async fn revisions_go_on_where_they_ended() {
    let directory = tempfile::tempdir().unwrap();
    for expected in 1..4 {
        let store = Store::open(directory.path()).unwrap().0;
        assert_eq!(put(&store, "a", 1).await, expected);
        store.close().await;
        fold(directory.path(), 1);
    }
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let (directory, store, ..) = running_world().await;
    let refusal = Store::open(directory.path()).unwrap_err();
    assert!(matches!(&refusal, OpenError::InUse { directory: held } if held == directory.path()), "{refusal}");
    drop(store);
    Store::open(directory.path()).unwrap();
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_reported() {
    let (_directory, _store, image, expected) = running_world().await;
    let whole = image.0["state.sqlite-wal"].len();
    for cut in [1, 24, 4000, 4096, 4119] {
        let mut torn = image.clone();
        torn.0.get_mut("state.sqlite-wal").unwrap().truncate(whole - cut);
        let directory = torn.place();
        let (store, recovery) = Store::open(directory.path()).unwrap();
        let tail = recovery.torn_tail.unwrap_or_else(|| panic!("a cut of {cut} bytes was not reported"));
        assert_eq!(tail.position + tail.bytes, (whole - cut) as u64);
        let mut all_but_last = expected.clone();
        all_but_last.remove("hub/device-19");
        assert_eq!(content(&store), all_but_last, "cut by {cut}");
        put(&store, "hub/after", 1).await;
        all_but_last.insert("hub/after".to_owned(), 1);
        assert_eq!(Image::of(directory.path()).open().unwrap().0, all_but_last, "the store goes on after a cut");
    }
}

#[tokio::test]
async fn a_torn_tail_is_told_of_once_even_if_nothing_is_written_after_it() {
    let (_directory, _store, mut image, expected) = running_world().await;
    image.0.get_mut("state.sqlite-wal").unwrap().extend_from_slice(&[0x5a; 1000]);
    let directory = image.place();
    let (mut engine, torn_tail) = SqliteEngine::open(directory.path()).unwrap();
    assert!(torn_tail.is_some());
    let folded = engine.snapshot(&mut |_| {}).unwrap();
    engine.read_from(folded, &mut |_, _| {}).unwrap();
    engine.tend(true).unwrap();
    drop(engine);
    let (found, recovery) = reopen(directory.path()).unwrap();
    assert_eq!((found, recovery.torn_tail), (expected, None));
}

#[tokio::test]
async fn rubbish_behind_the_last_write_is_cut_and_reported() {
    let (_directory, _store, mut image, expected) = running_world().await;
    image.0.get_mut("state.sqlite-wal").unwrap().extend_from_slice(&[0x5a; 1000]);
    let (found, recovery) = image.open().unwrap();
    assert_eq!(found, expected);
    assert_eq!(recovery.torn_tail.map(|tail| tail.bytes), Some(1000));
}

/// Nothing may be lost unseen: damage is refused, or is in the last write and reported as torn, or does no harm.
fn check_every_flip_of_the_write_ahead_file(image: &Image, expected: &Content) {
    let mut all_but_last = expected.clone();
    all_but_last.remove("hub/device-19");
    let (mut refused, mut torn) = (0, 0);
    let length = image.0["state.sqlite-wal"].len();
    // Every bit of the header and of the frame headers, and a sample of the pages.
    let frame_headers = (0..24).flat_map(|byte| (32..length).step_by(4120).map(move |frame| frame + byte));
    let headers = (0..32).chain(frame_headers).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    for (at, bit) in headers.chain((0..length).step_by(997).map(|at| (at, at % 8))) {
        let mut flipped = image.clone();
        flipped.0.get_mut("state.sqlite-wal").unwrap()[at] ^= 1 << bit;
        match flipped.open() {
            Err(OpenError::Corrupt { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
            Ok((found, Recovery { torn_tail: Some(_), .. })) => {
                assert!(found == all_but_last || found == *expected, "byte {at}: more than the last write is missing");
                torn += 1;
            }
            Ok((found, _)) => assert_eq!(found, *expected, "byte {at}: something is missing, and nothing was said"),
        }
    }
    assert!(refused > 0 && torn > 0, "{refused} refused, {torn} torn");
}

#[tokio::test]
async fn a_flipped_bit_in_the_write_ahead_file_never_loses_a_finished_write_unseen() {
    let (_directory, _store, image, expected) = running_world().await;
    check_every_flip_of_the_write_ahead_file(&image, &expected);
}

#[tokio::test]
async fn nor_does_one_in_a_file_that_was_begun_anew_over_older_writes() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = SqliteEngine::open(directory.path()).unwrap().0;
    engine.checkpoint_after(17);
    let store = Store::with_engine(Box::new(engine)).unwrap().0;
    for turn in 0..20 {
        put(&store, &format!("hub/device-{turn}"), turn).await;
    }
    let image = Image::of(directory.path());
    let wal = &image.0["state.sqlite-wal"];
    assert_ne!(wal[8 + 4..16], [0; 4], "the file was begun anew");
    for frames in 1..4 {
        assert_ne!(wal[wal.len() - frames * 4120 + 8..][..8], wal[16..24], "older frames stand at its end");
    }
    assert_eq!(image.open().unwrap().1.torn_tail, None, "and are taken for what they are");
    check_every_flip_of_the_write_ahead_file(&image, &content(&store));
}

#[tokio::test]
async fn a_flipped_bit_in_any_page_of_the_database_is_refused_or_harmless() {
    let (directory, expected) = folded_world().await;
    let image = Image::of(directory.path());
    let pages = image.0["state.sqlite"].len() / 4096;
    let mut refused = 0;
    for page in 0..pages {
        let sample = (0..4096).step_by(173).map(|at| at + page % 97).chain(0..16);
        let header = (0..100).filter(|_| page == 0);
        for at in sample.chain(header).filter(|at| *at < 4096) {
            let mut flipped = image.clone();
            flipped.0.get_mut("state.sqlite").unwrap()[page * 4096 + at] ^= 1 << (at % 8);
            match flipped.open() {
                Ok((found, _)) => assert_eq!(found, expected, "byte {at} of page {page}"),
                Err(OpenError::Corrupt { .. } | OpenError::NewerFormat { .. }) => refused += 1,
                Err(other) => panic!("byte {at} of page {page}: {other}"),
            }
        }
    }
    assert!(refused > pages, "{refused} refusals in {pages} pages");
}

#[tokio::test]
async fn a_damaged_or_missing_journal_entry_stops_the_start_and_is_named() {
    let (directory, _) = folded_world().await;
    let store = Store::open(directory.path()).unwrap().0;
    for turn in 0..5 {
        put(&store, "hub/late", turn).await;
    }
    store.close().await;
    drop(store);
    let image = Image::of(directory.path());
    for (damage, told) in [
        ("DELETE FROM journal WHERE seq = 122", "journal entry 123: the entry from revision 122 on"),
        ("UPDATE journal SET batch = zeroblob(40) WHERE seq = 123", "journal entry 123: its checksum"),
        ("UPDATE meta SET folded = 119", "table meta: its checksum"),
        ("DELETE FROM state WHERE id = 7", "table state: 100 rows should be there"),
        ("UPDATE state SET value = 'x' WHERE id = 7", "row 7 of table state: a column"),
        ("UPDATE state SET revision = 1 WHERE id = 7", "row 7 of table state: its checksum"),
        ("DROP INDEX state_key", "the schema: the tables"),
        ("PRAGMA application_id = 5", "the header: this is not"),
    ] {
        let world = image.place();
        rusqlite::Connection::open(world.path().join("state.sqlite")).unwrap().execute_batch(damage).unwrap();
        let before = fs::read(world.path().join("state.sqlite")).unwrap();
        let refusal = reopen(world.path()).unwrap_err().to_string();
        assert!(refusal.contains(told) && refusal.contains("Put back a copy"), "{damage}: {refusal}");
        assert_eq!(fs::read(world.path().join("state.sqlite")).unwrap(), before, "{damage}: a refusal changes nothing");
    }
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let (directory, _) = folded_world().await;
    let database = rusqlite::Connection::open(directory.path().join("state.sqlite")).unwrap();
    database.execute_batch("UPDATE meta SET format = 9; DROP TABLE journal").unwrap();
    drop(database);
    let refusal = reopen(directory.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::NewerFormat { found: 9, known: 1, .. }), "{refusal}");
}

#[tokio::test]
async fn a_crash_between_any_two_pieces_of_folding_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap().0;
    let devices = store.table::<Device>();
    let many = |tx: &mut crate::Transaction<'_>| {
        for turn in 0..1300 {
            tx.put(&devices, &format!("hub/{turn}"), device("x", turn));
        }
        Ok(())
    };
    store.transact::<(), StoreError>(many).await.unwrap();
    put(&store, "hub/7", 8).await;
    store.clear(|_| true).await.unwrap();
    store.transact::<(), StoreError>(many).await.unwrap();
    put(&store, "hub/9", 10).await;
    let expected = content(&store);
    store.close().await;
    drop(store);
    for piece in 0..12 {
        fold(directory.path(), 1);
        assert_eq!(reopen(directory.path()).unwrap().0, expected, "after piece {piece}");
    }
    for pieces in [1, 2, 3, 50] {
        fold(directory.path(), pieces);
    }
    let (found, recovery) = reopen(directory.path()).unwrap();
    assert_eq!((found.len(), recovery.revision), (1300, 5));
    assert_eq!(found, expected);
}

/// A record of the same collection as [`Device`], as another version might write it.
#[derive(Debug, Serialize, Deserialize)]
struct OtherDevice {
    name: String,
}

impl Record for OtherDevice {
    const COLLECTION: &'static str = Device::COLLECTION;
}

#[tokio::test]
async fn a_collection_that_nobody_asks_for_is_kept() {
    let (directory, store, _, expected) = running_world().await;
    store.close().await;
    drop(store);
    let store = Store::open(directory.path()).unwrap().0;
    let copy = store.export();
    assert_eq!(copy.records(), 20);
    store.import(copy, |_| true).await.unwrap();
    store.close().await;
    drop(store);
    let (found, recovery) = reopen(directory.path()).unwrap();
    assert_eq!((found, recovery.revision), (expected, 21));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_listed_and_kept() {
    let (directory, store, _, expected) = running_world().await;
    store.close().await;
    drop(store);
    let store = Store::open(directory.path()).unwrap().0;
    let others = store.table::<OtherDevice>();
    let change = |tx: &mut crate::Transaction<'_>| {
        tx.put(&others, "hub/other", OtherDevice { name: "other".to_owned() });
        Ok(())
    };
    store.transact::<(), StoreError>(change).await.unwrap();
    let unreadable = store.unreadable();
    assert_eq!((others.count(""), unreadable.len()), (1, 20));
    assert!(unreadable[0].cause.contains("name"), "{unreadable:?}");
    assert_eq!(store.export().records(), 21);
    store.close().await;
    drop(store);
    let store = Store::open(directory.path()).unwrap().0;
    assert_eq!(content(&store), expected);
    assert_eq!(store.unreadable().len(), 1);
}

#[tokio::test]
async fn a_full_disk_stops_the_store_and_keeps_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap().0;
    engine.limit_pages(12);
    let store = Store::with_engine(Box::new(engine)).unwrap().0;
    let mut acknowledged = Content::new();
    let error = loop {
        let turn = u32::try_from(acknowledged.len()).unwrap();
        let id = format!("hub/{turn}-{}", "x".repeat(900));
        match crate::suite::try_put(&store, &id, turn).await {
            Ok(_) => drop(acknowledged.insert(id, turn)),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, StoreError::Failed(cause) if cause.to_string().contains("full")), "{error}");
    assert!(matches!(crate::suite::try_put(&store, "a", 1).await, Err(StoreError::Failed(_))));
    store.close().await;
    drop(store);
    assert!(!acknowledged.is_empty());
    assert_eq!(reopen(directory.path()).unwrap().0, acknowledged);
}

#[test]
fn opening_says_where_the_trouble_is() {
    let world = tempfile::tempdir().unwrap();
    let path: PathBuf = world.path().join("data");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("state.sqlite"), "this is no database, but it is long enough to be taken for one".repeat(99))
        .unwrap();
    let refusal = Store::open(&path).unwrap_err();
    assert!(matches!(refusal, OpenError::Corrupt { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("state.sqlite"), "{refusal}");
}

/// The store would begin anew, and what was acknowledged would be gone without a word.
#[tokio::test]
async fn an_emptied_database_in_a_directory_that_was_used_is_damage() {
    for witness in ["state.sqlite-wal", "streams", "issuer.key"] {
        let (directory, store, image, _) = running_world().await;
        store.close().await;
        drop(store);
        let path = directory.path();
        fs::remove_file(path.join("state.sqlite-wal")).ok();
        match witness {
            "streams" => fs::create_dir(path.join(witness)).unwrap(),
            "issuer.key" => fs::write(path.join(witness), "a key").unwrap(),
            log => fs::write(path.join(log), &image.0[log]).unwrap(),
        }
        fs::write(path.join("state.sqlite"), "").unwrap();
        let refusal = reopen(path).unwrap_err();
        assert!(matches!(refusal, OpenError::Corrupt { .. }), "{witness}: {refusal:?}");
        let said = refusal.to_string();
        for word in ["state.sqlite ", "it is empty", witness, "move it away to start empty"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert_eq!(fs::metadata(path.join("state.sqlite")).unwrap().len(), 0, "a refusal changes nothing");
        fs::remove_file(path.join("state.sqlite")).unwrap();
        let again = reopen(path);
        if witness == "issuer.key" {
            again.unwrap();
        } else {
            assert!(again.unwrap_err().to_string().contains("it is missing"), "{witness}");
            assert!(!path.join("state.sqlite").exists(), "a refusal changes nothing");
        }
    }
}

/// A start that was killed early, and a directory that somebody else had made ready.
#[test]
fn a_directory_that_was_never_used_starts_whatever_is_in_it() {
    let remains =
        [("state.sqlite", ""), ("state.lock", ""), ("state.sqlite-journal", "half a page"), ("state.sqlite-wal", "")];
    for count in 0..=remains.len() {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in &remains[..count] {
            fs::write(directory.path().join(name), content).unwrap();
        }
        assert_eq!(reopen(directory.path()).unwrap().0, Content::new(), "{count}");
    }
    let directory = tempfile::tempdir().unwrap();
    for name in ["ca.key", "notes.txt"] {
        fs::write(directory.path().join(name), "of somebody else").unwrap();
    }
    reopen(directory.path()).unwrap();
}
