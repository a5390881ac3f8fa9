//! How long a connection waits, and how small it is. Row M4.

use std::time::Duration;

use iolite_messaging::{CloseReason, DesiredChange, ToDevice};

use super::*;
use crate::testing::{publish, subscribe};

/// How long a connection lives after its last sign of life.
async fn life(peer: Peer) -> Duration {
    let begun = Instant::now();
    peer.ends().await;
    begun.elapsed()
}

fn about(seconds: u64) -> std::ops::Range<Duration> {
    // The last second is for the client to close its side.
    Duration::from_secs(seconds)..Duration::from_secs(seconds + 2)
}

#[tokio::test(start_paused = true)]
async fn row_m4_mqtt_3_1_2_24_silence_ends_after_one_and_a_half_keep_alives() {
    for (keep_alive, seconds) in [(60, 90), (1, 1), (1177, 1765), (1178, 1767), (65_535, 1767), (0, 1767)] {
        let hub = TestHub::default();
        let mut peer = Peer::new(&hub);
        peer.send(connect_with("dev1", 0xc2, keep_alive)).await;
        peer.next().await;
        let lived = life(peer).await;
        assert!(about(seconds).contains(&lived), "{keep_alive}: {lived:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_m4_a_packet_is_a_sign_of_life_and_a_byte_is_none() {
    let hub = TestHub::default();
    let mut peer = Peer::signed_in(&hub, "dev1").await;
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(80)).await;
        peer.lives().await;
    }
    let last = Instant::now();
    // A long PUBLISH, a byte every ten seconds.
    peer.send([0x30, 0xff, 0x7f]).await;
    while last.elapsed() < Duration::from_secs(85) {
        tokio::time::advance(Duration::from_secs(10)).await;
        peer.try_send([0]).await;
    }
    peer.ends().await;
    assert!(about(90).contains(&last.elapsed()), "{:?}", last.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_connect_is_cut_off_after_half_a_minute() {
    let hub = TestHub::default();
    assert!(about(30).contains(&life(Peer::new(&hub)).await));
    let mut peer = Peer::new(&hub);
    peer.send(&connect("dev1")[..20]).await;
    assert!(about(30).contains(&life(peer).await));
}

#[tokio::test(start_paused = true)]
async fn a_door_that_does_not_answer_is_not_waited_for_longer() {
    let hub = TestHub::default();
    hub.state().mute = true;
    let mut peer = Peer::new(&hub);
    peer.send(connect("dev1")).await;
    assert!(about(30).contains(&life(peer).await));
}

/// A device that reads nothing, over a stream that holds little.
async fn deaf(hub: &TestHub, filter: &str) -> Peer {
    let mut peer = Peer::with_buffer(hub, 256);
    peer.send(connect("dev1")).await;
    peer.next().await;
    peer.send(subscribe(1, &[(filter, 1)])).await;
    peer.next().await;
    peer
}

#[tokio::test(start_paused = true)]
async fn row_m4_a_slow_reader_with_fifty_messages_is_given_up_and_they_go_back() {
    let hub = TestHub::default();
    let peer = deaf(&hub, "devices/dev1/messages/devicebound/#").await;
    let begun = Instant::now();
    hub.enqueue(std::iter::repeat_n("a message of some length, so that few fit", 50)).await;
    // It stays deaf: the serving task must end by itself.
    peer.serving.await.unwrap();
    assert!(about(30).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let state = hub.state();
    assert_eq!(state.settled.len() + state.queue.len(), 50);
}

async fn change(hub: &TestHub, version: u64) {
    hub.tell(ToDevice::Desired(Box::new(DesiredChange { version, patch: vec![b' '; 30_000].into() }))).await;
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_still_ended_by_the_hub_at_once() {
    let hub = TestHub::default();
    let peer = deaf(&hub, "$iothub/twin/PATCH/properties/desired/#").await;
    for version in 0..20 {
        change(&hub, version).await;
    }
    let begun = Instant::now();
    hub.tell(ToDevice::Close(CloseReason::Revoked)).await;
    peer.serving.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_is_told_ever_more_is_given_up() {
    let hub = TestHub::default();
    let peer = deaf(&hub, "$iothub/twin/PATCH/properties/desired/#").await;
    let begun = Instant::now();
    // More than a mebibyte.
    for version in 0..35 {
        change(&hub, version).await;
    }
    peer.serving.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_acknowledgements_is_read_no_further() {
    let hub = TestHub::default();
    let mut peer = deaf(&hub, "$iothub/twin/res/#").await;
    let events = publish("devices/dev1/messages/events/", Some(1), b"x").repeat(1000);
    let sending = async {
        for _ in 0..10_000 {
            peer.stream.write_all(&events).await?;
        }
        std::io::Result::Ok(())
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), sending).await.is_err());
    // 64 KiB of acknowledgements, at four bytes each, and what was read meanwhile.
    let taken = hub.state().events.len();
    assert!(taken < 64 * 1024 / 4 + 2000, "{taken}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_small() {
    let hub = TestHub::default();
    let (stream, _other) = duplex(64);
    let context = Context {
        arrival: Arrival {
            transport: Transport::Mqtt,
            host: String::new(),
            client: Client { address: None, agent: "".into() },
            certificate: None,
        },
        door: Arc::new(hub),
        ground: Ground::system(),
        draining: watch::channel(false).1,
        limits: Arc::new(Limits::default()),
    };
    let size = size_of_val(&serve(stream, context));
    // Without the stream itself; a TLS stream alone is above one kilobyte.
    let own = size - size_of::<DuplexStream>();
    assert!(own <= 1024, "{own}");
}
