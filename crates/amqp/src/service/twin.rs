//! Twins: requests come on one link, answers and changes go on its pair.
//!
//! A request's message annotations say what is wanted: `operation` GET, PATCH, PUT or DELETE, and `resource`. The answer has
//! the same correlation id and a `status`; a change of desired properties has no correlation id.

use bytes::Bytes;
use iolite_kernel::ServiceError;
use iolite_messaging::DesiredChange;
use serde_json::json;

use super::address::Endpoint;
use super::devices::DeviceKey;
use super::link::Kind;
use super::message::read_body;
use super::{Conversation, refusal};
use crate::codec::{AmqpError, Body, Outcome, Properties, Value, WireMessage, condition};
use crate::engine::{LinkId, Ticket};

/// What a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Twin,
    Report(Bytes),
    Subscribe(bool),
}

/// What is answered.
struct Answer {
    status: i32,
    version: Option<u64>,
    body: Bytes,
}

impl Answer {
    const fn of(status: i32, body: Bytes) -> Self {
        Self { status, version: None, body }
    }
}

impl Conversation {
    pub(super) fn on_twin_request(&mut self, ticket: Ticket, payload: Bytes) {
        let message = match WireMessage::read(payload) {
            Ok(message) => message,
            Err(error) => return self.reject(ticket, AmqpError::new(condition::DECODE_ERROR, error.0)),
        };
        if let Some(Kind::TwinRequests(backlog)) = self.links.get_mut(&ticket.link).map(|link| &mut link.kind) {
            backlog.waiting.push_back((ticket, message));
        }
        self.next_twin_request(ticket.link);
    }

    fn next_twin_request(&mut self, id: LinkId) {
        let Some(Kind::TwinRequests(backlog)) = self.links.get_mut(&id).map(|link| &mut link.kind) else { return };
        if backlog.busy {
            return;
        }
        let Some((ticket, message)) = backlog.waiting.pop_front() else { return };
        backlog.busy = true;
        let key = backlog.of.clone();
        self.engine.settle(ticket, Outcome::Accepted);
        let correlation_id = message.properties.as_ref().map_or(Value::Null, |found| found.correlation_id.clone());
        let Some(session) = self.session_of(&key) else { return };
        let wanted = read(message);
        if let Ok(Wanted::Subscribe(on)) = &wanted {
            self.subscribe(&key, id, *on);
        }
        let ground = self.surroundings.ground.clone();
        self.jobs.begin(async move {
            let done = match wanted {
                Err(text) => Ok(Answer::of(400, failure(400_000, text, &ground))),
                Ok(Wanted::Subscribe(_)) => Ok(Answer::of(200, Bytes::new())),
                Ok(Wanted::Twin) => session.twin().await.map(|body| Answer::of(200, body)),
                Ok(Wanted::Report(patch)) => session.report(patch).await.map(|version| Answer {
                    status: 204,
                    version: Some(version),
                    body: Bytes::new(),
                }),
            };
            let answer = done.unwrap_or_else(|error| refused(&error, &ground));
            move |conversation: &mut Self| conversation.on_twin_answer(id, correlation_id, answer)
        });
    }

    fn on_twin_answer(&mut self, id: LinkId, correlation_id: Value, answer: Answer) {
        if let Some(Kind::TwinRequests(backlog)) = self.links.get_mut(&id).map(|link| &mut link.kind) {
            backlog.busy = false;
            if let Some(to) = self.twin_pair(id) {
                let mut message = WireMessage {
                    properties: Some(Properties { correlation_id, ..Properties::default() }),
                    body: Body::data(answer.body),
                    ..WireMessage::default()
                };
                message.message_annotations.annotate("status", Value::Int(answer.status));
                if let Some(version) = answer.version.and_then(|version| i64::try_from(version).ok()) {
                    message.message_annotations.annotate("version", Value::Long(version));
                }
                self.post(to, &message);
            }
        }
        self.next_twin_request(id);
    }

    /// The link of answers that is the pair of a link of requests: by correlation id, or the device's only one.
    fn twin_pair(&self, id: LinkId) -> Option<LinkId> {
        let link = self.links.get(&id)?;
        let Kind::TwinRequests(backlog) = &link.kind else { return None };
        let answers = self.receivers_of(&backlog.of, Endpoint::Twin);
        let is_pair = |other: &&LinkId| self.links.get(other).is_some_and(|other| other.pair == link.pair);
        answers.iter().find(is_pair).or_else(|| answers.first()).copied()
    }

    fn subscribe(&mut self, key: &DeviceKey, id: LinkId, on: bool) {
        let pair = self.twin_pair(id);
        if let Some(device) = self.devices.get_mut(key) {
            device.desired_on = if on { pair } else { None };
        }
        self.listen(key);
    }

    /// Desired properties changed.
    pub(super) fn tell_desired(&mut self, key: &DeviceKey, change: &DesiredChange) {
        let Some(link) = self.devices.get(key).and_then(|device| device.desired_on) else { return };
        let mut message = WireMessage { body: Body::data(change.patch.clone()), ..WireMessage::default() };
        let annotations = &mut message.message_annotations;
        annotations.annotate("resource", Value::string(DESIRED));
        annotations.annotate("version", Value::Long(i64::try_from(change.version).unwrap_or(i64::MAX)));
        self.post(link, &message);
    }
}

const REPORTED: &str = "/properties/reported";
const DESIRED: &str = "/notifications/twin/properties/desired";

fn read(message: WireMessage) -> Result<Wanted, &'static str> {
    let annotation = |name| message.message_annotations.text(name).unwrap_or_default();
    let (operation, resource) = (annotation("operation"), annotation("resource"));
    match (operation.to_ascii_uppercase().as_str(), resource) {
        ("GET", "" | "/") => Ok(Wanted::Twin),
        ("PATCH", resource) if resource.eq_ignore_ascii_case(REPORTED) => {
            read_body(message.body).map(Wanted::Report).map_err(|_| "The body is no data.")
        }
        ("PUT", resource) if resource.eq_ignore_ascii_case(DESIRED) => Ok(Wanted::Subscribe(true)),
        ("DELETE", resource) if resource.eq_ignore_ascii_case(DESIRED) => Ok(Wanted::Subscribe(false)),
        _ => Err("The operation or the resource is not known."),
    }
}

fn refused(error: &ServiceError, ground: &iolite_kernel::Ground) -> Answer {
    Answer::of(error.code.status.into(), failure(error.code.number, &error.message, ground))
}

/// The body of an answer that refuses: JSON, which the Node client parses.
fn failure(number: u32, text: &str, ground: &iolite_kernel::Ground) -> Bytes {
    let body = json!({
        "errorCode": number,
        "trackingId": refusal::tracking_id(ground),
        "message": text,
        "timestampUtc": ground.now().to_string(),
    });
    body.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(operation: &str, resource: Option<&str>) -> Result<Wanted, &'static str> {
        let mut message = WireMessage { body: Body::data("{}"), ..WireMessage::default() };
        message.message_annotations.annotate("operation", Value::string(operation));
        if let Some(resource) = resource {
            message.message_annotations.annotate("resource", Value::string(resource));
        }
        read(message)
    }

    #[test]
    fn the_annotations_say_what_is_wanted() {
        assert_eq!(request("GET", None), Ok(Wanted::Twin));
        assert_eq!(request("PATCH", Some(REPORTED)), Ok(Wanted::Report("{}".into())));
        assert_eq!(request("PUT", Some(DESIRED)), Ok(Wanted::Subscribe(true)));
        assert_eq!(request("DELETE", Some(DESIRED)), Ok(Wanted::Subscribe(false)));
        assert!(request("PATCH", Some("/properties/desired")).is_err());
        assert!(request("POST", None).is_err());
    }
}
