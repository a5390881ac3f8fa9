//! Whether a configuration's content, target condition and metrics are ones that the service takes.
//!
//! Used when one is put and by `Configuration_TestQueries`.

use iolite_kernel::ServiceError;
use iolite_query::iothub::{self, From, Query};
use serde_json::{Map, Value};

use crate::configuration::{ContentKind, target_query};
use crate::configurations::content::Content;
use crate::errors;

/// The one kind of content that `content` has, or why it has none or too many.
pub(super) fn content(content: &Map<String, Value>) -> Result<ContentKind, ServiceError> {
    let refuse = |message: &str| ServiceError::new(&errors::INVALID_CONFIGURATION_CONTENT, message);
    let mut kinds =
        ContentKind::ALL.into_iter().filter(|kind| content.get(kind.name()).is_some_and(|part| !part.is_null()));
    let (first, second) = (kinds.next(), kinds.next());
    let Some(kind) = first.filter(|_| second.is_none()) else {
        return Err(refuse("The content takes one of 'deviceContent', 'moduleContent' and 'modulesContent'."));
    };
    if !content.get(kind.name()).is_some_and(Value::is_object) {
        return Err(refuse("The content's one part is not a JSON object."));
    }
    Content::read(content)?.check()?;
    Ok(kind)
}

/// The query over what a configuration is for; `None` for the empty condition, which is for nothing.
pub(super) fn target(kind: ContentKind, condition: &str) -> Result<Option<Query>, String> {
    if condition.trim().is_empty() {
        return Ok(None);
    }
    let text = target_query(kind, condition, "deviceId");
    let wanted = if kind == ContentKind::ModuleContent { From::Modules } else { From::Devices };
    match iothub::parse(&text) {
        Ok(query) if query.from == wanted && query.group_by.is_empty() => Ok(Some(query)),
        Ok(_) => Err("The condition reads from another collection than its content is for.".to_owned()),
        Err(error) => Err(format!("{} (in: {text})", error.message)),
    }
}

/// A metric's query.
pub(super) fn metric(text: &str) -> Result<Query, String> {
    iothub::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_is_of_exactly_one_kind() {
        let kind = |value: Value| content(value.as_object().unwrap());
        assert_eq!(
            kind(json!({"deviceContent": {"properties.desired.a": 1}, "moduleContent": null})).unwrap(),
            ContentKind::DeviceContent
        );
        for bad in [
            json!({}),
            json!({"deviceContent": []}),
            json!({"deviceContent": {}, "modulesContent": {}}),
            json!({"deviceContent": {"a": 1}}),
            json!({"moduleContent": {"properties.desired": {"$a": 1}}}),
            json!({"modulesContent": {"b c": {}}}),
        ] {
            assert_eq!(kind(bad.clone()).unwrap_err().code, &errors::INVALID_CONFIGURATION_CONTENT, "{bad}");
        }
    }

    #[test]
    fn conditions_are_read_as_part_of_their_query() {
        assert!(target(ContentKind::DeviceContent, "*").unwrap().is_some());
        assert!(target(ContentKind::DeviceContent, " ").unwrap().is_none());
        assert!(target(ContentKind::DeviceContent, "tags.building = 43").unwrap().is_some());
        assert!(target(ContentKind::ModuleContent, "from devices.modules where moduleId = 'm'").unwrap().is_some());
        for bad in ["tags.", "tags.a = 1 GROUP BY tags.a", "1 = 1; drop"] {
            assert!(target(ContentKind::DeviceContent, bad).is_err(), "{bad}");
        }
        assert!(target(ContentKind::ModuleContent, "from devices where deviceId = 'x'").is_err());
        assert!(target(ContentKind::ModulesContent, "tags.a = 1) or (tags.b = 2").is_ok());
    }
}
