//! The facts of an entity and of its partitions.

use iolite_messaging::{EntityFacts, Management, PartitionFacts};
use iolite_store::streams::Bounds;

use crate::Hub;
use crate::service_links::EventEntity;

/// The host that clients are told to dial: every entity of this process answers on this machine.
const HOST: &str = "localhost";

struct Facts {
    entity: EventEntity,
}

impl Hub {
    /// Tells the facts of `entity` to whoever the door let in.
    #[must_use]
    pub fn event_management(&self, entity: &EventEntity) -> Box<dyn Management> {
        Box::new(Facts { entity: entity.clone() })
    }
}

impl EventEntity {
    /// Its facts.
    #[must_use]
    pub fn facts(&self) -> EntityFacts {
        EntityFacts {
            host: HOST.to_owned(),
            path: self.path.clone(),
            created_at: self.created_at,
            partitions: (0..self.stream.partitions()).map(|number| number.to_string()).collect(),
        }
    }

    /// The facts of the partition numbered `partition`.
    pub(crate) fn partition_facts(&self, partition: u32) -> Option<PartitionFacts> {
        self.stream.bounds(partition).ok().map(|bounds| facts(&bounds))
    }
}

impl Management for Facts {
    fn entity(&self) -> EntityFacts {
        self.entity.facts()
    }

    fn partition(&self, id: &str) -> Option<PartitionFacts> {
        self.entity.partition_facts(self.entity.partition(id)?)
    }
}

fn facts(bounds: &Bounds) -> PartitionFacts {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    PartitionFacts {
        first_sequence_number: signed(bounds.first_sequence),
        last_sequence_number: bounds.last_sequence().map_or(-1, signed),
        last_offset: bounds.last_offset.map_or(-1, signed),
        last_enqueued_at: bounds.last_enqueued_at,
    }
}
