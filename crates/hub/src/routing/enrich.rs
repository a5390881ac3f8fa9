//! What is added to messages on their way to an endpoint.
//!
//! Source: iot-hub-message-enrichments-overview: a twin's value that is missing, no primitive, or of a hub in the basic tier
//! leaves the text that names it.

use iolite_messaging::Message;
use iolite_resources::EnrichmentProperties;
use serde_json::Value;

/// An enrichment, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Enrichment {
    key: Box<str>,
    /// The value as written.
    written: Box<str>,
    value: Form,
    /// The endpoints it is for, one bit each.
    pub(crate) targets: u32,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Fixed,
    HubName,
    /// The names below the twin.
    Twin(Box<[Box<str>]>),
}

impl Enrichment {
    /// `properties` for the endpoints `targets`; a hub in the basic tier has no twins.
    pub(crate) fn new(properties: &EnrichmentProperties, targets: u32, has_twins: bool) -> Self {
        let written = properties.value.as_str();
        let below_twin = written.split_once('.').filter(|(top, _)| top.eq_ignore_ascii_case("$twin"));
        let value = match below_twin {
            _ if written.eq_ignore_ascii_case("$iothubname") => Form::HubName,
            Some((_, path)) if has_twins => Form::Twin(path.split('.').map(Into::into).collect()),
            _ => Form::Fixed,
        };
        Self { key: properties.key.as_str().into(), written: written.into(), value, targets }
    }

    /// Whether a twin is needed for it.
    pub(crate) fn reads_twin(&self) -> bool {
        matches!(self.value, Form::Twin(_))
    }

    /// Adds it to `message`, in place of a property of the same name.
    pub(crate) fn apply(&self, message: &mut Message, hub_name: &str, twin: Option<&Value>) {
        let value: Box<str> = match &self.value {
            Form::Fixed => self.written.clone(),
            Form::HubName => hub_name.into(),
            Form::Twin(path) => {
                twin.and_then(|twin| of_twin(twin, path)).map_or_else(|| self.written.clone(), Into::into)
            }
        };
        message.properties.retain(|(known, _)| !known.eq_ignore_ascii_case(&self.key));
        message.properties.push((self.key.clone(), Some(value)));
    }
}

fn of_twin(twin: &Value, path: &[Box<str>]) -> Option<String> {
    let mut found = twin;
    for name in path {
        let members = found.as_object()?;
        let similar = || members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found = members.get(&**name).or_else(similar)?;
    }
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(found.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn enriched(value: &str, has_twins: bool) -> String {
        let properties = EnrichmentProperties { key: "k".into(), value: value.into(), endpoint_names: Vec::new() };
        let enrichment = Enrichment::new(&properties, 1, has_twins);
        let mut message = Message::of("x");
        message.properties.push(("K".into(), Some("sent".into())));
        let twin = json!({"tags": {"place": "Redmond", "floor": 2, "open": true, "all": {}, "none": null}});
        enrichment.apply(&mut message, "contoso-hub", Some(&twin));
        assert_eq!(message.properties.len(), 1);
        message.property("k").unwrap().to_owned()
    }

    #[test]
    fn a_fixed_value_the_hub_s_name_and_a_twin_s_primitives_are_stamped() {
        for (value, expected) in [
            ("west", "west"),
            ("$iothubname", "contoso-hub"),
            ("$twin.tags.place", "Redmond"),
            ("$twin.tags.FLOOR", "2"),
            ("$twin.tags.open", "true"),
        ] {
            assert_eq!(enriched(value, true), expected, "{value}");
        }
    }

    #[test]
    fn what_the_twin_does_not_have_is_stamped_as_it_is_written() {
        for value in ["$twin.tags.gone", "$twin.tags.all", "$twin.tags.none", "$twin.tags.place.deep"] {
            assert_eq!(enriched(value, true), value);
        }
        assert_eq!(enriched("$twin.tags.place", false), "$twin.tags.place");
    }
}
