//! Tests of the IoT Hub dialect over twins of the documented and recorded shapes.

use serde_json::{Value, json};

use super::*;

fn twin(device_id: &str, region: &str, reported: Value) -> Value {
    json!({
        "deviceId": device_id,
        "etag": "AAAAAAAAAAE=",
        "status": "enabled",
        "connectionState": "Disconnected",
        "lastActivityTime": "0001-01-01T00:00:00Z",
        "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null},
        "version": 2,
        "tags": {"location": {"region": region}, "note": null},
        "properties": {"desired": {"$version": 4}, "reported": reported},
        "configurations": {"my-config 1": {"status": "Applied"}},
        "capabilities": {"iotEdge": false},
        "parentScopes": [format!("ms-azure-iot-edge://{region}-1")],
    })
}

fn twins() -> Vec<Value> {
    vec![
        twin("one", "US", json!({"status": "Success", "seconds": 60, "link": "wifi"})),
        twin("two", "US", json!({"status": "Pending", "seconds": 30})),
        twin("three", "EU", json!({"status": "Success", "seconds": 91, "link": "wired"})),
    ]
}

/// The ids of the twins that the condition selects.
fn selected(condition: &str) -> Vec<String> {
    let query = parse(&format!("SELECT * FROM devices WHERE {condition}")).unwrap_or_else(|error| panic!("{error}"));
    let ids = twins().into_iter().filter(|twin| query.matches(twin));
    ids.map(|twin| twin["deviceId"].as_str().unwrap().to_owned()).collect()
}

fn rows(text: &str) -> Vec<Value> {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let matching = twins().into_iter().filter(|twin| query.matches(twin));
    if query.is_aggregate() {
        return query.aggregate(matching).unwrap();
    }
    matching.map(|twin| query.project(&twin)).collect()
}

#[test]
fn the_recorded_queries_are_read() {
    for (text, from) in [
        ("select * from devices", From::Devices),
        ("select * from devices.modules", From::Modules),
        ("SELECT  * FROM devices WHERE tags.QueryDeviceTagKey = 'QueryDeviceTagValue'", From::Devices),
        ("SELECT * FROM devices WHERE deviceId = 'QueryDevice1136733538'", From::Devices),
        (
            "select deviceId from devices where configurations.[[configlifecycle410659325]].status = 'Applied'",
            From::Devices,
        ),
        ("select * from devices.modules where devices.deviceId = 'myDevice1'", From::Modules),
        ("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j' AND is_defined(devices.jobs.outcome)", From::Jobs),
    ] {
        assert_eq!(parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).from, from);
    }
}

#[test]
fn the_documented_conditions_select_what_they_say() {
    assert_eq!(selected("tags.location.region = 'US'"), ["one", "two"]);
    assert_eq!(selected("tags.location.region = 'US' AND properties.reported.seconds >= 60"), ["one"]);
    assert_eq!(selected("properties.reported.link IN ['wired', 'wifi']"), ["one", "three"]);
    assert_eq!(selected("properties.reported.link NIN ['wired']"), ["one"]);
    assert_eq!(selected("is_defined(properties.reported.link)"), ["one", "three"]);
    assert_eq!(selected("NOT is_defined(properties.reported.link)"), ["two"]);
    assert_eq!(selected("STARTSWITH(devices.deviceId, 't') AND NOT endswith(id, 'ee')"), ["two"]);
    assert_eq!(selected("configurations.[[my-config 1]].status = 'Applied' AND DEVICEID != 'one'"), ["two", "three"]);
    assert_eq!(selected("properties.desired.$version = 4 AND capabilities.iotEdge = false").len(), 3);
    assert_eq!(selected("array_contains(parentScopes, 'ms-azure-iot-edge://EU-1')"), ["three"]);
    assert_eq!(selected("tags.note = null AND is_defined(tags.note)").len(), 3);
    assert_eq!(
        selected("properties.reported.seconds % 2 = 1 OR properties.reported.seconds / 2 < 16"),
        ["two", "three"]
    );
}

#[test]
fn comparing_objects_or_missing_properties_selects_nothing() {
    assert!(selected("properties.desired = properties.reported").is_empty());
    assert!(selected("properties.desired != properties.reported").is_empty());
    assert!(selected("tags.gone != 'x'").is_empty());
    assert!(selected("NOT tags.gone = 'x'").is_empty());
    assert!(selected("Tags.Location.Region = 'US'").is_empty());
}

#[test]
fn a_projection_answers_the_twins_names_in_their_own_case_and_leaves_out_what_is_undefined() {
    let rows = rows("SELECT DeviceId, properties.reported.link, tags.note AS remark FROM devices");
    assert_eq!(rows[0], json!({"deviceId": "one", "link": "wifi", "remark": null}));
    assert_eq!(rows[1], json!({"deviceId": "two", "remark": null}));
}

#[test]
fn select_all_answers_the_document_itself() {
    let query = parse("SELECT TOP 2 * FROM devices").unwrap();
    assert!(query.is_select_all());
    assert_eq!(query.top, Some(2));
    assert_eq!(query.project(&twins()[0]), twins()[0]);
}

#[test]
fn a_count_without_groups_is_one_row_even_of_nothing() {
    assert_eq!(rows("SELECT COUNT() AS total FROM devices"), [json!({"total": 3})]);
    assert_eq!(
        rows("SELECT COUNT() AS total, AVG(tags.x) AS mean FROM devices WHERE status = 'no'"),
        [json!({"total": 0})]
    );
    assert_eq!(rows("SELECT COUNT(), SUM(version) FROM devices"), [json!({"$1": 3, "$2": 6})]);
}

#[test]
fn groups_are_counted_as_documented() {
    let text = "SELECT properties.reported.status AS status, COUNT() AS numberOfDevices FROM devices \
                GROUP BY properties.reported.status";
    let expected =
        [json!({"status": "Success", "numberOfDevices": 2}), json!({"status": "Pending", "numberOfDevices": 1})];
    assert_eq!(rows(text), expected);
    assert_eq!(rows(&text.replace("SELECT", "SELECT TOP 1")), expected[..1]);
    assert!(rows(&text.replace("GROUP", "WHERE status = 'no' GROUP")).is_empty());
}

#[test]
fn a_group_of_devices_without_the_property_lacks_the_key() {
    let text = "SELECT properties.reported.link, COUNT() AS n FROM devices GROUP BY properties.reported.link";
    assert_eq!(rows(text)[1], json!({"n": 1}));
}

#[test]
fn aggregates_are_computed_per_group() {
    let text = "SELECT tags.location.region, AVG(properties.reported.seconds) AS mean, \
                SUM(properties.reported.seconds) AS sum, MIN(properties.reported.seconds) AS min, \
                MAX(deviceId) AS last FROM devices GROUP BY tags.location.region";
    assert_eq!(rows(text)[0], json!({"region": "US", "mean": 45, "sum": 90, "min": 30, "last": "two"}));
    assert_eq!(rows(text)[1], json!({"region": "EU", "mean": 91, "sum": 91, "min": 91, "last": "three"}));
}

#[test]
fn extremes_over_mixed_types_are_undefined_and_sums_pass_over_what_is_no_number() {
    let query = parse("SELECT MAX(tags.x) AS max, SUM(tags.x) AS sum FROM devices").unwrap();
    let mixed = [json!({"tags": {"x": 1}}), json!({"tags": {"x": "a"}}), json!({"tags": {"x": null}}), json!({})];
    assert_eq!(query.aggregate(mixed.into_iter()).unwrap(), [json!({"sum": 1})]);
}

#[test]
fn equal_numbers_make_one_group_and_null_is_not_undefined() {
    let query = parse("SELECT tags.x, COUNT() AS n FROM devices GROUP BY tags.x").unwrap();
    let documents = [json!({"tags": {"x": 1}}), json!({"tags": {"x": 1.0}}), json!({"tags": {"x": null}}), json!({})];
    let expected = [json!({"x": 1, "n": 2}), json!({"x": null, "n": 1}), json!({"n": 1})];
    assert_eq!(query.aggregate(documents.into_iter()).unwrap(), expected);
}

#[test]
fn a_query_without_aggregates_refuses_to_aggregate() {
    assert!(parse("SELECT * FROM devices").unwrap().aggregate(std::iter::empty()).is_err());
}

#[test]
fn what_the_service_does_not_support_is_refused_by_name_and_place() {
    for (text, position, words) in [
        ("", 0, "SELECT is needed"),
        ("FROM devices", 0, "SELECT is needed"),
        ("SELECT *", 8, "FROM is needed"),
        ("SELECT * FROM", 13, "no collection"),
        ("SELECT * FROM c", 14, "word c is no collection"),
        ("SELECT * FROM devices.twins", 22, "no collection under devices"),
        ("SELECT * FROM devices d", 22, "The word d"),
        ("SELECT * FROM devices;", 21, "';'"),
        ("SELECT * FROM devices JOIN x", 22, "JOIN"),
        ("SELECT * FROM devices ORDER BY deviceId", 22, "ORDER BY"),
        ("SELECT * FROM devices LIMIT 3", 22, "TOP n"),
        ("SELECT * FROM devices WHERE", 27, "end of the query"),
        ("SELECT DISTINCT status FROM devices", 7, "GROUP BY"),
        ("SELECT deviceId, * FROM devices", 17, "stands alone"),
        ("SELECT deviceId, FROM devices", 17, "keyword"),
        ("SELECT TOP x * FROM devices", 11, "TOP"),
        ("SELECT TOP 1.5 * FROM devices", 11, "whole number"),
        ("SELECT COUNT(*) AS n FROM devices", 13, "COUNT()"),
        ("SELECT UPPER(deviceId) FROM devices", 7, "AVG, SUM, MIN and MAX"),
        ("SELECT tags.a, properties.reported.a FROM devices", 15, "another name with AS"),
        ("SELECT deviceId, COUNT() AS n FROM devices", 7, "GROUP BY"),
        ("SELECT * FROM devices GROUP BY status", 7, "instead of *"),
        ("SELECT COUNT() AS n FROM devices GROUP BY status, version", 48, "one property"),
        ("SELECT COUNT() AS n FROM devices.modules GROUP BY status", 41, "FROM devices only"),
        ("SELECT jobId FROM devices.jobs", 7, "SELECT * FROM devices.jobs"),
        ("SELECT COUNT() AS n FROM devices.jobs", 7, "SELECT * FROM devices.jobs"),
        ("SELECT deviceId AS a.b FROM devices", 19, "without dots"),
        ("SELECT * FROM devices WHERE tags.group = 'a'", 33, "[[group]]"),
        ("SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'a')", 28, "STARTSWITH"),
        ("SELECT * FROM devices WHERE CONTAINS(deviceId, 'a')", 28, "message routing"),
        ("SELECT * FROM devices WHERE COUNT() > 1", 28, "SELECT list"),
        ("SELECT * FROM devices WHERE nosuch(1)", 28, "no function NOSUCH"),
        ("SELECT * FROM devices.jobs WHERE STARTSWITH(jobId, 'a')", 33, "only one is IS_DEFINED"),
        ("SELECT * FROM devices.jobs WHERE devices.tags.x = 1", 33, "twin"),
        ("SELECT * FROM devices WHERE devices.jobs.jobId = 'j'", 28, "without joins"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_refusal_says_line_and_column() {
    let error = parse("SELECT *\nFROM devices\n  WHERE tags.group = 1").unwrap_err();
    assert_eq!((error.line, error.column), (3, 14));
}

#[test]
fn text_is_read_up_to_the_documented_length_and_not_beyond() {
    let padded = |length: usize| format!("SELECT * FROM devices WHERE tags.x = '{}'", "é".repeat(length));
    let frame = padded(0).chars().count();
    assert!(parse(&padded(LONGEST_QUERY - frame)).is_ok());
    let error = parse(&padded(LONGEST_QUERY - frame + 1)).unwrap_err();
    assert!(error.message.contains("8192"));
    assert_eq!(error.position, LONGEST_QUERY);
}

#[test]
fn a_condition_stands_alone() {
    let condition = parse_condition("tags.location.region = 'EU' and DeviceId in ['three']", From::Devices).unwrap();
    let ids: Vec<_> = twins().into_iter().filter(|twin| condition.matches(twin)).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0]["deviceId"], "three");
    assert_eq!(parse_condition("status = 'x' GROUP BY status", From::Devices).unwrap_err().position, 13);
    assert_eq!(parse_condition("*", From::Devices).unwrap_err().position, 0);
}
