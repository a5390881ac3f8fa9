//! What a definition must have before it is taken: the checks of an upload that need no DTDL parser.
//!
//! The service runs a whole parser here. Until this house has one, each check stands for one of the parser's errors, in the
//! order in which recorded traffic shows them: `@context`, then `@id`. `docs/quirks.md` lists what is not checked.

use iolite_kernel::{ServiceError, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Model;
use super::interface::{each, term};
use crate::{dtmi, errors};

/// The largest definition, in bytes (1 MB; the service's published limit).
const LARGEST: usize = 1024 * 1024;

/// The `@context` of a version of DTDL, up to its number.
const CONTEXT: &str = "dtmi:dtdl:context;";

/// The versions of DTDL that Digital Twins reads.
const VERSIONS: [&str; 2] = ["2", "3"];

/// Identifiers that DTDL keeps for itself.
const RESERVED: [&str; 2] = ["dtmi:dtdl:", "dtmi:standard:"];

/// A model made of one element of an upload, or why it cannot be one.
pub(super) fn read(text: Box<RawValue>, uploaded_at: Timestamp) -> Result<Model, ServiceError> {
    let size = text.get().len();
    if size > LARGEST {
        let text = format!("A model of {size} bytes was provided: the most is {LARGEST}.");
        return Err(ServiceError::new(&errors::LIMIT_EXCEEDED, text));
    }
    let value: Value = serde_json::from_str(text.get())
        .map_err(|error| parser_error(&format!("a model is not valid JSON: {error}")).because(error))?;
    if !value.is_object() {
        return Err(parser_error("a model is no JSON object"));
    }
    let version = check_context(&value)?;
    check_id(&value, version)?;
    if !each(value.get("@type")).filter_map(Value::as_str).any(|class| term(class) == "Interface") {
        return Err(parser_error("a model's top-level element is no Interface: @type has to say so"));
    }
    Model::new(text, uploaded_at).map_err(|error| parser_error("a model is not valid JSON").because(error))
}

/// The refusal of an upload as the service words it: none is taken, for this reason.
pub(super) fn parser_error(reason: &str) -> ServiceError {
    let text = format!("None of the models in this request could be created: {reason}.");
    ServiceError::new(&errors::DTDL_PARSER_ERROR, text)
}

fn check_context(definition: &Value) -> Result<&str, ServiceError> {
    let context = definition.get("@context").ok_or_else(|| {
        parser_error("a top-level JSON object has no @context specifier, such as 'dtmi:dtdl:context;2'")
    })?;
    let version = each(Some(context)).filter_map(Value::as_str).find_map(|context| context.strip_prefix(CONTEXT));
    let version = version.ok_or_else(|| parser_error("the @context of a model names no version of DTDL"))?;
    if VERSIONS.contains(&version) {
        return Ok(version);
    }
    let text = format!("The models use DTDL version {version}: supported are versions {}.", VERSIONS.join(" and "));
    Err(ServiceError::new(&errors::MODEL_VERSION_NOT_SUPPORTED, text))
}

fn check_id(definition: &Value, version: &str) -> Result<(), ServiceError> {
    let Some(id) = definition.get("@id") else {
        return Err(parser_error("a top-level JSON element has no '@id' property with a DTMI"));
    };
    let well_formed = id.as_str().filter(|id| dtmi::is_model_id(id) && (version != "2" || dtmi::has_version(id)));
    match well_formed {
        None => Err(parser_error(&format!("the @id {id} is no DTMI of a model"))),
        Some(id) if RESERVED.iter().any(|prefix| id.starts_with(prefix)) => {
            Err(parser_error(&format!("the @id {id} begins with a prefix that is reserved")))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(definition: &Value) -> &'static str {
        let text = RawValue::from_string(definition.to_string()).unwrap();
        read(text, Timestamp::UNIX_EPOCH).map_or_else(|error| error.code.name, |_| "taken")
    }

    fn with(name: &str, value: Value) -> Value {
        let mut definition =
            json!({"@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Room;1", "@type": "Interface"});
        definition[name] = value;
        definition
    }

    #[test]
    fn an_interface_with_id_and_context_is_taken() {
        assert_eq!(
            judge(&with("@context", json!(["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"]))),
            "taken"
        );
        assert_eq!(judge(&with("@type", json!(["Interface"]))), "taken");
        assert_eq!(judge(&with("@type", json!("dtmi:dtdl:class:Interface;2"))), "taken");
    }

    #[test]
    fn what_the_parser_would_refuse_first_is_refused() {
        for definition in [
            json!({}),
            json!([]),
            json!("dtmi:example:Room;1"),
            json!({"@context": "dtmi:dtdl:context;2", "@type": "Interface"}),
            with("@id", json!("Room")),
            with("@id", json!("dtmi:example:Room")),
            with("@id", json!(7)),
            with("@id", json!("dtmi:dtdl:Room;1")),
            with("@context", json!("https://example.org")),
            with("@context", json!(7)),
            with("@type", json!("Property")),
            with("@type", json!(null)),
        ] {
            assert_eq!(judge(&definition), "DTDLParserError", "{definition}");
        }
    }

    #[test]
    fn the_context_is_missed_before_the_id() {
        let error = read(RawValue::from_string("{}".to_owned()).unwrap(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(error.message.contains("no @context specifier"), "{}", error.message);
    }

    #[test]
    fn other_versions_of_dtdl_are_named() {
        assert_eq!(judge(&with("@context", json!("dtmi:dtdl:context;4"))), "ModelVersionNotSupported");
        assert_eq!(judge(&with("@context", json!("dtmi:dtdl:context;1"))), "ModelVersionNotSupported");
    }

    #[test]
    fn a_definition_over_one_mebibyte_is_too_large() {
        assert_eq!(judge(&with("comment", json!("x".repeat(LARGEST)))), "LimitExceeded");
    }

    #[test]
    fn a_definition_nested_too_deep_is_refused_and_not_followed() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let error = read(RawValue::from_string(deep).unwrap(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.code.name, "DTDLParserError");
    }
}
