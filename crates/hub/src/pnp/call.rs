//! A command of a digital twin, as the direct method that it is.
//!
//! Used by the commands of the root and of components: a component's method is named `component*command`.

use iolite_access::Permit;
use iolite_kernel::{Answer, Request, ServiceError};
use serde_json::value::RawValue;

use crate::methods::call::{self, MethodCall};
use crate::{Hub, body, errors};

/// Calls `method` on the device of the path: 200 with what the device answered, its status in a header.
pub(super) async fn command(
    hub: &Hub,
    permit: &Permit,
    request: &Request,
    method: String,
) -> Result<Answer, ServiceError> {
    let called = MethodCall {
        name: Some(method.into()),
        payload: payload(request)?,
        response_seconds: seconds(request, "responseTimeoutInSeconds")?,
        connect_seconds: seconds(request, "connectTimeoutInSeconds")?,
    };
    let answer = call::invoke(hub, &permit.resource_key(), request.param("id"), None, &called.checked()?).await?;
    let text = Box::<str>::from(answer.payload).into_string();
    Ok(Answer::json_text(200, text).with_header("x-ms-command-statuscode", answer.status.to_string()))
}

/// Any JSON; a command without a payload is called with none.
fn payload(request: &Request) -> Result<Option<Box<RawValue>>, ServiceError> {
    if request.body.is_empty() { Ok(None) } else { body::json(request).map(Some) }
}

fn seconds(request: &Request, name: &str) -> Result<Option<u32>, ServiceError> {
    let Some(text) = request.query(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let seconds = text.parse().map_err(|_| errors::invalid(format!("'{name}' is no number of seconds.")))?;
    Ok(Some(seconds))
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Bytes;
    use iolite_messaging::{Features, ToDevice};
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, header, named};
    use crate::sessions::testing::connect;

    const ROOT: &str = "DigitalTwin_InvokeRootLevelCommand";
    const COMPONENT: &str = "DigitalTwin_InvokeComponentCommand";

    /// A connected device that answers its next call with the call itself.
    async fn echoing(world: &World) -> tokio::task::JoinHandle<()> {
        let mut device = connect(world, "dev1").await;
        device.session.listen(Features { methods: true, ..Features::default() });
        tokio::spawn(async move {
            while let Some(told) = device.inbox.recv().await {
                if let ToDevice::Method(call) = told {
                    let payload: Value = serde_json::from_slice(&call.payload).unwrap();
                    let answer = json!({"name": call.name, "payload": payload}).to_string();
                    device.session.answer_method(&call.request_id, 207, Bytes::from(answer));
                }
            }
        })
    }

    async fn world() -> World {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world
    }

    #[tokio::test]
    async fn commands_are_the_direct_methods_of_their_names() {
        let world = world().await;
        let device = echoing(&world).await;
        let root = [("id", "dev1"), ("commandName", "reboot")];
        let answer = world.call(ROOT, &root, &[], json!(3)).await.unwrap();
        assert_eq!((answer.status, header(&answer, "x-ms-command-statuscode")), (200, Some("207")));
        assert_eq!(fixture::json(&answer), json!({"name": "reboot", "payload": 3}));
        let component = [("id", "dev1"), ("componentPath", "thermostat1"), ("commandName", "getMaxMinReport")];
        let answer = world.call(COMPONENT, &component, &[], None).await.unwrap();
        assert_eq!(fixture::json(&answer), json!({"name": "thermostat1*getMaxMinReport", "payload": null}));
        device.abort();
    }

    #[tokio::test]
    async fn who_is_not_there_and_what_is_wrong_is_refused_as_a_method_s_call_is() {
        let world = world().await;
        let root = [("id", "dev1"), ("commandName", "reboot")];
        let offline = world.call(ROOT, &root, &[], json!({})).await.unwrap_err();
        assert_eq!(offline.code, &errors::DEVICE_NOT_ONLINE);
        let unknown = world.call(ROOT, &[("id", "dev2"), ("commandName", "reboot")], &[], None).await.unwrap_err();
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
        for (name, value) in [("responseTimeoutInSeconds", "4"), ("connectTimeoutInSeconds", "soon")] {
            let mut request = fixture::request(&root, &[], b"{}".to_vec());
            request.query.push((name.into(), value.into()));
            assert_eq!(world.send(ROOT, request).await.unwrap_err().code, &errors::ARGUMENT_INVALID, "{name}");
        }
        let broken = fixture::request(&root, &[], b"{".to_vec());
        assert_eq!(world.send(ROOT, broken).await.unwrap_err().code, &errors::IOT_HUB_FORMAT_ERROR);
    }
}
