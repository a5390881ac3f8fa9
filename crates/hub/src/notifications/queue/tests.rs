//! Notices come, are held, settled, given back, and run out.

use std::sync::Arc;

use super::*;
use crate::fixture::World;

const QUEUE: NoticeQueue = NoticeQueue::FileNotifications;

async fn put(world: &World, body: &str) {
    world.hub.notify(World::KEY, QUEUE, body.to_owned()).await.unwrap();
}

async fn take(world: &World) -> Option<Notice> {
    world.hub.take_notice(World::KEY, QUEUE).await.unwrap()
}

async fn settle(world: &World, notice: &Notice, settlement: Settlement) -> Result<(), ServiceError> {
    world.hub.settle_notice(World::KEY, QUEUE, &notice.lock_token, settlement).await
}

#[tokio::test]
async fn notices_are_taken_in_order_and_completed_once() {
    let world = World::new();
    for body in ["1", "2"] {
        put(&world, body).await;
    }
    let (first, second) = (take(&world).await.unwrap(), take(&world).await.unwrap());
    assert_eq!((&first.body[..], &second.body[..]), (&b"1"[..], &b"2"[..]));
    assert!(first.sequence_number < second.sequence_number);
    assert_eq!(take(&world).await, None);
    settle(&world, &first, Settlement::Complete).await.unwrap();
    let again = settle(&world, &first, Settlement::Complete).await.unwrap_err();
    assert_eq!(again.code, &errors::DEVICE_MESSAGE_LOCK_LOST);
    assert_eq!(world.hub.notices.table.count(""), 1);
}

#[tokio::test]
async fn several_notices_of_one_change_are_all_kept() {
    let world = World::new();
    let hub = &world.hub;
    let put = hub.store.transact(|transaction| {
        for body in ["1", "2", "3"] {
            hub.put_notice(transaction, World::KEY, QUEUE, body.to_owned(), hub.ground.now());
        }
        Ok::<_, ServiceError>(())
    });
    put.await.unwrap();
    let mut bodies = Vec::new();
    while let Some(notice) = take(&world).await {
        bodies.push(notice.body);
    }
    assert_eq!(bodies, ["1", "2", "3"]);
}

#[tokio::test]
async fn queues_and_hubs_do_not_mix() {
    let world = World::new();
    put(&world, "1").await;
    assert_eq!(world.hub.take_notice(World::KEY, NoticeQueue::Feedback).await.unwrap(), None);
    assert_eq!(world.hub.take_notice("contoso-hub-2", QUEUE).await.unwrap(), None);
    let notice = take(&world).await.unwrap();
    let elsewhere = world.hub.settle_notice("contoso", QUEUE, &notice.lock_token, Settlement::Complete).await;
    assert_eq!(elsewhere.unwrap_err().code.status, 412);
}

#[tokio::test]
async fn a_lock_ends_after_a_minute_and_counts_no_delivery() {
    let world = World::new();
    put(&world, "1").await;
    let first = take(&world).await.unwrap();
    world.advance(59);
    assert_eq!(take(&world).await, None);
    world.advance(1);
    let second = take(&world).await.unwrap();
    assert_eq!(second.delivery_count, 0);
    assert!(settle(&world, &first, Settlement::Complete).await.is_err());
    settle(&world, &second, Settlement::Complete).await.unwrap();
}

#[tokio::test]
async fn a_notice_given_back_too_often_is_gone() {
    let world = World::new();
    put(&world, "1").await;
    for count in 0..10 {
        let notice = take(&world).await.unwrap();
        assert_eq!(notice.delivery_count, count);
        settle(&world, &notice, Settlement::Abandon).await.unwrap();
    }
    assert_eq!(take(&world).await, None);
    assert_eq!(world.hub.notices.table.count(""), 0);
}

#[tokio::test]
async fn a_notice_runs_out_after_an_hour_unless_somebody_holds_it() {
    let world = World::new();
    put(&world, "1").await;
    world.advance(3599);
    let held = take(&world).await.unwrap();
    put(&world, "2").await;
    world.advance(2);
    assert_eq!(take(&world).await.unwrap().body, "2");
    settle(&world, &held, Settlement::Complete).await.unwrap();
    world.advance(4000);
    assert_eq!(take(&world).await, None);
    assert_eq!(world.hub.notices.table.count(""), 0, "what ran out is not kept");
}

#[tokio::test]
async fn the_hub_s_own_settings_are_followed() {
    let world = World::new();
    let settings = serde_json::json!({"messagingEndpoints": {"fileNotifications": {
        "lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "PT2M", "maxDeliveryCount": 1,
    }}});
    world.put_hub_properties(settings).await;
    put(&world, "1").await;
    take(&world).await.unwrap();
    world.advance(5);
    let notice = take(&world).await.unwrap();
    assert_eq!(notice.user_id, "Contoso-Hub");
    settle(&world, &notice, Settlement::Abandon).await.unwrap();
    assert_eq!(take(&world).await, None, "one delivery is the most");
    put(&world, "2").await;
    world.advance(120);
    assert_eq!(take(&world).await, None, "two minutes are over");
}

#[tokio::test]
async fn a_receiver_waits_for_what_comes_and_for_what_is_free_again() {
    let world = World::new();
    let receiver = world.hub.notice_receiver(World::KEY, QUEUE);
    let (first, ()) = tokio::join!(receiver.next(), put(&world, "1"));
    let first = first.unwrap();
    assert_eq!((&first.body[..], first.content_type), (&b"1"[..], QUEUE.content_type()));
    let other = world.hub.notice_receiver(World::KEY, QUEUE);
    let (second, ()) = tokio::join!(other.next(), async { world.advance(60) });
    let second = second.unwrap();
    assert_eq!(second.body, "1", "the first lock has ended");
    let (third, settled) =
        tokio::join!(receiver.next(), async { other.settle(&second.lock_token, Settlement::Abandon).await });
    settled.unwrap();
    assert_eq!(third.unwrap().delivery_count, 1);
    let (fourth, ()) = tokio::join!(other.next(), async { drop(receiver) });
    assert_eq!(fourth.unwrap().body, "1", "whoever leaves holds nothing");
    assert_eq!(Arc::strong_count(&world.hub), 2);
}
