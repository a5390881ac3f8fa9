//! Tests of the condition language over one message.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

struct Sent {
    body: Option<Value>,
    twin: Option<Value>,
}

impl Subject for Sent {
    fn application(&self, name: &str) -> Option<Cow<'_, Value>> {
        let value = match name.to_ascii_lowercase().as_str() {
            "level" => json!("storage"),
            "severity" => json!("3"),
            "a.b" => json!("dotted"),
            "a-b" => json!("hyphen"),
            "$mine" => json!("own"),
            "messageid" => json!("from the application"),
            "empty" => Value::Null,
            _ => return None,
        };
        Some(Cow::Owned(value))
    }

    fn system(&self, name: &str) -> Option<Cow<'_, Value>> {
        let value = match name.to_ascii_lowercase().as_str() {
            "contenttype" => json!("application/json"),
            "messageid" => json!("m-1"),
            "iothub-message-source" => json!("Telemetry"),
            _ => return None,
        };
        Some(Cow::Owned(value))
    }

    fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    fn twin(&self) -> Option<&Value> {
        self.twin.as_ref()
    }
}

fn sent() -> Sent {
    Sent {
        body: Some(json!({"Weather": {
            "Temperature": 50, "Cold": -50.4, "IsEnabled": true, "Nothing": null, "Street": "One Microsoft Way",
            "Previous": [20, 30, 40], "History": [{"Month": "Feb"}, {"Month": "Jan"}], "State": "WA",
        }})),
        twin: Some(json!({
            "tags": {"Location": {"floor": "1"}},
            "properties": {"desired": {"every": "5m"}, "reported": {"battery": 55}},
        })),
    }
}

fn verdict(condition: &str) -> Verdict {
    Condition::compile(condition).unwrap_or_else(|error| panic!("{condition}: {error}")).judge(&sent())
}

fn refusal(condition: &str) -> CompileError {
    Condition::compile(condition).expect_err(condition)
}

fn all(expected: Verdict, conditions: &[&str]) {
    for condition in conditions {
        assert_eq!(verdict(condition), expected, "{condition}");
    }
}

#[test]
fn an_application_property_is_a_string_found_in_any_letter_case() {
    all(
        Verdict::True,
        &[
            "level = 'storage'",
            "LEVEL = \"storage\"",
            "severity = '3'",
            "as_number(severity) <= 3",
            "level != 'hot' AND severity > '2'",
            "a.b = 'dotted'",
            "a-b = 'hyphen'",
            "messageId = 'from the application'",
            "is_null(empty) AND is_defined(empty)",
        ],
    );
    all(Verdict::False, &["level = 'Storage'", "level = 'hot'", "is_defined(gone)"]);
    all(Verdict::Undefined, &["gone = 'x'", "gone != 'x'", "NOT gone = 'x'", "as_number(level) = 3"]);
}

#[test]
fn a_dollar_names_a_system_property_first_and_an_application_property_then() {
    all(
        Verdict::True,
        &[
            "$contentType = 'application/json'",
            "$CONTENTTYPE = 'application/json'",
            "$iothub-message-source = 'Telemetry'",
            "$messageId = 'm-1'",
            "{$messageId} = 'm-1'",
            "{ $messageId } = 'm-1'",
            "$mine = 'own'",
        ],
    );
    all(Verdict::Undefined, &["{$mine} = 'own'", "$userId = 'x'"]);
}

#[test]
fn the_body_is_read_by_names_and_indices() {
    all(
        Verdict::True,
        &[
            "$body.Weather.Temperature = 50 AND $body.Weather.IsEnabled",
            "$BODY.Weather.Temperature >= 50",
            "$body.Weather.History[0].Month = 'Feb'",
            "$body.Weather.Previous[0] + $body.Weather.Previous[1] = 50",
            "$body.Weather.Temperature > $body.Weather.Previous[2] + 9",
            "length($body.Weather.State) = 2",
            "abs($body.Weather.Cold) = 50.4",
            "is_array($body.Weather.Previous) AND is_object($body.Weather) AND is_primitive($body.Weather.Nothing)",
            "$body.Weather.Nothing = null AND is_defined($body.Weather.Nothing)",
            "substring($body.Weather.Street, length($body.Weather.Street) - 3) = 'Way'",
            "concat($body.Weather.State, ', ', level) = 'WA, storage'",
            "NOT ($body.Weather.Temperature < 50)",
            "{$body.Weather.State} = 'WA'",
        ],
    );
    all(Verdict::False, &["is_defined($body.Weather)", "is_defined($body.Weather.Previous)", "$body.Weather.Nothing"]);
    all(
        Verdict::Undefined,
        &[
            "$body.weather.Temperature = 50",
            "$body.Weather.Previous[3] = 50",
            "$body.Weather.Temperature = '50'",
            "$body.Weather.Gone <> '100'",
            "$body.Weather <> null",
            "$body",
            "$body[0] = 'Feb'",
            "$body[0].Weather = 'Feb'",
        ],
    );
}

#[test]
fn the_twin_is_read_in_any_letter_case() {
    all(
        Verdict::True,
        &[
            "$twin.tags.Location.floor = '1'",
            "$twin.tags.location.FLOOR = '1'",
            "$twin.properties.desired.every = '5m' AND $twin.properties.reported.battery > 50",
        ],
    );
    all(Verdict::Undefined, &["$twin.tags.location.floor = 1", "$twin.tags.roof = '1'", "$twin"]);
}

#[test]
fn a_message_without_json_or_twin_leaves_both_undefined() {
    let bare = Sent { body: None, twin: None };
    for condition in ["$body.Weather.IsEnabled", "$twin.tags.x = '1'", "NOT $body.a"] {
        assert_eq!(Condition::compile(condition).unwrap().judge(&bare), Verdict::Undefined, "{condition}");
    }
    assert_eq!(Condition::compile("is_defined($body.a)").unwrap().judge(&bare), Verdict::False);
}

#[test]
fn logic_has_three_values() {
    all(Verdict::True, &["true OR gone = 'x'", "gone = 'x' OR true", "not (true and false)"]);
    all(Verdict::False, &["false AND gone = 'x'", "gone = 'x' AND false", "false", "null"]);
    all(Verdict::Undefined, &["true AND gone = 'x'", "gone = 'x' OR false", "undefined", "3", "'true'", "level"]);
}

#[test]
fn the_first_defined_of_several_is_taken() {
    all(
        Verdict::True,
        &[
            "(gone ?? level) = 'storage'",
            "(gone ?? gone ?? 'hello') = 'hello'",
            "(as_number(level) ?? 12.5) = 12.5",
            "level || '-' || severity = 'storage-3'",
        ],
    );
    all(Verdict::Undefined, &["(gone ?? gone) = 'x'", "level || gone = 'x'"]);
}

#[test]
fn every_function_is_known_in_any_letter_case() {
    all(
        Verdict::True,
        &[
            "Power(2, 3) = 8 and SQUARE(3) = 9 and ceiling(2.1) = 3 and floor(-2.1) = -3 and sign(-2) = -1 and sqrt(4) = 2",
            "exp(0) = 1 and index_of(level, 'rage') = 3 and index_of(level, 'x') = -1",
            "starts_with(level, 'stor') and ends_with(level, 'age') and contains(level, 'ora')",
            "lower('HELLO') = 'hello' and upper(level) = 'STORAGE' and substring(level, 1, 3) = 'tor'",
            "is_bool($body.Weather.IsEnabled) and is_number(0x10) and is_string(level) and not is_number(level)",
        ],
    );
    all(Verdict::Undefined, &["sqrt(-4) = 2", "3 / 0 = 1", "3 % 0 = 1", "starts_with(gone, 'x')"]);
}

#[test]
fn an_empty_condition_and_true_are_always_met_and_read_nothing() {
    for text in ["", "  ", "true", "(TRUE)"] {
        let condition = Condition::compile(text).unwrap();
        assert!(condition.is_always() && !condition.reads_body() && !condition.reads_twin(), "{text:?}");
    }
    assert_eq!(Condition::compile("true").unwrap(), Condition::ALWAYS);
}

#[test]
fn what_a_condition_reads_is_known_beforehand() {
    let condition = Condition::compile("level = 'x' OR {$body.a} = 1").unwrap();
    assert!(condition.reads_body() && !condition.reads_twin());
    let condition = Condition::compile("is_defined($TWIN.tags.x)").unwrap();
    assert!(condition.reads_twin() && !condition.reads_body());
}

#[test]
fn values_of_kinds_that_cannot_meet_are_refused_at_the_operator() {
    for (text, column, words) in [
        ("level = 3", 7, "AS_NUMBER"),
        ("3 + '4' = 7", 3, "a number and a string"),
        ("level = true", 7, "quotes"),
        ("level AND true", 7, "a string and a Boolean"),
        ("NOT level", 1, "a string"),
        ("level = null", 7, "IS_NULL"),
        ("- (level)", 1, "a string"),
        ("level ?? 12", 7, "AS_NUMBER"),
        ("'a' || true = 'atrue'", 5, "a string and a Boolean"),
        ("level IN ['a']", 7, "not part of routing"),
        ("3 + undefined = 3", 3, "undefined"),
    ] {
        let error = refusal(text);
        assert_eq!((error.start.line, error.start.column), (1, column), "{text}: {error}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
}

#[test]
fn arguments_of_the_wrong_kind_are_refused_at_the_function() {
    for (text, words) in [
        ("as_number(true) = 1", "must be a string"),
        ("abs(level) = 1", "Argument 1 of abs must be a number"),
        ("substring('hello', 'a') = 'x'", "Argument 2"),
        ("concat('a') = 'a'", "2 or more arguments"),
        ("substring('a') = 'a'", "2 to 3 arguments"),
        ("lower(null) = 'a'", "null"),
        ("nope(true)", "no function nope"),
        ("startswith(level, 'a')", "STARTS_WITH"),
    ] {
        let error = refusal(text);
        assert_eq!(error.start, Place { line: 1, column: 1 }, "{text}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
}

#[test]
fn an_error_spans_the_piece_it_is_about() {
    for (text, start, end) in [
        ("3 + '4' = 7", (1, 3), (1, 4)),
        ("nope(true) = true", (1, 1), (1, 5)),
        ("\"2 = 24", (1, 1), (1, 8)),
        ("3 = @ 3", (1, 5), (1, 6)),
        ("true AND\n  nope(1)", (2, 3), (2, 7)),
        ("level =", (1, 8), (1, 9)),
        ("(2 = 2", (1, 7), (1, 8)),
        ("$body.a[]", (1, 9), (1, 10)),
        ("$body.a[1:2] = 3", (1, 10), (1, 11)),
        ("$body.a[0][1] = 3", (1, 11), (1, 12)),
        ("test == true", (1, 7), (1, 8)),
    ] {
        let error = refusal(text);
        let place = |place: Place| (place.line, place.column);
        assert_eq!((place(error.start), place(error.end)), (start, end), "{text}: {error}");
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let longest = format!("level = '{}'", "x".repeat(LONGEST_CONDITION - 10));
    assert!(Condition::compile(&longest).is_ok());
    assert!(refusal(&format!("{longest} ")).message.contains("8192"));
    let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Condition::compile(&nested(64)).is_ok());
    for deep in [nested(65), "NOT ".repeat(1000), "abs(".repeat(1000), "{".repeat(1000)] {
        Condition::compile(&deep).unwrap_err();
    }
}

fn nearly_a_condition() -> impl Strategy<Value = String> {
    let pieces = [
        "$body",
        "$twin",
        "$messageId",
        ".",
        "[0]",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "level",
        "AND",
        "OR",
        "NOT",
        "=",
        "<>",
        "||",
        "??",
        "-",
        "+",
        "'x'",
        "'",
        "1",
        "2nd",
        "is_defined",
        "substring",
        ",",
        " ",
        "\n",
        "null",
        "true",
        "é",
        "😀",
        "undefined",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_compiling_or_judging_panic(text in any::<String>(), nearly in nearly_a_condition()) {
        for text in [text, nearly] {
            match Condition::compile(&text) {
                Ok(condition) => { condition.judge(&sent()); }
                Err(error) => prop_assert!(error.start.column >= 1 && error.end.column > error.start.column),
            }
        }
    }
}
