//! A twin was updated or replaced.

use iolite_kernel::Ground;
use serde::Serialize;

use super::{About, OwnEvent, event};
use crate::Twin;
use crate::document::Doc;
use crate::routing::Source;

/// What a twin's update changed; what it left alone is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TwinUpdate<'a> {
    /// The twin's version after the update.
    pub version: u64,
    /// The tags that changed; removed ones are `null`.
    pub tags: Option<&'a Doc>,
    /// The desired properties that changed, with their metadata and `$version`; removed ones are `null`.
    pub desired: Option<&'a Doc>,
    /// The reported properties that changed, with their metadata and `$version`; removed ones are `null`.
    pub reported: Option<&'a Doc>,
}

/// A twin that took another's place.
pub type TwinReplacement = Twin;

const SCHEMA: &str = "twinChangeNotification";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Doc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Properties<'a>>,
}

#[derive(Serialize)]
struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    desired: Option<&'a Doc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<&'a Doc>,
}

/// The event that a part of a twin changed.
#[must_use]
pub fn twin_updated(ground: &Ground, about: About<'_>, update: TwinUpdate<'_>) -> OwnEvent {
    let properties = (update.desired.is_some() || update.reported.is_some())
        .then_some(Properties { desired: update.desired, reported: update.reported });
    let body =
        Body { device_id: None, module_id: None, etag: None, version: update.version, tags: update.tags, properties };
    event(ground, Source::TwinChangeEvents, about, SCHEMA, "updateTwin", text(&body))
}

/// The event that a twin was replaced as a whole.
#[must_use]
pub fn twin_replaced(ground: &Ground, about: About<'_>, twin: &TwinReplacement) -> OwnEvent {
    event(ground, Source::TwinChangeEvents, about, SCHEMA, "replaceTwin", whole_twin(about, twin))
}

/// A twin as events have it: the ids, the etag, the version, tags and properties.
pub(super) fn whole_twin(about: About<'_>, twin: &Twin) -> Vec<u8> {
    text(&Body {
        device_id: Some(about.device),
        module_id: about.module,
        etag: Some(twin.etag()),
        version: twin.version,
        tags: twin.tags.as_ref(),
        properties: Some(Properties { desired: Some(&twin.desired), reported: Some(&twin.reported) }),
    })
}

fn text(body: &Body<'_>) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::super::tests::{about, body, ground};
    use super::*;
    use crate::twin::Birth;

    fn doc(value: Value) -> Doc {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_update_has_the_version_and_what_changed_alone() {
        let (tags, desired) = (doc(json!({"floor": "2"})), doc(json!({"a": null, "$version": 6})));
        let update = TwinUpdate { version: 7, tags: Some(&tags), desired: Some(&desired), reported: None };
        let event = twin_updated(&ground(), about(Some("m1")), update);
        let expected = json!({
            "version": 7, "tags": {"floor": "2"}, "properties": {"desired": {"a": null, "$version": 6}},
        });
        assert_eq!(body(&event), expected);
        assert_eq!(event.message.property("opType"), Some("updateTwin"));
        let tags_alone = TwinUpdate { version: 8, tags: Some(&tags), ..TwinUpdate::default() };
        assert_eq!(body(&twin_updated(&ground(), about(None), tags_alone)).get("properties"), None);
    }

    #[test]
    fn a_replacement_has_the_whole_twin() {
        let mut tags = Map::new();
        tags.insert("floor".to_owned(), json!("1"));
        let twin = Twin::new(Birth::Module, tags, Map::new(), about(None).at).unwrap();
        let event = twin_replaced(&ground(), about(Some("m1")), &twin);
        let body = body(&event);
        assert_eq!(
            (&body["deviceId"], &body["moduleId"], &body["tags"]["floor"]),
            (&json!("d1"), &json!("m1"), &json!("1"))
        );
        assert_eq!(event.message.property("opType"), Some("replaceTwin"));
        assert_eq!(event.message.property("iothub-message-schema"), Some(SCHEMA));
    }
}
