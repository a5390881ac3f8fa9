//! The doors through which MQTT and AMQP reach the hubs: identity, then access, then the hub, as for any request.
//!
//! Every sign-in and every link is an operation that is decided and logged, so that `iolite explain` tells why a CONNACK
//! says 5 or a link was detached. What lasts is looked at again when what it was granted on changes.

mod device;
mod lasting;
mod service;
mod shown;
mod standing;

pub(crate) use device::Devices;
pub(crate) use service::Services;

use std::sync::Arc;

use iolite_access::{Access, Ask, CredentialKind, Decision, DenialCause, Permit};
use iolite_hub::Hub;
use iolite_identity::{Authentication, Identity, Presented, Reason, Visit};
use iolite_kernel::{Client, Ground, Operation, Request, ServiceError};
use iolite_messaging::{Arrival, SignInError};
use iolite_resources::{Estate, Hub as HubRecord, Resource};
use iolite_store::Versioned;
use tokio::sync::watch;

use crate::origins::Origins;

/// Everyone who has a word when somebody wants in.
pub(crate) struct Doors {
    pub(crate) ground: Ground,
    pub(crate) estate: Estate,
    pub(crate) origins: Arc<Origins>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) access: Arc<Access>,
    pub(crate) hub: Arc<Hub>,
    /// Changes when anything that a link can stand on may have changed.
    pub(crate) shaken: watch::Sender<u64>,
}

/// A request that nobody sent over HTTP.
pub(crate) struct Knock<'a> {
    arrival: &'a Arrival,
    /// The name of the hub as the client says it.
    host: &'a str,
    params: Vec<(&'static str, String)>,
    path: String,
    /// What the client says it is.
    agent: &'a str,
}

impl Doors {
    /// The hub that answers to `host`: by its own name, else whichever is at home here. A name of Azure's that no hub here
    /// has is nobody's.
    fn hub_at(&self, host: &str) -> Option<Versioned<HubRecord>> {
        let name = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let suffix = format!(".{}", self.estate.tenant.cloud.hub_suffix());
        if let Some(labels) = name.strip_suffix(&suffix) {
            // `{hub}`, or `{hub}.device` and `{hub}.service`, as newer hubs are called too.
            let label = labels.strip_suffix(".device").or_else(|| labels.strip_suffix(".service")).unwrap_or(labels);
            return self
                .estate
                .hub(label)
                .filter(|hub| hub.host_name.eq_ignore_ascii_case(&format!("{label}{suffix}")));
        }
        self.origins.hub_of(host)
    }

    /// The request that stands for a knock.
    fn request(&self, knock: Knock<'_>) -> Request {
        let mut request = Request::new(self.ground.uuid(), self.ground.now(), knock.path);
        request.params = knock.params.into_iter().map(|(name, value)| (name, value.into())).collect();
        request.origin = format!("{}://{}", scheme(knock.arrival), knock.host).into();
        request.client = client(knock.arrival, knock.agent);
        request
    }

    /// Decides, and records the decision.
    fn decide(
        &self,
        operation: &'static Operation,
        resource: &Resource,
        request: &Request,
        presented: &Presented,
        authentication: Authentication,
    ) -> Result<Permit, SignInError> {
        let credential = CredentialKind::of(presented);
        let ask = Ask { operation, resource, request, credential, authentication };
        self.access.decide(ask).map_err(|decision| refusal(&decision))
    }

    /// Authenticates and decides.
    fn admit(
        &self,
        operation: &'static Operation,
        resource: &Resource,
        request: &Request,
        presented: &Presented,
    ) -> Result<Permit, SignInError> {
        let authentication = self.identity.authenticate(presented, Visit { operation, resource, request });
        self.decide(operation, resource, request, presented, authentication)
    }
}

fn scheme(arrival: &Arrival) -> &'static str {
    use iolite_messaging::Transport;
    match arrival.transport {
        Transport::Mqtt => "mqtts",
        Transport::Amqp => "amqps",
        Transport::AmqpPlain => "amqp",
        Transport::MqttWebSocket | Transport::AmqpWebSocket => "wss",
    }
}

fn client(arrival: &Arrival, agent: &str) -> Client {
    let agent = if agent.is_empty() { &*arrival.client.agent } else { agent };
    let agent = format!("{} {agent}", arrival.transport.name());
    Client { address: arrival.client.address, agent: agent.trim_end().chars().take(256).collect::<String>().into() }
}

/// What the service says of a refusal. It tells little, as the real one does; the decision tells all.
fn refusal(decision: &Decision) -> SignInError {
    use iolite_hub::errors;
    let reason = decision.denial().and_then(|denial| match &denial.cause {
        DenialCause::NotAuthenticated(rejection) => Some(rejection.reason),
        _ => None,
    });
    let tracking = decision.id.simple().to_string();
    let told = |code, text: &str| {
        ServiceError::new(code, format!("{text} Tracking ID:{tracking}"))
            .with_header("x-ms-request-id", tracking.clone())
    };
    match reason {
        Some(Reason::UnknownDevice) => {
            SignInError::NotFound(told(&errors::DEVICE_NOT_FOUND, "The device is not registered."))
        }
        Some(Reason::UnknownModule) => {
            SignInError::NotFound(told(&errors::MODULE_NOT_FOUND, "The module is not registered."))
        }
        Some(Reason::DeviceDisabled) => {
            SignInError::Forbidden(told(&errors::DEVICE_DISABLED, "The device is disabled."))
        }
        _ => SignInError::Unauthorized(told(&errors::IOT_HUB_UNAUTHORIZED_ACCESS, "Unauthorized access.")),
    }
}

/// There is no entity of that name here.
fn refusal_of_entity(path: &str) -> SignInError {
    let shown: String = path.chars().filter(|each| !each.is_control()).take(128).collect();
    let message = format!("The messaging entity '{shown}' could not be found.");
    SignInError::NotFound(ServiceError::new(&iolite_hub::errors::GENERIC_NOT_FOUND, message))
}

/// There is no hub of that name here.
fn no_hub(host: &str) -> SignInError {
    let shown: String = host.chars().filter(|each| !each.is_control()).take(128).collect();
    let message = format!("There is no hub '{shown}' here.");
    SignInError::NotFound(ServiceError::new(&iolite_hub::errors::IOT_HUB_NOT_FOUND, message))
}
