//! Makes or replaces an event subscription to a hub's events.
//! Source: 2022-06-15 and webhook-event-delivery. The webhook has to agree before anything is kept; Azure works on after its
//! answer, here the subscription is ready at once.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::change::Change;
use super::document::document;
use super::{key, validate};
use crate::Arm;
use crate::errors::BAD_REQUEST;
use crate::hubs::find;

/// `EventSubscriptions_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "EventSubscriptions_CreateOrUpdate",
    method: Method::Put,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/providers/Microsoft.EventGrid/eventSubscriptions/{eventSubscriptionName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.EventGrid/eventSubscriptions/write" },
    support: Support::Served,
    summary: "Makes or replaces an event subscription of a hub.",
};

/// How many subscriptions a hub has at most (Event Grid's quotas, per topic).
const MOST: usize = 500;

/// Answers 201 with the subscription, whether it is new or not.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = Change::of_put(&request)?;
    let name = request.param("eventSubscriptionName");
    require_name(name)?;
    let hub = find(arm, &request)?;
    let standing = arm.estate.event_subscriptions.get(&key(&hub, &request));
    let standing = standing.as_deref();
    let proposed = change.replace(name, standing, arm.ground.now())?;
    validate(arm, &hub, &proposed, standing).await?;
    let written = arm.estate.store.transact(|transaction| {
        let hub = find(arm, &request)?;
        let (table, key) = (&arm.estate.event_subscriptions, key(&hub, &request));
        let prefix = format!("{}/", hub.id.name().to_ascii_lowercase());
        if transaction.get(table, &key).is_none() && transaction.all(table, &prefix).len() >= MOST {
            let text = format!("The hub has its {MOST} event subscriptions already.");
            return Err(ServiceError::new(&BAD_REQUEST, text));
        }
        transaction.put(table, &key, proposed.clone());
        Ok(document(&hub, &proposed))
    });
    Ok(Answer::json(201, &written.await?))
}

fn require_name(name: &str) -> Result<(), ServiceError> {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    if (3..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let text = format!("'{name}' cannot name an event subscription: 3 to 64 letters, digits and hyphens can.");
    Err(ServiceError::new(&BAD_REQUEST, text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{GROUP, World, json};

    async fn standing() -> (World, String) {
        let world = World::new().await;
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&hub, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        (world, format!("{hub}/providers/Microsoft.EventGrid/eventSubscriptions"))
    }

    fn body(url: &str) -> Value {
        json!({"properties": {
            "destination": {"endpointType": "webhook", "properties": {"endpointUrl": url}},
            "filter": {"subjectBeginsWith": "devices/a", "includedEventTypes": ["Microsoft.Devices.DeviceCreated"]},
            "eventDeliverySchema": "CloudEventSchemaV1_0",
        }})
    }

    #[tokio::test]
    async fn a_subscription_is_made_once_its_webhook_has_agreed() {
        let (world, path) = standing().await;
        let answer = world.put(&format!("{path}/Hook"), body("https://hooks.example/e?code=s")).await.unwrap();
        assert_eq!(answer.status, 201);
        let shown = json(&answer);
        assert!(shown["id"].as_str().unwrap().ends_with("/providers/Microsoft.EventGrid/eventSubscriptions/Hook"));
        let properties = &shown["properties"];
        assert_eq!(properties["destination"]["properties"]["endpointBaseUrl"], "https://hooks.example/e");
        assert!(!shown.to_string().contains("code=s"), "{shown}");
        assert_eq!(properties["filter"]["includedEventTypes"], json!(["Microsoft.Devices.DeviceCreated"]));
        assert_eq!(properties["retryPolicy"]["maxDeliveryAttempts"], 30);
        assert_eq!(json(&world.get(&format!("{path}/hook")).await.unwrap()), shown);
        assert_eq!(json(&world.get(&path).await.unwrap())["value"], json!([shown]));
        let url = json(&world.post(&format!("{path}/hook/getFullUrl"), None).await.unwrap());
        assert_eq!(url, json!({"endpointUrl": "https://hooks.example/e?code=s"}));
        assert_eq!(world.told.validated.lock().len(), 1);
    }

    #[tokio::test]
    async fn a_webhook_that_does_not_agree_gets_no_subscription() {
        let (world, path) = standing().await;
        let error = world.put(&format!("{path}/hook"), body("https://refuses.example/?k=s")).await.unwrap_err();
        assert_eq!(error.code.name, "Url validation");
        assert!(error.message.contains("https://refuses.example/") && !error.message.contains("k=s"));
        assert_eq!(json(&world.get(&path).await.unwrap())["value"], json!([]));
    }

    #[tokio::test]
    async fn what_is_written_back_as_it_was_read_keeps_the_address_and_asks_nobody() {
        let (world, path) = standing().await;
        let path = format!("{path}/hook");
        let shown = json(&world.put(&path, body("https://hooks.example/e?code=s")).await.unwrap());
        assert_eq!(json(&world.put(&path, shown.clone()).await.unwrap()), shown);
        let patched =
            world.patch(&path, json!({"labels": ["a"], "retryPolicy": {"maxDeliveryAttempts": 5}})).await.unwrap();
        assert_eq!(patched.status, 201);
        let patched = json(&patched);
        assert_eq!(patched["properties"]["labels"], json!(["a"]));
        assert_eq!(patched["properties"]["filter"], shown["properties"]["filter"]);
        assert_eq!(world.told.validated.lock().len(), 1);
        let url = json(&world.post(&format!("{path}/getFullUrl"), None).await.unwrap());
        assert_eq!(url["endpointUrl"], "https://hooks.example/e?code=s");
    }

    #[tokio::test]
    async fn a_subscription_goes_once_and_with_its_hub() {
        let (world, path) = standing().await;
        world.put(&format!("{path}/hook"), body("https://hooks.example/")).await.unwrap();
        assert_eq!(world.delete(&format!("{path}/HOOK")).await.unwrap().status, 200);
        assert_eq!(world.delete(&format!("{path}/hook")).await.unwrap().status, 204);
        assert_eq!(world.get(&format!("{path}/hook")).await.unwrap_err().code.status, 404);
        world.put(&format!("{path}/hook"), body("https://hooks.example/")).await.unwrap();
        world.delete(&format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1")).await.unwrap();
        assert_eq!(world.arm.estate.event_subscriptions.count(""), 0);
    }

    #[tokio::test]
    async fn what_is_wrong_or_not_emulated_is_refused_by_name() {
        let (world, path) = standing().await;
        let changed = |change: fn(&mut Value)| {
            let mut body = body("https://hooks.example/");
            change(&mut body["properties"]);
            body
        };
        let cases = [
            (changed(|p| p["destination"]["endpointType"] = json!("EventHub")), "use a WebHook"),
            (changed(|p| p["destination"]["properties"]["endpointUrl"] = json!("ftp://x")), "absolute"),
            (changed(|p| p["destination"] = json!(null)), "'properties.destination' is missing"),
            (changed(|p| p["destination"]["properties"]["maxEventsPerBatch"] = json!(5001)), "1 to 5000"),
            (changed(|p| p["filter"]["includedEventTypes"] = json!(["Mail"])), "no events of the type 'Mail'"),
            (changed(|p| p["filter"]["advancedFilters"] = json!([{"operatorType": "IsNotNull"}])), "Advanced filters"),
            (changed(|p| p["eventDeliverySchema"] = json!("Xml")), "not a schema"),
            (changed(|p| p["deadLetterDestination"] = json!({})), "deadLetterDestination"),
            (changed(|p| p["retryPolicy"] = json!({"maxDeliveryAttempts": 31})), "1 to 30"),
            (changed(|p| p["expirationTimeUtc"] = json!("tomorrow")), "expirationTimeUtc"),
        ];
        for (body, words) in cases {
            let error = world.put(&format!("{path}/hook"), body).await.unwrap_err();
            assert!(error.message.contains(words), "{}", error.message);
        }
        let error = world.put(&format!("{path}/a_b"), body("https://hooks.example/")).await.unwrap_err();
        assert!(error.message.contains("cannot name"), "{}", error.message);
        assert!(world.told.validated.lock().is_empty());
    }
}
