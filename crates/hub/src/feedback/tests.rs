//! Feedback over HTTPS.

use iolite_messaging::{Message, SystemName};
use serde_json::Value;

use super::*;
use crate::errors;
use crate::fixture::{World, header, named};

#[tokio::test]
async fn a_batch_is_taken_given_back_and_completed() {
    let world = World::new();
    world.put_device("dev1", named("dev1")).await;
    let mut message = Message::of("x");
    message.set_system(SystemName::To, "/devices/dev1/messages/deviceBound");
    message.set_system(SystemName::Ack, "full");
    world.hub.send_to_device(World::KEY, message).await.unwrap();
    let name = receive::OPERATION.name;
    assert_eq!(world.call(name, &[], &[], None).await.unwrap().status, 204);
    world.call("CloudToDeviceMessages_PurgeCloudToDeviceMessageQueue", &[("id", "dev1")], &[], None).await.unwrap();
    world.advance(15);
    world.hub.gather_feedback(world.hub.ground.now()).await;
    let answer = world.call(name, &[], &[], None).await.unwrap();
    let iolite_kernel::Body::Other { content_type, bytes } = &answer.body else { panic!("a batch") };
    assert_eq!(*content_type, "application/vnd.microsoft.iothub.feedback.json");
    let records: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(records[0]["statusCode"], "Purged");
    let token = header(&answer, "etag").unwrap().trim_matches('"').to_owned();
    let lock = [("lockToken", token.as_str())];
    let settle = |name| world.call(name, &lock, &[], None);
    assert_eq!(settle(abandon::OPERATION.name).await.unwrap().status, 204);
    assert_eq!(settle(complete::OPERATION.name).await.unwrap_err().code, &errors::DEVICE_MESSAGE_LOCK_LOST);
    let again = world.call(name, &[], &[], None).await.unwrap();
    let token = header(&again, "etag").unwrap().trim_matches('"').to_owned();
    world.call(complete::OPERATION.name, &[("lockToken", &token)], &[], None).await.unwrap();
    assert_eq!(world.call(name, &[], &[], None).await.unwrap().status, 204);
}
