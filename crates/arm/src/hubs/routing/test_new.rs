//! Tests a route that a hub does not have yet with a message.
//! Source: 2023-06-30 and recorded answers (`{"result":"true"}`). A condition that does not compile is not refused: the result is
//! `undefined`, and the details say where the fault is.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_query::routing::{CompileError, Condition, Place, Verdict};
use serde_json::{Value, json};

use super::check::SOURCES;
use super::find;
use super::message::TestMessage;
use crate::Arm;
use crate::errors::INVALID_ROUTE_TEST_INPUT;
use crate::fields::Fields;

/// `IotHubResource_TestRoute`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_TestRoute",
    method: Method::Post,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{iotHubName}/routing/routes/$testnew"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/routing/$testnew/Action" },
    support: Support::Served,
    summary: "Tests a route that a hub does not have yet.",
};

/// Answers 200 with `true`, `false` or `undefined`.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let mut input = Fields::of(&request)?;
    let message = TestMessage::read(&mut input)?;
    let refuse = |text: &str| ServiceError::new(&INVALID_ROUTE_TEST_INPUT, text);
    let mut route = input.fields("route")?.ok_or_else(|| refuse("'route' is missing."))?;
    let source = route.text("source")?.ok_or_else(|| refuse("'route.source' is missing."))?;
    if !SOURCES.iter().any(|known| known.eq_ignore_ascii_case(&source)) {
        return Err(refuse(&format!("'{source}' is not a source of routes: {} are.", SOURCES.join(", "))));
    }
    let condition = route.text("condition")?.unwrap_or_default();
    find(arm, &request)?;
    let answer = match Condition::compile(&condition) {
        Ok(condition) => json!({"result": result(condition.judge(&message))}),
        Err(error) => json!({"result": "undefined", "details": {"compilationErrors": [document(&error)]}}),
    };
    Ok(Answer::ok(&answer))
}

const fn result(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::True => "true",
        Verdict::False => "false",
        Verdict::Undefined => "undefined",
    }
}

fn document(error: &CompileError) -> Value {
    let place = |place: Place| json!({"line": place.line, "column": place.column});
    json!({
        "message": error.message,
        "severity": "error",
        "location": {"start": place(error.start), "end": place(error.end)},
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{GROUP, World, json};

    async fn tested(condition: Value) -> Value {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let route = json!({
            "name": "r", "source": "DeviceMessages", "condition": condition, "endpointNames": ["events"], "isEnabled": true,
        });
        let input = json!({"route": route, "message": {"body": "x", "appProperties": {"level": "hot"}}});
        json(&world.post(&format!("{path}/routing/routes/$testnew"), Some(input)).await.unwrap())
    }

    #[tokio::test]
    async fn a_condition_is_true_false_or_undefined() {
        assert_eq!(tested(json!("level = 'hot'")).await, json!({"result": "true"}));
        assert_eq!(tested(json!("level = 'cold'")).await, json!({"result": "false"}));
        assert_eq!(tested(json!("gone = 'cold'")).await, json!({"result": "undefined"}));
        assert_eq!(tested(json!(null)).await, json!({"result": "true"}));
    }

    #[tokio::test]
    async fn a_condition_that_does_not_compile_is_explained_with_its_place() {
        let answer = tested(json!("level = 'hot' AND\nnope(1)")).await;
        assert_eq!(answer["result"], "undefined");
        let error = &answer["details"]["compilationErrors"][0];
        assert_eq!(error["severity"], "error");
        let location = json!({"start": {"line": 2, "column": 1}, "end": {"line": 2, "column": 5}});
        assert_eq!(error["location"], location);
        assert!(error["message"].as_str().unwrap().contains("nope"));
    }

    #[tokio::test]
    async fn a_request_without_a_route_is_refused() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1/routing/routes/$testnew");
        let error = world.post(&path, Some(json!({}))).await.unwrap_err();
        assert_eq!(error.code.number, 400_100);
    }
}
