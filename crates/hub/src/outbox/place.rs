//! Whose outbox it is, and what its stream and its positions are called.

/// What kind of endpoint an outbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A storage container that routes lead to.
    Storage,
    /// An Event Grid subscription.
    EventGrid,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Storage, Self::EventGrid];

    /// Its part of names on the disk: the same for ever.
    const fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::EventGrid => "event-grid",
        }
    }
}

/// An endpoint of a hub, or a subscription to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The hub's key.
    pub(crate) hub: Box<str>,
    pub(crate) kind: Kind,
    /// The endpoint's or the subscription's name, in lower case: both compare without case.
    pub(crate) name: Box<str>,
}

impl Place {
    /// The endpoint or subscription `name` of the hub keyed `hub`.
    pub(crate) fn new(kind: Kind, hub: &str, name: &str) -> Self {
        Self { hub: hub.into(), kind, name: name.to_ascii_lowercase().into() }
    }

    /// The name of its stream. No name of a hub, an endpoint or a subscription has a slash.
    pub(crate) fn stream_name(&self) -> String {
        format!("outbox/{}/{}/{}", self.hub, self.kind.name(), self.name)
    }

    /// The outbox that a stream of this name is; `None` for any other stream.
    pub(crate) fn of_stream(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix("outbox/")?.splitn(3, '/');
        let (hub, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        Some(Self { hub: hub.into(), kind, name: name.into() })
    }

    /// How the keys of its positions begin.
    pub(super) fn prefix(&self) -> String {
        format!("{}/{}/{}/", self.hub, self.kind.name(), self.name)
    }

    /// The key of a partition's position.
    pub(super) fn key(&self, partition: u32) -> String {
        format!("{}{partition}", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_is_known_from_its_stream_s_name_and_other_streams_are_none() {
        for kind in Kind::ALL {
            let place = Place::new(kind, "contoso-hub", "Cold.Store_1");
            assert_eq!(Place::of_stream(&place.stream_name()), Some(place));
        }
        for other in ["hub-contoso-hub", "entity-outbox", "outbox/a/b/c", "outbox/a"] {
            assert_eq!(Place::of_stream(other), None, "{other}");
        }
    }
}
