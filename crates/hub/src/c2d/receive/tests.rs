//! Messages to a device that asks for them over HTTPS.

use iolite_messaging::{Message, SystemName};

use super::*;
use crate::c2d::{abandon, complete};
use crate::errors;
use crate::fixture::{self, World, header, named};
use crate::sessions::testing::permit;

async fn world() -> World {
    let world = World::new();
    world.put_device("dev1", named("dev1")).await;
    let mut message = Message::of("hello");
    message.set_system(SystemName::To, "/devices/dev1/messages/deviceBound");
    message.set_system(SystemName::MessageId, "m-1");
    message.properties = vec![("Alert".into(), Some("yes".into()))];
    world.hub.send_to_device(World::KEY, message).await.unwrap();
    world
}

async fn receive(world: &World) -> Answer {
    run(&world.hub, permit("dev1", None), fixture::request(&[("id", "dev1")], &[], "")).await.unwrap()
}

fn settling(token: &str, query: &[(&str, &str)]) -> Request {
    let mut request = fixture::request(&[("id", "dev1"), ("lockToken", token)], &[], "");
    request.query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    request
}

#[tokio::test]
async fn a_message_comes_with_its_properties_and_its_lock() {
    let world = world().await;
    let answer = receive(&world).await;
    assert_eq!(answer.status, 200);
    assert_eq!(header(&answer, "iothub-messageid"), Some("m-1"));
    assert_eq!(header(&answer, "iothub-deliverycount"), Some("0"));
    assert_eq!(answer.named, vec![("iothub-app-Alert".to_owned(), "yes".to_owned())]);
    assert_eq!(receive(&world).await.status, 204, "it is under lock");
    let token = header(&answer, "etag").unwrap().trim_matches('"').to_owned();
    abandon::run(&world.hub, permit("dev1", None), settling(&token, &[])).await.unwrap();
    let again = receive(&world).await;
    assert_eq!(header(&again, "iothub-deliverycount"), Some("1"));
    let token = header(&again, "etag").unwrap().trim_matches('"').to_owned();
    let ended = complete::run(&world.hub, permit("dev1", None), settling(&token, &[("reject", "")])).await.unwrap();
    assert_eq!(ended.status, 204);
    let lost = complete::run(&world.hub, permit("dev1", None), settling(&token, &[])).await.unwrap_err();
    assert_eq!((lost.code, lost.message.as_str()), (&errors::DEVICE_MESSAGE_LOCK_LOST, "PreconditionFailed"));
    assert_eq!(receive(&world).await.status, 204);
}
