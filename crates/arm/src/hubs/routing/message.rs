//! The message and twin that routes are tested with.
//!
//! Source: `RoutingMessage` and `RoutingTwin` of 2023-06-30. The body is text; conditions see it as JSON where the system
//! properties say so, as for a message of a device.

use std::borrow::Cow;
use std::collections::BTreeMap;

use iolite_kernel::{MediaType, ServiceError};
use iolite_query::routing::Subject;
use serde_json::Value;

use crate::fields::Fields;

/// What is tested.
#[derive(Debug, Default)]
pub(super) struct TestMessage {
    body: Option<Value>,
    application: BTreeMap<String, String>,
    system: BTreeMap<String, String>,
    twin: Option<Value>,
}

impl TestMessage {
    /// Takes `message` and `twin` out of a request's body; what is left out is empty.
    pub(super) fn read(input: &mut Fields) -> Result<Self, ServiceError> {
        let mut found = Self::default();
        if let Some(mut message) = input.fields("message")? {
            let body = message.text("body")?;
            found.application = message.text_map("appProperties")?.unwrap_or_default();
            found.system = message.text_map("systemProperties")?.unwrap_or_default();
            found.body = body.filter(|_| found.is_json()).and_then(|body| serde_json::from_str(&body).ok());
        }
        found.twin = input.fields("twin")?.map(|twin| Value::Object(twin.rest()));
        Ok(found)
    }

    fn is_json(&self) -> bool {
        let kind = find(&self.system, "contentType").unwrap_or_default();
        let encoding = find(&self.system, "contentEncoding").unwrap_or_default().to_ascii_lowercase();
        MediaType::of(kind).is("application/json") && matches!(encoding.as_str(), "utf-8" | "utf-16" | "utf-32")
    }
}

impl Subject for TestMessage {
    fn application(&self, name: &str) -> Option<Cow<'_, Value>> {
        find(&self.application, name).map(|value| Cow::Owned(value.into()))
    }

    fn system(&self, name: &str) -> Option<Cow<'_, Value>> {
        find(&self.system, name).map(|value| Cow::Owned(value.into()))
    }

    fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    fn twin(&self) -> Option<&Value> {
        self.twin.as_ref()
    }
}

fn find<'m>(map: &'m BTreeMap<String, String>, name: &str) -> Option<&'m str> {
    map.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
