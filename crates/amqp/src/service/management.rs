//! `$management`: the facts of an entity and of its partitions, as the Event Hubs clients ask for them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use iolite_messaging::SignInError;
use iolite_messaging::{Acceptance as Granted, EntityFacts, Management, PartitionFacts, ServiceAddress, ServiceLink};

use super::link::Kind;
use super::request::Asked;
use super::service_links::Purpose;
use super::{Conversation, refusal};
use crate::codec::{AmqpError, Body, Map, Value, WireMessage, condition};
use crate::engine::Ticket;

/// How many entities one link may ask about.
const MAXIMUM_ENTITIES: usize = 64;

/// What a link of questions holds: the entities that it was let ask about, by lower-case path.
#[derive(Default)]
pub(super) struct ManagementState(HashMap<String, Arc<dyn Management>>);

impl ManagementState {
    /// Keeps what was opened for `entity`; `false` where there are too many.
    pub(super) fn put(&mut self, entity: &str, management: Arc<dyn Management>) -> bool {
        let entity = entity.to_ascii_lowercase();
        let kept = self.0.len() < MAXIMUM_ENTITIES || self.0.contains_key(&entity);
        if kept {
            self.0.insert(entity, management);
        }
        kept
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    entity: String,
    /// A partition's id, or the entity itself.
    partition: Option<String>,
}

impl Conversation {
    pub(super) fn on_management_request(&mut self, ticket: Ticket, payload: Bytes) {
        let message = match WireMessage::read(payload) {
            Ok(message) => message,
            Err(error) => return self.reject(ticket, AmqpError::new(condition::DECODE_ERROR, error.0)),
        };
        let asked = Asked::by(ticket, &message);
        let question = match read(&message.application_properties) {
            Ok(question) => question,
            Err((status, condition, text)) => {
                return self.answer_management(&asked, (status, text), Some(condition), Body::Value(Value::Null));
            }
        };
        let Some(Kind::Management(state)) = self.links.get(&ticket.link).map(|link| &link.kind) else { return };
        match state.0.get(&question.entity.to_ascii_lowercase()).cloned() {
            Some(management) => self.tell(&asked, &question, &*management),
            None => self.ask_door(asked, question),
        }
    }

    /// A question about an entity that the link was not let in for: the door decides.
    fn ask_door(&mut self, asked: Asked, question: Question) {
        let address = ServiceAddress::EventsManagement { entity: Some(question.entity.clone()) };
        let purpose = Purpose { address: address.clone(), sends: false, settled: false, metric: false };
        let now = self.surroundings.ground.now();
        let Some(token) = self.tokens.covering(&purpose.path(), now) else {
            let text = "No token was put on $cbs for the entity.";
            let condition = Some(condition::UNAUTHORIZED_ACCESS);
            return self.answer_management(&asked, (401, text), condition, Body::Value(Value::Null));
        };
        let credential = token.credential.clone();
        let (door, arrival) = (self.surroundings.services.clone(), self.arrival.clone());
        self.jobs.begin(async move {
            let answer = door.open(&arrival, &credential, address).await;
            move |conversation: &mut Self| conversation.on_door_answer(&asked, &question, purpose, answer)
        });
    }

    fn on_door_answer(
        &mut self,
        asked: &Asked,
        question: &Question,
        purpose: Purpose,
        answer: Result<ServiceLink, SignInError>,
    ) {
        match answer {
            Err(error) => {
                let condition = Some(refusal::condition_of(error.error()));
                let status = (refusal::status_of(&error), error.error().message.as_str());
                self.answer_management(asked, status, condition, Body::Value(Value::Null));
            }
            Ok(ServiceLink { acceptance: Granted::Management(management), end, .. }) => {
                let management: Arc<dyn Management> = management.into();
                if let Some(Kind::Management(state)) = self.links.get_mut(&asked.on()).map(|link| &mut link.kind)
                    && state.put(&question.entity, management.clone())
                {
                    self.watch(asked.on(), purpose, end);
                }
                self.tell(asked, question, &*management);
            }
            Ok(_) => {
                let condition = Some(condition::INTERNAL_ERROR);
                self.answer_management(asked, (500, "The door opened another link."), condition, Body::Empty);
            }
        }
    }

    fn tell(&mut self, asked: &Asked, question: &Question, management: &dyn Management) {
        let entity = management.entity();
        let facts = match &question.partition {
            None => Some(entity_map(&entity)),
            Some(id) => management.partition(id).map(|facts| partition_map(&entity, id, &facts)),
        };
        let Some(map) = facts else {
            let status = (404, "The entity has no such partition.");
            return self.answer_management(asked, status, Some(condition::NOT_FOUND), Body::Value(Value::Null));
        };
        self.answer_management(asked, (200, "OK"), None, Body::Value(Value::Map(map)));
    }

    fn answer_management(&mut self, asked: &Asked, status: (i32, &str), condition: Option<&str>, body: Body) {
        self.answer(asked, status, condition, body, |kind| matches!(kind, Kind::ManagementAnswers));
    }
}

fn read(properties: &Map) -> Result<Question, (i32, &'static str, &'static str)> {
    let property = |name| properties.text(name).unwrap_or_default();
    if !property("operation").eq_ignore_ascii_case("READ") {
        return Err((501, condition::NOT_IMPLEMENTED, "Only READ is served."));
    }
    let entity = property("name").to_owned();
    let wrong = |text| (400, "com.microsoft:argument-error", text);
    if entity.is_empty() {
        return Err(wrong("The entity's name is missing."));
    }
    match property("type") {
        "com.microsoft:eventhub" => Ok(Question { entity, partition: None }),
        "com.microsoft:partition" => Ok(Question { entity, partition: Some(property("partition").to_owned()) }),
        _ => Err(wrong("The type is neither com.microsoft:eventhub nor com.microsoft:partition.")),
    }
}

fn entity_map(facts: &EntityFacts) -> Map {
    let mut map = Map::default();
    map.put("name", Value::string(facts.path.as_str()));
    map.put("type", Value::string("com.microsoft:eventhub"));
    map.put("created_at", Value::Timestamp(facts.created_at.as_millisecond()));
    map.put("partition_count", Value::Int(i32::try_from(facts.partitions.len()).unwrap_or(i32::MAX)));
    map.put("partition_ids", Value::Array(facts.partitions.iter().map(|id| Value::string(id.as_str())).collect()));
    map.put("georeplication_factor", Value::Int(1));
    map
}

fn partition_map(entity: &EntityFacts, id: &str, facts: &PartitionFacts) -> Map {
    let mut map = Map::default();
    map.put("name", Value::string(entity.path.as_str()));
    map.put("type", Value::string("com.microsoft:partition"));
    map.put("partition", Value::string(id));
    map.put("begin_sequence_number", Value::Long(facts.first_sequence_number));
    map.put("last_enqueued_sequence_number", Value::Long(facts.last_sequence_number));
    map.put("last_enqueued_offset", Value::string(facts.last_offset.to_string()));
    let last = facts.last_enqueued_at.map_or(0, iolite_kernel::Timestamp::as_millisecond);
    map.put("last_enqueued_time_utc", Value::Timestamp(last));
    map.put("is_partition_empty", Value::Boolean(facts.last_sequence_number < facts.first_sequence_number));
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_an_entity_and_perhaps_a_partition() {
        let ask = |pairs: &[(&str, &str)]| {
            let mut map = Map::default();
            for (name, value) in pairs {
                map.put(name, Value::string(*value));
            }
            read(&map)
        };
        let entity = [("operation", "READ"), ("type", "com.microsoft:eventhub"), ("name", "hub1")];
        assert_eq!(ask(&entity), Ok(Question { entity: "hub1".into(), partition: None }));
        let partition =
            [("operation", "READ"), ("type", "com.microsoft:partition"), ("name", "hub1"), ("partition", "3")];
        assert_eq!(ask(&partition), Ok(Question { entity: "hub1".into(), partition: Some("3".into()) }));
        assert_eq!(ask(&[("operation", "CREATE")]).unwrap_err().0, 501);
        assert_eq!(ask(&entity[..2]).unwrap_err().0, 400);
        assert_eq!(ask(&[("operation", "READ"), ("type", "x"), ("name", "hub1")]).unwrap_err().0, 400);
    }

    #[test]
    fn an_empty_partition_says_so() {
        let entity = EntityFacts {
            host: "localhost".into(),
            path: "hub1".into(),
            created_at: iolite_kernel::Timestamp::UNIX_EPOCH,
            partitions: vec!["0".into(), "1".into()],
        };
        let facts = PartitionFacts {
            first_sequence_number: 0,
            last_sequence_number: -1,
            last_offset: -1,
            last_enqueued_at: None,
        };
        let map = partition_map(&entity, "0", &facts);
        assert_eq!(map.get("is_partition_empty"), Some(&Value::Boolean(true)));
        assert_eq!(map.text("last_enqueued_offset"), Some("-1"));
        let map = entity_map(&entity);
        assert_eq!(map.get("partition_count"), Some(&Value::Int(2)));
        assert_eq!(map.get("partition_ids"), Some(&Value::Array(vec![Value::string("0"), Value::string("1")])));
    }
}
