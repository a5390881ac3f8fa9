//! CONNECT: who says so, and what session it wants. Whether it is let in is the door's to say.
//!
//! Return codes: 1 for other levels of the protocol, 2 for a client id that is not the user name's, 4 for a user name that
//! is none, 5 for a credential that does not do (the hub's answer to failed authentication), 3 where the hub cannot answer.

use std::time::Duration;

use iolite_identity::Credential;
use iolite_kernel::Secret;
use iolite_messaging::{DeviceClaim, Message, SignInError, SystemName};

use super::{Session, Subscriptions, Violation, Window, event};
use crate::Limits;
use crate::codec::{Connect, Packet, Will};
use crate::topic::{Branch, Inbound};
use crate::user_name::{HubUser, UserName};

/// A CONNECT that may be taken to the door.
#[derive(Debug)]
pub(crate) struct Opening {
    /// What the door judges.
    pub(crate) claim: DeviceClaim,
    /// The session that begins if it opens.
    pub(crate) session: Session,
    /// Clean session 1: what an earlier connection left is forgotten.
    pub(crate) clean: bool,
}

/// Why a first packet does not get as far as the door.
#[derive(Debug)]
pub(crate) enum TurnedAway {
    /// Answered with a return code, for this reason.
    Refused(u8, String),
    /// Not answered at all.
    Broken(Violation),
}

impl Opening {
    /// Reads a client's first packet.
    pub(crate) fn read(packet: Packet<'_>, limits: &Limits) -> Result<Self, TurnedAway> {
        match packet {
            Packet::Connect(connect) => Self::of(&connect, limits),
            // MQTT-3.1.2-2. The hub's MQTT 5 preview is not offered; its clients read this code as well.
            Packet::OtherProtocol => Err(refused(1, "only MQTT 3.1.1 is spoken here")),
            _ => Err(TurnedAway::Broken(Violation::NotConnect)),
        }
    }

    fn of(connect: &Connect<'_>, limits: &Limits) -> Result<Self, TurnedAway> {
        let user = hub_user(connect)?;
        let branch = Branch::new(&user.device_id, user.module_id.as_deref());
        let will = connect.will.map(|will| last_will(&will, &branch)).transpose()?;
        let session = Session {
            branch,
            subscriptions: Subscriptions::default(),
            window: Window::new(limits.device_bound),
            will: will.map(Box::new),
            silence: silence(connect.keep_alive, limits.silence),
            lasting: !connect.clean,
        };
        let claim = DeviceClaim {
            host: user.host,
            device_id: user.device_id,
            module_id: user.module_id,
            credential: credential(connect.password),
            api_version: user.api_version,
            model_id: user.model_id,
            client_type: user.client_type,
            exclusive: true,
        };
        Ok(Self { claim, session, clean: connect.clean })
    }
}

fn hub_user(connect: &Connect<'_>) -> Result<HubUser, TurnedAway> {
    if connect.client_id.is_empty() {
        // MQTT-3.1.3-8; a hub gives no identifiers to clean sessions either.
        return Err(refused(2, "the client id is empty"));
    }
    let user = match connect.user_name.and_then(UserName::read) {
        Some(UserName::Hub(user)) => user,
        Some(UserName::Provisioning { id_scope, registration_id }) => {
            let why = format!(
                "registration {registration_id:?} with provisioning service {id_scope:?}: device provisioning over MQTT is \
                 not supported yet; register over HTTPS"
            );
            return Err(refused(3, why));
        }
        None => return Err(refused(4, "the user name is not {host}/{device}[/{module}]/?api-version=…")),
    };
    if !user.is_client(connect.client_id) {
        return Err(refused(2, "the client id is not the device's (and module's) of the user name"));
    }
    Ok(user)
}

fn credential(password: Option<&[u8]>) -> Credential {
    match password.map(std::str::from_utf8) {
        None => Credential::None,
        Some(Ok(text)) => match Credential::from_authorization(Some(text)) {
            // A password has no scheme but the one: a bearer token is nothing that a hub's MQTT knows.
            Credential::Bearer(_) => Credential::Unknown { scheme: "Bearer".to_owned() },
            Credential::SharedAccessSignature(_) => Credential::SharedAccessSignature(Secret::new(text)),
            other => other,
        },
        Some(Err(_)) => Credential::Unknown { scheme: "bytes".to_owned() },
    }
}

/// The event that a will becomes. Its topic must be the identity's own for events.
fn last_will(will: &Will<'_>, branch: &Branch) -> Result<Message, TurnedAway> {
    if will.qos > 1 {
        return Err(TurnedAway::Broken(Violation::ExactlyOnce));
    }
    let Some(Inbound::Event { bag }) = Inbound::read(will.topic, branch) else {
        return Err(refused(5, "the will's topic is not the client's own for events"));
    };
    let mut message = event(bag, will.payload, will.retain).map_err(TurnedAway::Broken)?;
    message.set_system(SystemName::MessageType, "Will");
    Ok(message)
}

/// One and a half times the keep-alive (MQTT-3.1.2-24), and never longer than the hub waits for anyone.
fn silence(keep_alive: u16, longest: Duration) -> Duration {
    match keep_alive {
        0 => longest,
        seconds => (Duration::from_secs(u64::from(seconds)) * 3 / 2).min(longest),
    }
}

/// The return code for a door that stayed shut.
pub(crate) fn refusal_code(error: &SignInError) -> u8 {
    match error {
        SignInError::Malformed(_) => 4,
        SignInError::Unavailable(_) => 3,
        SignInError::Forbidden(error) if error.code.status == 429 => 3,
        SignInError::Unauthorized(_) | SignInError::NotFound(_) | SignInError::Forbidden(_) => 5,
    }
}

fn refused(code: u8, why: impl Into<String>) -> TurnedAway {
    TurnedAway::Refused(code, why.into())
}
