//! Requests and answers over a pair of links, as `$cbs` and `$management` do them: a status in the application properties,
//! and the request's message id as correlation id, of the same type.

use super::Conversation;
use super::link::Kind;
use crate::codec::{Body, Outcome, Properties, Value, WireMessage};
use crate::engine::{LinkId, Ticket};

/// Where the answer to a request goes, and what it echoes.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    ticket: Ticket,
    message_id: Value,
    reply_to: Option<Box<str>>,
}

impl Asked {
    pub(super) fn by(ticket: Ticket, message: &WireMessage) -> Self {
        let properties = message.properties.as_ref();
        let message_id = properties.map_or(Value::Null, |properties| properties.message_id.clone());
        Self { ticket, message_id, reply_to: properties.and_then(|properties| properties.reply_to.clone()) }
    }
}

impl Asked {
    /// The link it came on.
    pub(super) const fn on(&self) -> LinkId {
        self.ticket.link
    }
}

impl Conversation {
    /// Answers a request, and only then takes another one in its place. Clients compare the status with the `int` 200.
    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        (status, description): (i32, &str),
        condition: Option<&str>,
        body: Body,
        wanted: fn(&Kind) -> bool,
    ) {
        self.engine.settle(asked.ticket, Outcome::Accepted);
        let Some(link) = self.answering(asked.on(), asked.reply_to.as_deref(), wanted) else { return };
        let mut answer = WireMessage {
            properties: Some(Properties { correlation_id: asked.message_id.clone(), ..Properties::default() }),
            body,
            ..WireMessage::default()
        };
        let properties = &mut answer.application_properties;
        properties.put("status-code", Value::Int(status));
        properties.put("status-description", Value::string(description));
        if matches!(self.links.get(&link).map(|link| &link.kind), Some(Kind::ManagementAnswers)) {
            // Python's client reads these names, the JavaScript one either.
            properties.put("statusCode", Value::Int(status));
            properties.put("statusDescription", Value::string(description));
        }
        if let Some(condition) = condition {
            properties.put("error-condition", Value::symbol(condition));
        }
        self.post(link, &answer);
    }
}
