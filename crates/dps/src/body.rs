//! Reads request bodies: JSON objects of a known form. Called by every operation that takes a body; changes nothing.

use std::fmt;
use std::marker::PhantomData;

use iolite_kernel::{MediaType, Request, ServiceError};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::errors;

/// A `T` that must be written as a JSON object: serde alone would take an array of its members' values, too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Reads a body that must be there.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, ServiceError> {
    require(request)?;
    parse(&request.body)
}

/// Refuses a request without a body, or with one that is said not to be JSON.
pub(crate) fn require(request: &Request) -> Result<(), ServiceError> {
    require_json(request)?;
    if request.body.iter().all(u8::is_ascii_whitespace) {
        return Err(ServiceError::new(&errors::BAD_REQUEST, "A request body is required."));
    }
    Ok(())
}

/// Reads a body that may be left out.
pub(crate) fn read_optional<T: DeserializeOwned + Default>(request: &Request) -> Result<T, ServiceError> {
    if request.body.iter().all(u8::is_ascii_whitespace) { Ok(T::default()) } else { read(request) }
}

/// Reads JSON text as an object of the form `T`; members that `T` does not know are passed over, as the service does.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, ServiceError> {
    serde_json::from_slice::<Object<T>>(text).map(|Object(read)| read).map_err(|error| {
        ServiceError::new(&errors::DESERIALIZATION, format!("The request body cannot be read: {error}."))
    })
}

/// No content type at all is taken for JSON: several clients send none.
fn require_json(request: &Request) -> Result<(), ServiceError> {
    let Some(given) = request.header("content-type") else { return Ok(()) };
    let media = MediaType::of(given);
    if media.is_empty() || media.is("application/json") {
        return Ok(());
    }
    Err(ServiceError::new(&errors::UNSUPPORTED_MEDIA_TYPE, "The content type must be application/json."))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn only_an_object_is_a_body() {
        for text in ["[]", "1", "\"x\"", "null", "{", "{}x", "{\"a\":\u{0}1}"] {
            let refused = parse::<Map<String, Value>>(text.as_bytes()).unwrap_err();
            assert_eq!(refused.code, &errors::DESERIALIZATION, "{text}");
        }
        assert!(parse::<Map<String, Value>>(b"{}").is_ok());
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        assert!(parse::<Map<String, Value>>(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_hundred_thousand_levels_are_refused_without_harm() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(parse::<Map<String, Value>>(deep.as_bytes()).is_err());
    }
}
