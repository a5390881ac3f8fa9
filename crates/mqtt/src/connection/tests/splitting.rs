//! However a client's bytes arrive, they mean the same. Rows M1 and M5: a packet byte by byte, split anywhere, several in
//! one read; frames of a WebSocket reach this crate as such a stream.

use proptest::prelude::*;

use super::*;
use crate::testing::{DISCONNECT, PINGREQ, publish, subscribe};

fn conversation() -> Vec<u8> {
    [
        connect("dev1"),
        subscribe(1, &[("$iothub/twin/res/#", 0)]),
        publish("devices/dev1/messages/events/a=b", Some(2), &[1; 300]),
        publish("devices/dev1/messages/events/", Some(3), &[2; 5000]),
        publish("devices/dev1/messages/events/", None, &vec![3; 20_000]),
        PINGREQ.to_vec(),
        publish("devices/dev1/messages/events/", Some(4), b""),
        DISCONNECT.to_vec(),
    ]
    .concat()
}

/// What a hub answers to the conversation sent in these pieces, and the lengths of the events it took.
async fn converse<'a>(pieces: impl Iterator<Item = &'a [u8]>, buffer: usize) -> (Vec<u8>, Vec<usize>) {
    let hub = TestHub::default();
    let Peer { mut stream, serving, draining: _draining } = Peer::with_buffer(&hub, buffer);
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.unwrap();
    serving.await.unwrap();
    let lengths = hub.state().events.iter().map(|(_, event)| event.body.len()).collect();
    (answers, lengths)
}

const ANSWERS: &[u8] = &[0x20, 2, 0, 0, 0x90, 3, 0, 1, 0, 0x40, 2, 0, 2, 0x40, 2, 0, 3, 0xd0, 0, 0x40, 2, 0, 4];

#[tokio::test(start_paused = true)]
async fn row_m1_a_conversation_byte_by_byte_is_the_same() {
    let bytes = conversation();
    assert_eq!(converse(bytes.chunks(1), 1 << 20).await, (ANSWERS.to_vec(), vec![300, 5000, 20_000, 0]));
}

#[tokio::test(start_paused = true)]
async fn row_m1_a_conversation_in_one_piece_is_the_same() {
    let bytes = conversation();
    assert_eq!(converse(std::iter::once(&bytes[..]), 1 << 20).await, (ANSWERS.to_vec(), vec![300, 5000, 20_000, 0]));
}

#[tokio::test(start_paused = true)]
async fn row_m5_a_conversation_split_at_every_byte_is_the_same() {
    let bytes = conversation();
    for at in (1..700).chain([5_000, 5_500, 25_000, bytes.len() - 1]) {
        let (first, second) = bytes.split_at(at);
        let outcome = converse([first, second].into_iter(), 1 << 20).await;
        assert_eq!(outcome, (ANSWERS.to_vec(), vec![300, 5000, 20_000, 0]), "{at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn row_m5_any_pieces_mean_the_same(sizes in prop::collection::vec(1_usize..9000, 1..40), buffer in 64_usize..40_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let bytes = conversation();
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let outcome = runtime.block_on(converse(pieces.into_iter(), buffer));
        prop_assert_eq!(outcome, (ANSWERS.to_vec(), vec![300, 5000, 20_000, 0]));
    }
}
