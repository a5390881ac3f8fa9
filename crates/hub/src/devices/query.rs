//! `Query_GetTwins`: the rows of a query over device or module twins, a page at a time.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: a bare array; `x-ms-item-type` says what the rows are, and
//! `x-ms-continuation` how to ask for the next page. Answers are always current, where the service may lag.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use iolite_query::iothub::{self, From};
use serde::Deserialize;

use crate::devices::query_page::Reader;
use crate::{Hub, body, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Query_GetTwins",
    method: Method::Post,
    path: "/devices/query",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/read"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Answers a query over device or module twins, a page at a time.",
};

/// How many rows a page has where the caller says nothing.
const USUAL_ROWS: usize = 100;
/// How many rows a page has at most.
const MOST_ROWS: usize = 1000;

#[derive(Debug, Deserialize)]
struct QueryBody {
    query: String,
}

/// Answers a page of rows: 200 with a bare array.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let QueryBody { query: text } = body::object(&request)?;
    let size = body::count("x-ms-max-item-count", request.header("x-ms-max-item-count"), USUAL_ROWS, MOST_ROWS)?;
    let query = iothub::parse(&text).map_err(|error| errors::invalid(format!("The query cannot be read: {error}.")))?;
    let reader = Reader::new(hub, permit.resource_key().into_owned(), &query, &text);
    let page = reader.read(size, request.header("x-ms-continuation")).await?;
    let item_type = match query.from {
        _ if !query.is_select_all() => "Raw",
        From::Devices | From::Modules => "Twin",
        From::Jobs => "DeviceJob",
    };
    let mut answer = Answer::json_text(200, page.rows).with_header("x-ms-item-type", item_type);
    if let Some(token) = page.continuation {
        answer = answer.with_header("x-ms-continuation", token);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, header, named};

    async fn world() -> World {
        let world = World::new();
        for (id, floor) in [("a", 1), ("b", 2), ("c", 1), ("d", 3)] {
            world.put_device(id, named(id)).await;
            let patch = json!({"tags": {"floor": floor}, "properties": {"desired": {"speed": floor * 10}}});
            world.call("Devices_UpdateTwin", &[("id", id)], &[], patch).await.unwrap();
        }
        world.put_module("a", "m", json!({"deviceId": "a", "moduleId": "m"})).await;
        world
    }

    async fn ask(world: &World, text: &str, headers: &[(&'static str, &str)]) -> Result<Answer, ServiceError> {
        world.call(OPERATION.name, &[], headers, json!({ "query": text })).await
    }

    async fn rows(world: &World, text: &str) -> Value {
        fixture::json(&ask(world, text, &[]).await.unwrap())
    }

    fn ids(rows: &Value) -> Vec<&str> {
        rows.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn whole_twins_are_answered_as_twins() {
        let world = world().await;
        let answer = ask(&world, "SELECT * FROM devices WHERE tags.floor = 1", &[]).await.unwrap();
        assert_eq!(header(&answer, "x-ms-item-type"), Some("Twin"));
        assert_eq!(header(&answer, "x-ms-continuation"), None);
        let rows = fixture::json(&answer);
        assert_eq!(ids(&rows), ["a", "c"]);
        assert_eq!(rows[0], world.twin("a").await);
    }

    #[tokio::test]
    async fn conditions_reach_identity_properties_and_sections() {
        let world = world().await;
        for (condition, expected) in [
            ("deviceId = 'b'", vec!["b"]),
            ("status = 'enabled' AND properties.desired.speed >= 20", vec!["b", "d"]),
            ("capabilities.iotEdge = false AND tags.floor IN [3]", vec!["d"]),
            ("properties.reported.x = 1", vec![]),
            ("connectionState = 'Disconnected' AND NOT tags.floor = 1", vec!["b", "d"]),
        ] {
            let found = rows(&world, &format!("SELECT * FROM devices WHERE {condition}")).await;
            assert_eq!(ids(&found), expected, "{condition}");
        }
    }

    #[tokio::test]
    async fn pages_follow_one_another_until_the_rows_end() {
        let world = world().await;
        let text = "SELECT * FROM devices";
        let first = ask(&world, text, &[("x-ms-max-item-count", "3")]).await.unwrap();
        assert_eq!(ids(&fixture::json(&first)), ["a", "b", "c"]);
        let token = header(&first, "x-ms-continuation").unwrap();
        let headers = [("x-ms-max-item-count", "3"), ("x-ms-continuation", token)];
        let second = ask(&world, text, &headers).await.unwrap();
        assert_eq!(ids(&fixture::json(&second)), ["d"]);
        assert_eq!(header(&second, "x-ms-continuation"), None);
        let other = ask(&world, "SELECT * FROM devices.modules", &headers).await.unwrap_err();
        assert_eq!(other.code, &errors::ARGUMENT_INVALID);
    }

    #[tokio::test]
    async fn top_holds_over_all_pages() {
        let world = world().await;
        let text = "SELECT TOP 3 deviceId FROM devices";
        let first = ask(&world, text, &[("x-ms-max-item-count", "2")]).await.unwrap();
        assert_eq!(header(&first, "x-ms-item-type"), Some("Raw"));
        let token = header(&first, "x-ms-continuation").unwrap();
        let second = ask(&world, text, &[("x-ms-max-item-count", "2"), ("x-ms-continuation", token)]).await.unwrap();
        assert_eq!(fixture::json(&second), json!([{"deviceId": "c"}]));
        assert_eq!(header(&second, "x-ms-continuation"), None);
    }

    #[tokio::test]
    async fn a_token_of_a_row_that_is_gone_still_goes_on() {
        let world = world().await;
        let text = "SELECT deviceId FROM devices";
        let first = ask(&world, text, &[("x-ms-max-item-count", "2")]).await.unwrap();
        let token = header(&first, "x-ms-continuation").unwrap().to_owned();
        world.call("Devices_DeleteIdentity", &[("id", "b")], &[("if-match", "*")], None).await.unwrap();
        let rest = ask(&world, text, &[("x-ms-continuation", &token)]).await.unwrap();
        assert_eq!(ids(&fixture::json(&rest)), ["c", "d"]);
    }

    #[tokio::test]
    async fn projections_and_aggregates_are_raw() {
        let world = world().await;
        let text = "SELECT tags.floor, deviceId AS id FROM devices WHERE deviceId = 'a'";
        assert_eq!(rows(&world, text).await, json!([{"floor": 1, "id": "a"}]));
        let text = "SELECT COUNT() AS count, tags.floor AS floor FROM devices GROUP BY tags.floor";
        let grouped = json!([{"count": 2, "floor": 1}, {"count": 1, "floor": 2}, {"count": 1, "floor": 3}]);
        assert_eq!(rows(&world, text).await, grouped);
        let page = ask(&world, text, &[("x-ms-max-item-count", "2")]).await.unwrap();
        let token = header(&page, "x-ms-continuation").unwrap();
        let rest = ask(&world, text, &[("x-ms-continuation", token)]).await.unwrap();
        assert_eq!(fixture::json(&rest), json!([grouped[2]]));
    }

    #[tokio::test]
    async fn module_twins_are_a_collection_of_their_own() {
        let world = world().await;
        let found = rows(&world, "SELECT * FROM devices.modules").await;
        assert_eq!((&found[0]["moduleId"], &found[0]["capabilities"]["iotEdge"]), (&json!("m"), &json!(false)));
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(rows(&world, "SELECT * FROM devices.jobs").await, json!([]));
    }

    #[tokio::test]
    async fn bad_queries_are_refused() {
        let world = world().await;
        for body in [json!({"query": "SELECT"}), json!({"query": 1}), json!({}), json!(["SELECT * FROM devices"])] {
            let error = world.call(OPERATION.name, &[], &[], body.clone()).await.unwrap_err();
            assert_eq!(error.code, &errors::ARGUMENT_INVALID, "{body}");
        }
        for (name, value) in [("x-ms-max-item-count", "0"), ("x-ms-continuation", "forged")] {
            assert!(ask(&world, "SELECT * FROM devices", &[(name, value)]).await.is_err(), "{name}");
        }
    }
}
