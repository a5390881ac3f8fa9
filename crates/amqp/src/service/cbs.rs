//! `$cbs`: tokens are put, judged, kept, and shown to the sessions that lean on them.
//!
//! The form is Azure's claims-based security: operation, type and name in the application properties, the token as the
//! body's value. Node and uamqp name an Entra token's type differently; what the body begins with decides.

use bytes::Bytes;
use iolite_identity::Credential;
use iolite_messaging::{Audience, SignInError, TokenGrant};

use super::Conversation;
use super::link::Kind;
use super::refusal;
use super::request::Asked;
use super::tokens::Token;
use crate::codec::{Body, Outcome, Value, WireMessage, condition};
use crate::engine::Ticket;

/// What a token's type may be called: signatures by two names, Entra tokens by three.
const TYPES: [&str; 5] = ["servicebus.windows.net:sastoken", "azure-devices.net:sastoken", "bearer", "jwt", "amqp:jwt"];

/// A token that was put, before it is judged.
#[derive(Debug, PartialEq)]
struct Put {
    name: String,
    credential: Credential,
}

impl Conversation {
    pub(super) fn on_put_token(&mut self, ticket: Ticket, payload: Bytes) {
        let message = match WireMessage::read(payload) {
            Ok(message) => message,
            Err(error) => {
                let error = refusal::of(condition::DECODE_ERROR, error.0, &self.surroundings.ground);
                return self.engine.settle(ticket, Outcome::Rejected(Some(error)));
            }
        };
        let asked = Asked::by(ticket, &message);
        match read(message) {
            Ok(put) => self.judge(asked, put),
            Err((status, text)) => self.answer_cbs(&asked, status, text),
        }
    }

    fn judge(&mut self, asked: Asked, put: Put) {
        let (door, arrival) = (self.surroundings.services.clone(), self.arrival.clone());
        self.jobs.begin(async move {
            let judged = door.check_token(&arrival, &put.name, &put.credential).await;
            move |conversation: &mut Self| conversation.on_judged(&asked, put, judged)
        });
    }

    fn on_judged(&mut self, asked: &Asked, put: Put, judged: Result<TokenGrant, SignInError>) {
        let grant = match judged {
            Ok(grant) => grant,
            Err(error) => {
                let text = error.error().message.clone();
                return self.answer_cbs(asked, refusal::status_of(&error), &text);
            }
        };
        let audience = Audience::read(&put.name);
        let token =
            Token { audience: audience.clone(), credential: put.credential.clone(), expires_at: grant.expires_at };
        if !self.tokens.put(token) {
            return self.answer_cbs(asked, 403, "The connection has too many tokens (403005).");
        }
        self.engine.trust();
        self.renew_devices(&audience, &put.credential);
        self.answer_cbs(asked, 200, "OK");
    }

    fn answer_cbs(&mut self, asked: &Asked, status: i32, text: &str) {
        self.answer(asked, (status, text), None, Body::Value(Value::Null), |kind| matches!(kind, Kind::CbsAnswers));
    }
}

fn read(message: WireMessage) -> Result<Put, (i32, &'static str)> {
    let property = |name| message.application_properties.text(name).unwrap_or_default();
    if !property("operation").eq_ignore_ascii_case("put-token") {
        return Err((501, "Only put-token is served."));
    }
    if !TYPES.iter().any(|known| property("type").eq_ignore_ascii_case(known)) {
        return Err((401, "The type of token is not supported."));
    }
    let name = property("name").to_owned();
    if name.is_empty() {
        return Err((400, "The token's name is missing."));
    }
    let text = match &message.body {
        Body::Value(value) => value.as_text().map(str::to_owned),
        Body::Data(sections) => String::from_utf8(sections.concat()).ok(),
        Body::Empty | Body::Sequence => None,
    };
    let text = text.ok_or((400, "The body is no token."))?;
    if text.len() > iolite_identity::MAXIMUM_CREDENTIAL_BYTES {
        return Err((400, "The token is too long."));
    }
    // Some clients put the Entra token bare, and tell so by the type alone.
    let credential = match Credential::from_authorization(Some(&text)) {
        Credential::Unknown { .. } if !text.contains(' ') && !property("type").ends_with(":sastoken") => {
            Credential::Bearer(text.into())
        }
        credential => credential,
    };
    match credential {
        Credential::None | Credential::Unknown { .. } => Err((401, "The body is no token.")),
        credential => Ok(Put { name, credential }),
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Secret;

    use super::*;

    fn message(kind: &str, body: &str) -> WireMessage {
        let mut message = WireMessage { body: Body::Value(Value::string(body)), ..WireMessage::default() };
        message.application_properties.put("operation", Value::string("put-token"));
        message.application_properties.put("type", Value::string(kind));
        message.application_properties.put("name", Value::string("localhost"));
        message
    }

    #[test]
    fn the_body_decides_what_a_token_is() {
        let bearer = Credential::Bearer(Secret::new("a.b.c"));
        for (kind, body) in [
            ("servicebus.windows.net:sastoken", "Bearer a.b.c"),
            ("bearer", "Bearer a.b.c"),
            ("Bearer", "a.b.c"),
            ("jwt", "a.b.c"),
        ] {
            assert_eq!(read(message(kind, body)).unwrap().credential, bearer, "{kind} {body}");
        }
        let signature = "SharedAccessSignature sr=x&sig=y&se=1";
        let put = read(message("servicebus.windows.net:sastoken", signature)).unwrap();
        assert_eq!(put.credential, Credential::SharedAccessSignature(Secret::new(signature)));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        assert_eq!(read(message("x509", "Bearer a")), Err((401, "The type of token is not supported.")));
        assert_eq!(read(message("servicebus.windows.net:sastoken", "abc")), Err((401, "The body is no token.")));
        let long = format!("Bearer {}", "x".repeat(20_000));
        assert_eq!(read(message("jwt", &long)), Err((400, "The token is too long.")));
        let mut other = message("jwt", "a.b.c");
        other.application_properties.0[0].1 = Value::string("delete-token");
        assert_eq!(read(other), Err((501, "Only put-token is served.")));
    }
}
