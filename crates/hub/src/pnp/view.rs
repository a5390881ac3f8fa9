//! A digital twin as answered, out of a device's twin.
//!
//! Used by `DigitalTwin_GetDigitalTwin`. A property's value is what the device reported; what is desired of it, and what the
//! device said to that, stands in the metadata.

use serde_json::{Map, Value};

use crate::Twin;
use crate::pnp::place::{MARK, is_component};

/// The key of a section's metadata.
const METADATA: &str = "$metadata";

/// The digital twin of the device `id`.
pub(super) fn digital_twin(id: &str, twin: &Twin) -> Value {
    let (desired, reported) = (Side::read(&twin.desired.fields()), Side::read(&twin.reported.fields()));
    let mut metadata = Map::new();
    metadata.insert("$model".to_owned(), twin.model_id.as_deref().unwrap_or_default().into());
    let mut fields = Map::new();
    fields.insert("$dtId".to_owned(), id.into());
    for name in desired.names(&reported) {
        if desired.component(name).is_some() || reported.component(name).is_some() {
            let (desired, reported) = (desired.below(name), reported.below(name));
            fields.insert(name.clone(), component(&desired, &reported));
        } else {
            property(name, &desired, &reported, &mut fields, &mut metadata);
        }
    }
    fields.insert(METADATA.to_owned(), metadata.into());
    fields.into()
}

fn component(desired: &Side, reported: &Side) -> Value {
    let (mut fields, mut metadata) = (Map::new(), Map::new());
    for name in desired.names(reported).into_iter().filter(|name| *name != MARK) {
        property(name, desired, reported, &mut fields, &mut metadata);
    }
    fields.insert(METADATA.to_owned(), metadata.into());
    fields.into()
}

fn property(
    name: &str,
    desired: &Side,
    reported: &Side,
    fields: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
) {
    let mut about = Map::new();
    if let Some(value) = desired.values.get(name) {
        about.insert("desiredValue".to_owned(), value.clone());
        about.insert("desiredVersion".to_owned(), desired.version_of(name));
    }
    if let Some(value) = reported.values.get(name) {
        match acknowledgement(value) {
            Some((value, said)) => {
                fields.extend(value.map(|value| (name.to_owned(), value.clone())));
                about.extend(said);
            }
            None => drop(fields.insert(name.to_owned(), value.clone())),
        }
        about.extend(reported.updated_at(name).map(|at| ("lastUpdateTime".to_owned(), at)));
    }
    metadata.insert(name.to_owned(), about.into());
}

/// A reported value, and what stands in the metadata beside it.
type Acknowledgement<'a> = (Option<&'a Value>, Vec<(String, Value)>);

/// What a device said to a desired value: `{"value", "ac", "av", "ad"}` as it reports it, under the names it is answered by.
fn acknowledgement(reported: &Value) -> Option<Acknowledgement<'_>> {
    let fields = reported.as_object()?;
    let known = |name: &String| matches!(name.as_str(), "value" | "ac" | "av" | "ad");
    if !fields.contains_key("ac") || !fields.contains_key("av") || !fields.keys().all(known) {
        return None;
    }
    let said = [("av", "ackVersion"), ("ac", "ackCode"), ("ad", "ackDescription")];
    let said = said.into_iter().filter_map(|(short, long)| Some((long.to_owned(), fields.get(short)?.clone())));
    Some((fields.get("value"), said.collect()))
}

/// The desired or the reported properties, of the root or of a component.
#[derive(Default)]
struct Side {
    values: Map<String, Value>,
    metadata: Map<String, Value>,
    version: Option<Value>,
}

impl Side {
    fn read(section: &Map<String, Value>) -> Self {
        let values = section.iter().filter(|(name, _)| !name.starts_with('$'));
        Self {
            values: values.map(|(name, value)| (name.clone(), value.clone())).collect(),
            metadata: section.get(METADATA).and_then(Value::as_object).cloned().unwrap_or_default(),
            version: section.get("$version").cloned(),
        }
    }

    fn component(&self, name: &str) -> Option<&Map<String, Value>> {
        self.values.get(name).filter(|value| is_component(value)).and_then(Value::as_object)
    }

    fn below(&self, name: &str) -> Self {
        Self {
            values: self.component(name).cloned().unwrap_or_default(),
            metadata: self.metadata.get(name).and_then(Value::as_object).cloned().unwrap_or_default(),
            version: self.version.clone(),
        }
    }

    fn names<'a>(&'a self, other: &'a Self) -> Vec<&'a String> {
        let more = other.values.keys().filter(|name| !self.values.contains_key(*name));
        self.values.keys().chain(more).collect()
    }

    /// The version of the section with which the property was set.
    fn version_of(&self, name: &str) -> Value {
        let set = self.metadata.get(name).and_then(|about| about.get("$lastUpdatedVersion"));
        set.or(self.version.as_ref()).cloned().unwrap_or_default()
    }

    fn updated_at(&self, name: &str) -> Option<Value> {
        self.metadata.get(name).and_then(|about| about.get("$lastUpdated")).cloned()
    }
}
