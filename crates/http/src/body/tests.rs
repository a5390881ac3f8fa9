use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::*;

const KIB: usize = 1024;

/// A body in pieces; one that `stalls` never ends.
struct Pieces {
    left: VecDeque<Bytes>,
    announced: Option<u64>,
    stalls: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.left.pop_front() {
            None if self.stalls => Poll::Pending,
            piece => Poll::Ready(piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.announced == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A body of these pieces, each of so many bytes, whose length is announced.
fn announced(pieces: &[usize]) -> Pieces {
    let left: VecDeque<Bytes> = pieces.iter().map(|length| Bytes::from(vec![b'x'; *length])).collect();
    let announced = left.iter().map(|piece| piece.len() as u64).sum();
    Pieces { left, announced: Some(announced), stalls: false }
}

/// The same, announcing nothing.
fn chunked(pieces: &[usize]) -> Pieces {
    Pieces { announced: None, ..announced(pieces) }
}

/// A body that announces so many bytes, of which none comes.
fn stalling(announced: usize) -> Pieces {
    Pieces { left: VecDeque::new(), announced: Some(announced as u64), stalls: true }
}

/// Room for a small body of the largest size, and for two larger ones of 100 KiB.
fn narrow() -> BodyRoom {
    BodyRoom::with_room(SMALL_BYTES, 200 * KIB)
}

#[tokio::test]
async fn a_body_is_read_whole_however_it_comes() {
    let bodies = narrow();
    for pieces in [&[7][..], &[1, 2, 4], &[60 * KIB, 40 * KIB], &[0, 3, 0, 4]] {
        let length: usize = pieces.iter().sum();
        assert_eq!(bodies.read(announced(pieces), 100 * KIB).await.unwrap().bytes().len(), length, "{pieces:?}");
        assert_eq!(bodies.read(chunked(pieces), 100 * KIB).await.unwrap().bytes().len(), length, "{pieces:?}");
    }
}

#[tokio::test]
async fn no_body_takes_no_room() {
    let bodies = BodyRoom::with_room(0, 0);
    assert!(bodies.read(announced(&[]), 10).await.unwrap().bytes().is_empty());
}

#[tokio::test]
async fn too_much_is_refused_announced_or_not() {
    let bodies = narrow();
    for body in [announced(&[11]), chunked(&[11]), chunked(&[6, 5]), stalling(11)] {
        assert!(matches!(bodies.read(body, 10).await, Err(Refusal::BodyTooLarge { limit: 10 })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let begun = Instant::now();
    assert!(matches!(narrow().read(stalling(10), 10).await, Err(Refusal::BodyUnreadable)));
    assert_eq!(begun.elapsed(), BODY_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn one_body_more_than_there_is_room_for_waits_and_is_refused() {
    let bodies = narrow();
    let held = [
        bodies.read(announced(&[100 * KIB]), MAXIMUM_BODY_BYTES).await.unwrap(),
        bodies.read(chunked(&[50 * KIB, 50 * KIB]), 100 * KIB).await.unwrap(),
    ];
    let begun = Instant::now();
    let refused = bodies.read(announced(&[100 * KIB]), MAXIMUM_BODY_BYTES).await;
    assert!(matches!(refused, Err(Refusal::NoRoom { retry_after_seconds: 5 })), "{refused:?}");
    assert_eq!(begun.elapsed(), ROOM_DEADLINE);
    drop(held);
    bodies.read(announced(&[100 * KIB]), MAXIMUM_BODY_BYTES).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_without_room_is_taken_before_it_is_refused_but_not_for_long() {
    let bodies = BodyRoom::with_room(0, 0);
    let mut sent = announced(&[100 * KIB, 100 * KIB]);
    assert!(matches!(bodies.read(&mut sent, MAXIMUM_BODY_BYTES).await, Err(Refusal::NoRoom { .. })));
    assert!(sent.left.is_empty());
    let begun = Instant::now();
    assert!(matches!(bodies.read(stalling(100 * KIB), MAXIMUM_BODY_BYTES).await, Err(Refusal::NoRoom { .. })));
    assert_eq!(begun.elapsed(), ROOM_DEADLINE + DISCARD_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn room_that_becomes_free_goes_to_who_waits_for_it() {
    let bodies = narrow();
    let held = bodies.read(announced(&[150 * KIB]), MAXIMUM_BODY_BYTES).await.unwrap();
    let (read, ()) = tokio::join!(bodies.read(announced(&[100 * KIB]), MAXIMUM_BODY_BYTES), async {
        tokio::time::sleep(ROOM_DEADLINE / 2).await;
        drop(held);
    });
    assert_eq!(read.unwrap().bytes().len(), 100 * KIB);
}

#[tokio::test(start_paused = true)]
async fn small_bodies_have_room_of_their_own() {
    let bodies = narrow();
    let large = bodies.read(announced(&[200 * KIB]), MAXIMUM_BODY_BYTES).await.unwrap();
    let small = bodies.read(announced(&[63 * KIB]), MAXIMUM_BODY_BYTES).await.unwrap();
    assert!(matches!(bodies.read(announced(&[2 * KIB]), 10 * KIB).await, Err(Refusal::NoRoom { .. })));
    bodies.read(announced(&[KIB]), MAXIMUM_BODY_BYTES).await.unwrap();
    drop((small, large));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_announces_nothing_asks_for_more_room_when_it_is_no_small_one_any_more() {
    let bodies = narrow();
    let large = bodies.read(announced(&[150 * KIB]), MAXIMUM_BODY_BYTES).await.unwrap();
    let whole = bodies.read(chunked(&[SMALL_BYTES]), 100 * KIB).await.unwrap();
    assert_eq!(whole.bytes().len(), SMALL_BYTES);
    drop(whole);
    let refused = bodies.read(chunked(&[SMALL_BYTES, 1]), 100 * KIB).await;
    assert!(matches!(refused, Err(Refusal::NoRoom { .. })), "{refused:?}");
    drop(large);
    assert_eq!(bodies.read(chunked(&[SMALL_BYTES, 1]), 100 * KIB).await.unwrap().bytes().len(), SMALL_BYTES + 1);
}

#[tokio::test]
async fn a_refused_body_gives_its_room_back() {
    let bodies = narrow();
    for _ in 0..10 {
        assert!(bodies.read(chunked(&[SMALL_BYTES, 80 * KIB]), 100 * KIB).await.is_err());
    }
    assert_eq!(bodies.small.available_permits(), SMALL_BYTES / UNIT_BYTES);
    assert_eq!(bodies.large.available_permits(), 200);
}

#[tokio::test(start_paused = true)]
async fn strangers_hold_up_nobody_whom_the_door_let_in() {
    let bodies = Bodies::default();
    let strangers = bodies.of(Sender::Stranger);
    let most = Sender::Stranger.most_bytes();
    let mut slow: Vec<_> =
        (0..STRANGERS_ROOM_BYTES / most).map(|_| Box::pin(strangers.read(stalling(most), most))).collect();
    for one in &mut slow {
        assert!(one.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
    }
    assert!(matches!(strangers.read(announced(&[10]), most).await, Err(Refusal::NoRoom { .. })));
    let admitted = bodies.of(Sender::Admitted).read(announced(&[10]), Sender::Admitted.most_bytes());
    assert_eq!(admitted.await.unwrap().bytes().len(), 10);
}
