//! What an interface's definition says, as far as twins need it: which models it needs, and what its twins may hold.
//!
//! Read out of a definition by its structure, without judging it: what is no DTDL is passed over. DTDL lets a single thing
//! stand for a list of one, a term be written out (`dtmi:dtdl:class:Property;2`), and a type be joined by semantic types;
//! all three are read here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Schema;

/// The parts of an interface that the service acts on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Interface {
    /// The ids of the interfaces it extends.
    pub(crate) extends: Vec<String>,
    /// Its own contents by name, without the inherited ones.
    pub(crate) elements: BTreeMap<String, Element>,
}

/// One of an interface's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element {
    /// A property, with the schema of its value.
    Property(Schema),
    /// A component, with the id of its interface; without one where the interface is written inline.
    Component(Option<String>),
    /// A relationship.
    Relationship,
    /// Telemetry.
    Telemetry,
    /// A command, which Digital Twins has no use for.
    Command,
}

impl Element {
    /// DTDL's own name for it.
    pub(crate) const fn class(&self) -> &'static str {
        match self {
            Self::Property(_) => "Property",
            Self::Component(_) => "Component",
            Self::Relationship => "Relationship",
            Self::Telemetry => "Telemetry",
            Self::Command => "Command",
        }
    }
}

impl Interface {
    /// Reads the definition of an interface.
    pub(crate) fn read(definition: &Value) -> Self {
        let extends = each(member(definition, "extends")).filter_map(reference).map(str::to_owned).collect();
        let elements =
            each(member(definition, "contents")).filter_map(|content| element(content, definition)).collect();
        Self { extends, elements }
    }

    /// The models without which this one makes no sense: those it extends and those of its components. A relationship's
    /// target is not among them: a recorded DELETE succeeded while another model's relationship named the model.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        let components = self.elements.values().filter_map(|element| match element {
            Element::Component(model) => model.as_deref(),
            _ => None,
        });
        self.extends.iter().map(String::as_str).chain(components)
    }
}

fn element(content: &Value, definition: &Value) -> Option<(String, Element)> {
    let name = member(content, "name")?.as_str()?.to_owned();
    let schema = member(content, "schema");
    let element = each(member(content, "@type")).filter_map(Value::as_str).find_map(|class| match term(class) {
        "Property" => Some(Element::Property(Schema::read(schema, definition))),
        "Component" => Some(Element::Component(schema.and_then(reference).map(str::to_owned))),
        "Relationship" => Some(Element::Relationship),
        "Telemetry" => Some(Element::Telemetry),
        "Command" => Some(Element::Command),
        _ => None,
    })?;
    Some((name, element))
}

/// The id that a reference names: a text, or an object with nothing but an `@id`.
fn reference(value: &Value) -> Option<&str> {
    match value {
        Value::String(id) => Some(id),
        Value::Object(members) if members.len() == 1 => members.get("@id")?.as_str(),
        _ => None,
    }
}

/// The member of an object, whether its name is short or written out.
pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?;
    members.get(name).or_else(|| members.iter().find(|(written, _)| term(written) == name).map(|(_, value)| value))
}

/// The things that stand in a place where DTDL takes one or several.
pub(super) fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (one, several) = match value {
        Some(Value::Array(several)) => (None, several.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(several)
}

/// The short form of a term that may be written out: `Property` for `dtmi:dtdl:class:Property;2`.
pub(super) fn term(text: &str) -> &str {
    match text.strip_prefix("dtmi:dtdl:") {
        Some(rest) => rest.split(';').next().and_then(|path| path.rsplit(':').next()).unwrap_or(rest),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn contents_are_read_in_every_form_that_dtdl_allows() {
        let interface = Interface::read(&json!({
            "extends": {"@id": "dtmi:example:Base;1"},
            "dtmi:dtdl:property:contents;2": [
                {"@type": ["Temperature", "Property"], "name": "temperature", "schema": "double"},
                {"@type": "dtmi:dtdl:class:Telemetry;2", "name": "pulse", "schema": "double"},
                {"@type": "Component", "name": "inner", "schema": "dtmi:example:Inner;1"},
                {"@type": "Component", "name": "inline", "schema": {"@type": "Interface"}},
                {"@type": "Relationship", "name": "contains", "target": "dtmi:example:Other;1"},
                {"@type": "Command", "name": "reset"},
                {"@type": "Whatever", "name": "unknown"},
                17,
            ],
        }));
        assert_eq!(interface.elements["temperature"], Element::Property(Schema::Double));
        let classes: Vec<_> =
            interface.elements.iter().map(|(name, element)| (name.as_str(), element.class())).collect();
        assert_eq!(
            classes,
            [
                ("contains", "Relationship"),
                ("inline", "Component"),
                ("inner", "Component"),
                ("pulse", "Telemetry"),
                ("reset", "Command"),
                ("temperature", "Property"),
            ]
        );
        assert_eq!(interface.needs().collect::<Vec<_>>(), ["dtmi:example:Base;1", "dtmi:example:Inner;1"]);
    }

    #[test]
    fn a_single_content_stands_for_a_list_of_one() {
        let interface = Interface::read(&json!({
            "extends": ["dtmi:example:A;1", "dtmi:example:B;1"],
            "contents": {"@type": "Property", "name": "only", "schema": "string"},
        }));
        assert_eq!(interface.extends.len(), 2);
        assert_eq!(interface.elements["only"], Element::Property(Schema::String));
    }
}
