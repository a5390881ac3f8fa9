//! The schema of a property and which JSON values it takes.
//!
//! Primitive schemas are checked in full. Of an array, a map and an object only the kind of JSON value is, and of an
//! enumeration only whether it is a number or a text: what stands inside is left to DTDL validation. A schema that is not
//! known here (geospatial ones, a reference to another model's schema) takes anything.

use jiff::civil;
use serde_json::Value;

use super::interface::{each, member, term};

/// The schema of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    Boolean,
    Date,
    DateTime,
    Double,
    Duration,
    Float,
    Integer,
    Long,
    String,
    Time,
    Array,
    IntegerEnum,
    StringEnum,
    Map,
    Object,
    /// Not known here.
    Unknown,
}

impl Schema {
    /// Reads the schema that a property of `definition` states: a term, the id of one of the interface's own `schemas`, or
    /// one written inline.
    pub(super) fn read(schema: Option<&Value>, definition: &Value) -> Self {
        match schema {
            Some(Value::String(name)) => {
                Self::primitive(term(name)).unwrap_or_else(|| Self::declared(name, definition))
            }
            Some(inline @ Value::Object(_)) => Self::complex(inline),
            _ => Self::Unknown,
        }
    }

    fn primitive(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "double" => Self::Double,
            "duration" => Self::Duration,
            "float" => Self::Float,
            "integer" => Self::Integer,
            "long" => Self::Long,
            "string" => Self::String,
            "time" => Self::Time,
            _ => return None,
        })
    }

    fn declared(id: &str, definition: &Value) -> Self {
        each(member(definition, "schemas"))
            .find(|schema| schema.get("@id").and_then(Value::as_str) == Some(id))
            .map_or(Self::Unknown, Self::complex)
    }

    fn complex(schema: &Value) -> Self {
        let mut classes = each(member(schema, "@type")).filter_map(Value::as_str).map(term);
        let of_integers = member(schema, "valueSchema").and_then(Value::as_str).map(term) == Some("integer");
        classes
            .find_map(|class| match class {
                "Array" => Some(Self::Array),
                "Enum" if of_integers => Some(Self::IntegerEnum),
                "Enum" => Some(Self::StringEnum),
                "Map" => Some(Self::Map),
                "Object" => Some(Self::Object),
                _ => None,
            })
            .unwrap_or(Self::Unknown)
    }

    /// DTDL's own name for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Double => "double",
            Self::Duration => "duration",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::String => "string",
            Self::Time => "time",
            Self::Array => "Array",
            Self::IntegerEnum | Self::StringEnum => "Enum",
            Self::Map => "Map",
            Self::Object => "Object",
            Self::Unknown => "any",
        }
    }

    /// Whether `value` is one of this schema's.
    pub(crate) fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::Double => value.is_number(),
            Self::Float => value.as_f64().is_some_and(|number| number.abs() <= f64::from(f32::MAX)),
            Self::Integer | Self::IntegerEnum => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Self::Long => value.is_i64(),
            Self::String | Self::StringEnum => value.is_string(),
            Self::Date => text(value, |text| text.parse::<civil::Date>().is_ok()),
            Self::DateTime => text(value, is_date_time),
            Self::Time => text(value, |text| text.trim_end_matches('Z').parse::<civil::Time>().is_ok()),
            Self::Duration => text(value, |text| text.starts_with(['P', '-']) && text.parse::<jiff::Span>().is_ok()),
            Self::Array => value.is_array(),
            Self::Map | Self::Object => value.is_object(),
            Self::Unknown => true,
        }
    }
}

fn text(value: &Value, is_valid: impl Fn(&str) -> bool) -> bool {
    value.as_str().is_some_and(is_valid)
}

/// RFC 3339, and the same without an offset, as .NET writes a time without a kind.
pub(crate) fn is_date_time(text: &str) -> bool {
    text.contains('T') && (text.parse::<jiff::Timestamp>().is_ok() || text.parse::<civil::DateTime>().is_ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(schema: Schema, value: &Value) -> bool {
        schema.accepts(value)
    }

    #[test]
    fn primitive_schemas_take_their_own_values_only() {
        for (schema, good, bad) in [
            (Schema::Boolean, json!([true, false]), json!([0, "true", null])),
            (Schema::Double, json!([1, -2.5, 1e300]), json!(["1", true, null, [1]])),
            (Schema::Float, json!([1, 3.4e38]), json!([1e39, "1"])),
            (
                Schema::Integer,
                json!([0, -2_147_483_648_i64, 2_147_483_647]),
                json!([2_147_483_648_i64, 1.5, "1", null]),
            ),
            (Schema::Long, json!([9_223_372_036_854_775_807_i64]), json!([9_223_372_036_854_775_808_u64, 0.5, "1"])),
            (Schema::String, json!(["", "x"]), json!([1, null, {}])),
            (Schema::Date, json!(["2026-11-22"]), json!(["22.11.2026", "2026-13-01", 5])),
            (
                Schema::DateTime,
                json!(["2026-11-22T01:02:03Z", "2026-11-22T01:02:03.5+01:00", "2026-11-22T01:02:03"]),
                json!(["2026-11-22", "now", 1]),
            ),
            (Schema::Time, json!(["01:02:03", "01:02:03.5Z"]), json!(["25:00:00", 1])),
            (Schema::Duration, json!(["PT5M", "P1DT2H"]), json!(["5 minutes", 5])),
        ] {
            assert!(good.as_array().unwrap().iter().all(|value| judge(schema, value)), "{schema:?} {good}");
            assert!(!bad.as_array().unwrap().iter().any(|value| judge(schema, value)), "{schema:?} {bad}");
        }
    }

    #[test]
    fn complex_schemas_are_told_by_kind() {
        let definition =
            json!({"schemas": [{"@id": "dtmi:example:Room:state;1", "@type": "Enum", "valueSchema": "integer"}]});
        let read = |schema: Value| Schema::read(Some(&schema), &definition);
        assert_eq!(read(json!("dtmi:example:Room:state;1")), Schema::IntegerEnum);
        assert_eq!(read(json!({"@type": "Enum", "valueSchema": "string"})), Schema::StringEnum);
        assert_eq!(read(json!({"@type": "Map"})), Schema::Map);
        assert_eq!(read(json!({"@type": "Array", "elementSchema": "double"})), Schema::Array);
        assert_eq!(read(json!("dtmi:dtdl:instance:Schema:double;2")), Schema::Double);
        assert_eq!(read(json!("point")), Schema::Unknown);
        assert!(Schema::Object.accepts(&json!({})) && !Schema::Object.accepts(&json!([])));
        assert!(!Schema::IntegerEnum.accepts(&json!("1")));
    }
}
