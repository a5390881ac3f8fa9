//! What a twin of a model may hold: the model's contents with all that it inherits, and those of its components.
//!
//! Put together from the stored models each time it is needed; a model that is missing anywhere makes it unknown.

use std::collections::{BTreeMap, BTreeSet};

use iolite_store::Versioned;

use crate::models::{Element, Model, Schema};

/// What a twin of a model may hold, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shape(BTreeMap<String, Place>);

/// One thing that a twin may hold, or that its model declares though twins hold none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A property with its schema.
    Property(Schema),
    /// A component with what it may hold.
    Component(Shape),
    /// A relationship, telemetry or a command, by DTDL's name.
    Other(&'static str),
}

impl Shape {
    /// The shape of the model `id`; nothing where it, or a model that it extends or has as a component, is not there.
    pub(super) fn of(id: &str, find: &impl Fn(&str) -> Option<Versioned<Model>>) -> Option<Self> {
        let mut places = BTreeMap::new();
        for (name, element) in contents(id, find)? {
            let place = match element {
                Element::Property(schema) => Place::Property(schema),
                Element::Component(Some(model)) => Place::Component(Self::of_component(&model, find)?),
                Element::Component(None) => Place::Property(Schema::Unknown),
                other => Place::Other(other.class()),
            };
            places.insert(name, place);
        }
        Some(Self(places))
    }

    /// Digital Twins has one level of components only; what a component has of its own is not followed further.
    fn of_component(id: &str, find: &impl Fn(&str) -> Option<Versioned<Model>>) -> Option<Self> {
        let places = contents(id, find)?.into_iter().map(|(name, element)| {
            let place = match element {
                Element::Property(schema) => Place::Property(schema),
                Element::Component(_) => Place::Property(Schema::Unknown),
                other => Place::Other(other.class()),
            };
            (name, place)
        });
        Some(Self(places.collect()))
    }

    /// What stands under `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Place> {
        self.0.get(name)
    }

    /// The components, by name.
    pub(super) fn components(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.0.iter().filter_map(|(name, place)| match place {
            Place::Component(shape) => Some((name.as_str(), shape)),
            _ => None,
        })
    }

    /// Whether `name` is a component.
    pub(super) fn has_component(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Place::Component(_)))
    }
}

/// The contents of an interface and of all that it extends; its own come before inherited ones of the same name.
fn contents(id: &str, find: &impl Fn(&str) -> Option<Versioned<Model>>) -> Option<BTreeMap<String, Element>> {
    let mut elements = BTreeMap::new();
    let mut seen = BTreeSet::from([id.to_owned()]);
    let mut open = vec![id.to_owned()];
    while let Some(id) = open.pop() {
        let model = find(&id)?;
        for (name, element) in &model.interface.elements {
            elements.entry(name.clone()).or_insert_with(|| element.clone());
        }
        open.extend(model.interface.extends.iter().filter(|base| seen.insert((*base).clone())).cloned());
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface};

    #[tokio::test]
    async fn inherited_contents_belong_to_the_twin() {
        let world = World::new();
        let base = json!([{"@type": "Property", "name": "mass", "schema": "double"}]);
        let contents = json!([
            {"@type": "Relationship", "name": "orbits"},
            {"@type": "Component", "name": "crater", "schema": "dtmi:example:Crater;1"},
        ]);
        let mut moon = interface("dtmi:example:Moon;1", &contents);
        moon["extends"] = json!("dtmi:example:Body;1");
        let crater = json!([{"@type": "Property", "name": "depth", "schema": "long"}]);
        world
            .upload(&json!([
                moon,
                interface("dtmi:example:Body;1", &base),
                interface("dtmi:example:Crater;1", &crater)
            ]))
            .await;
        let shape = Shape::of("dtmi:example:Moon;1", &|id| world.model(id)).unwrap();
        assert_eq!(shape.get("mass"), Some(&Place::Property(Schema::Double)));
        assert_eq!(shape.get("orbits"), Some(&Place::Other("Relationship")));
        let (name, inner) = shape.components().next().unwrap();
        assert_eq!((name, inner.get("depth")), ("crater", Some(&Place::Property(Schema::Long))));
        assert_eq!(Shape::of("dtmi:example:Sun;1", &|id| world.model(id)), None);
        let without_base = |id: &str| world.model(id).filter(|_| id != "dtmi:example:Body;1");
        assert_eq!(Shape::of("dtmi:example:Moon;1", &without_base), None);
        let without_crater = |id: &str| world.model(id).filter(|_| id != "dtmi:example:Crater;1");
        assert_eq!(Shape::of("dtmi:example:Moon;1", &without_crater), None);
    }

    #[tokio::test]
    async fn interfaces_that_extend_each_other_do_not_trap_the_walk() {
        let world = World::new();
        let mut a = interface("dtmi:example:A;1", &json!([]));
        a["extends"] = json!("dtmi:example:B;1");
        let mut b = interface("dtmi:example:B;1", &json!([]));
        b["extends"] = json!("dtmi:example:A;1");
        world.upload(&json!([a, b])).await;
        assert_eq!(Shape::of("dtmi:example:A;1", &|id| world.model(id)), Some(Shape::default()));
    }
}
