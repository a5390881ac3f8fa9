//! A request's JSON body, read member by member.
//!
//! Every operation that takes a body reads it through [`Fields`]: names compare without case, as Resource Manager's own
//! reader does; `null` counts as left out; a member of the wrong type is refused with its path. What nobody asked for
//! stays in [`Fields::rest`], so that unknown properties can be kept and given back.

use std::collections::BTreeMap;

use iolite_kernel::{ErrorCode, MediaType, Request, ServiceError};
use serde_json::{Map, Value};

use crate::errors::{INVALID_REQUEST_CONTENT, UNSUPPORTED_MEDIA_TYPE};
use crate::schema::{self, Member};

/// What a number is that fits.
pub(crate) const WHOLE_NUMBER: &str = "a whole number";

/// A JSON object and where it stands in the body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The body of `request`, which must be a JSON object.
    pub(crate) fn of(request: &Request) -> Result<Self, ServiceError> {
        check_media_type(request)?;
        if request.body.is_empty() {
            return Err(refuse("The request has no body; a JSON object was expected."));
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(map)) => Ok(Self { path: String::new(), map }),
            Ok(other) => Err(refuse(format!("The body is {}; a JSON object was expected.", kind(&other)))),
            Err(error) => Err(refuse(format!("The body is not valid JSON: {error}."))),
        }
    }

    /// The body of `request`; an empty one counts as an empty object.
    pub(crate) fn of_optional(request: &Request) -> Result<Self, ServiceError> {
        if request.body.is_empty() { Ok(Self::default()) } else { Self::of(request) }
    }

    /// `value`, which stands at `path` and must be an object.
    pub(crate) fn nested(path: &str, value: &Value) -> Result<Self, ServiceError> {
        match value {
            Value::Object(map) => Ok(Self { path: path.to_owned(), map: map.clone() }),
            other => Err(mismatch(path, "an object", other)),
        }
    }

    /// The full path of a member, for messages.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes the member `name`; `null` counts as left out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let known = self.map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()?;
        self.map.remove(&known).filter(|value| !value.is_null())
    }

    /// Drops members that the caller may send and cannot set.
    pub(crate) fn drop(&mut self, names: &[&str]) {
        for name in names {
            self.take(name);
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ServiceError> {
        self.typed(name, "a string", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, ServiceError> {
        self.typed(name, "a boolean", |value| value.as_bool().ok_or(value))
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u32>, ServiceError> {
        self.typed(name, WHOLE_NUMBER, |value| {
            value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or(value)
        })
    }

    /// A member that is an object.
    pub(crate) fn fields(&mut self, name: &str) -> Result<Option<Self>, ServiceError> {
        let path = self.path(name);
        self.typed(name, "an object", |value| match value {
            Value::Object(map) => Ok(Self { path, map }),
            other => Err(other),
        })
    }

    /// A member that is a list of objects.
    pub(crate) fn items(&mut self, name: &str) -> Result<Option<Vec<Self>>, ServiceError> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let path = self.path(name);
        let item = |(index, value)| match value {
            Value::Object(map) => Ok(Self { path: format!("{path}[{index}]"), map }),
            other => Err(mismatch(&format!("{path}[{index}]"), "an object", &other)),
        };
        list.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// A member that is a list of strings.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, ServiceError> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let path = self.path(name);
        let item = |(index, value)| match value {
            Value::String(text) => Ok(text),
            other => Err(mismatch(&format!("{path}[{index}]"), "a string", &other)),
        };
        list.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// A member that is an object of strings, as tags are.
    pub(crate) fn text_map(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, ServiceError> {
        let Some(fields) = self.fields(name)? else { return Ok(None) };
        let path = fields.path.clone();
        let item = |(key, value)| match value {
            Value::String(text) => Ok((key, text)),
            other => Err(mismatch(&format!("{path}.{key}"), "a string", &other)),
        };
        fields.map.into_iter().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// The same as `members` wants it; a value that is out of range or no known word is refused as `invalid`.
    pub(crate) fn fitted(self, members: &[Member], invalid: &'static ErrorCode) -> Result<Self, ServiceError> {
        Ok(Self { map: schema::fit(members, &self.path, self.map, invalid)?, path: self.path })
    }

    /// What is there still.
    pub(crate) const fn kept(&self) -> &Map<String, Value> {
        &self.map
    }

    /// What is left.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }

    fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, ServiceError> {
        self.typed(name, "a list", |value| match value {
            Value::Array(list) => Ok(list),
            other => Err(other),
        })
    }

    fn typed<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, ServiceError> {
        let path = self.path(name);
        let Some(value) = self.take(name) else { return Ok(None) };
        read(value).map(Some).map_err(|value| mismatch(&path, wanted, &value))
    }
}

/// A body without a content type is read as JSON, as the service does.
fn check_media_type(request: &Request) -> Result<(), ServiceError> {
    let Some(value) = request.header("content-type") else { return Ok(()) };
    if MediaType::of(value).is_json() {
        return Ok(());
    }
    let text = format!("The media type '{value}' is not supported here; send 'application/json'.");
    Err(ServiceError::new(&UNSUPPORTED_MEDIA_TYPE, text))
}

/// A member of the wrong type.
pub(crate) fn mismatch(path: &str, wanted: &str, found: &Value) -> ServiceError {
    let found = match found {
        Value::Number(_) if wanted == WHOLE_NUMBER => "a number that does not fit",
        other => kind(other),
    };
    refuse(format!("The member '{path}' is {found}; {wanted} was expected."))
}

fn refuse(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&INVALID_REQUEST_CONTENT, text)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        match serde_json::from_str(text).unwrap() {
            Value::Object(map) => Fields { path: String::new(), map },
            _ => unreachable!(),
        }
    }

    #[test]
    fn names_compare_without_case_and_null_counts_as_left_out() {
        let mut body = fields(r#"{"Location": "westeurope", "tags": null}"#);
        assert_eq!(body.text("location").unwrap().as_deref(), Some("westeurope"));
        assert_eq!(body.text_map("tags").unwrap(), None);
        assert!(body.rest().is_empty());
    }

    #[test]
    fn a_member_of_the_wrong_type_is_refused_with_its_path() {
        let mut body = fields(r#"{"properties": {"rules": [{"name": 7}]}}"#);
        let mut properties = body.fields("properties").unwrap().unwrap();
        let mut rules = properties.items("rules").unwrap().unwrap();
        let error = rules[0].text("name").unwrap_err();
        assert_eq!(error.code, &INVALID_REQUEST_CONTENT);
        assert!(error.message.contains("'properties.rules[0].name'"), "{}", error.message);
    }

    #[test]
    fn a_number_that_is_not_whole_or_not_small_enough_is_refused() {
        for text in [r#"{"capacity": 1.5}"#, r#"{"capacity": -1}"#, r#"{"capacity": 5000000000}"#] {
            assert!(fields(text).number("capacity").is_err(), "{text}");
        }
        assert_eq!(fields(r#"{"capacity": 2}"#).number("capacity").unwrap(), Some(2));
    }

    #[test]
    fn what_nobody_asked_for_stays() {
        let mut body = fields(r#"{"a": 1, "provisioningState": "x", "b": {"c": 2}}"#);
        body.drop(&["provisioningState"]);
        assert_eq!(body.rest().len(), 2);
    }
}
