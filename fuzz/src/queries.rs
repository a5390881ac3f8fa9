//! The query languages: a hub's queries, conditions that stand alone, and the conditions of routes, read and asked of a
//! document.

use std::borrow::Cow;
use std::sync::LazyLock;

use iolite_query::iothub::{self, From};
use iolite_query::routing::{Condition, Subject};
use serde_json::{Value, json};

/// Reads the text in every dialect.
pub fn try_on(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(query) = iothub::parse(text) {
        let _ = query.matches(&*TWIN);
        if query.is_aggregate() {
            let _ = query.aggregate([TWIN.clone(), json!({})].into_iter());
        } else {
            let _ = query.project(&TWIN);
        }
    }
    for from in [From::Devices, From::Modules] {
        if let Ok(condition) = iothub::parse_condition(text, from) {
            let _ = condition.matches(&*TWIN);
        }
    }
    if let Ok(condition) = Condition::compile(text) {
        let _ = condition.judge(&Letter);
    }
}

static TWIN: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "deviceId": "d1", "status": "enabled", "version": 3, "capabilities": {"iotEdge": false},
        "tags": {"floor": 2, "name": "é", "list": [1, "a", null], "at": "2026-01-02T03:04:05Z"},
        "properties": {
            "desired": {"interval": 5.5, "$version": 2},
            "reported": {"interval": -1, "nested": {"a": {"b": true}}, "gone": null, "$version": 9}
        }
    })
});

/// A message with a bit of everything.
struct Letter;

impl Subject for Letter {
    fn application(&self, name: &str) -> Option<Cow<'_, Value>> {
        match name.to_ascii_lowercase().as_str() {
            "level" => Some(Cow::Owned(json!("storage"))),
            "number" => Some(Cow::Owned(json!("12.5"))),
            "empty" => Some(Cow::Owned(Value::Null)),
            _ => None,
        }
    }

    fn system(&self, name: &str) -> Option<Cow<'_, Value>> {
        (name.eq_ignore_ascii_case("contentType")).then(|| Cow::Owned(json!("application/json")))
    }

    fn body(&self) -> Option<&Value> {
        Some(&TWIN)
    }

    fn twin(&self) -> Option<&Value> {
        Some(&TWIN)
    }
}
