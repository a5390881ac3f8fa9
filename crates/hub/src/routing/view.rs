//! An event as a condition sees it: body and twin are read when a condition first names them, and once.

use std::borrow::Cow;
use std::cell::{LazyCell, OnceCell};

use iolite_query::routing::Subject;
use serde_json::Value;

use super::Routable;

/// One event while its routes are found.
pub(crate) struct View<'m, T: FnOnce() -> Option<Value>> {
    event: &'m Routable<'m>,
    body: OnceCell<Option<Value>>,
    twin: LazyCell<Option<Value>, T>,
}

impl<'m, T: FnOnce() -> Option<Value>> View<'m, T> {
    /// `twin` answers `tags` and `properties` of the twin of the device or module that the event is from.
    pub(crate) fn new(event: &'m Routable<'m>, twin: T) -> Self {
        Self { event, body: OnceCell::new(), twin: LazyCell::new(twin) }
    }
}

impl<T: FnOnce() -> Option<Value>> Subject for View<'_, T> {
    fn application(&self, name: &str) -> Option<Cow<'_, Value>> {
        let found = self.event.message.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| Cow::Owned(value.as_deref().map_or(Value::Null, |value| Value::String(value.to_owned()))))
    }

    fn system(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.event.system_property(name).map(|value| Cow::Owned(Value::String(value.into_owned())))
    }

    fn body(&self) -> Option<&Value> {
        self.body.get_or_init(|| self.event.json_body()).as_ref()
    }

    fn twin(&self) -> Option<&Value> {
        LazyCell::force(&self.twin).as_ref()
    }
}
