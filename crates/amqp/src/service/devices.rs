//! Devices and modules on a connection: the first link signs in, all links share the session, the last one leaves it.

use std::sync::Arc;

use iolite_identity::Credential;
use iolite_messaging::{
    Audience, CloseReason, DeviceClaim, DeviceSession, Features, SignInError, SignedIn, ToDevice, ToDeviceReceiver,
};

use super::address::Endpoint;
use super::device_bound::DeviceBoundState;
use super::jobs::Lease;
use super::link::{Backlog, Kind, Link};
use super::{Conversation, refusal};
use crate::codec::{AmqpError, Attach, Role, condition};
use crate::engine::{Acceptance, LinkId};

/// Credit for telemetry, and the largest message: the hub itself refuses above 256 KiB, by name.
const TELEMETRY_WINDOW: u32 = 500;
const MAXIMUM_MESSAGE_BYTES: usize = 320 * 1024;
/// Credit for requests on a twin and answers of methods.
const REQUEST_WINDOW: u32 = 50;

/// A device or module of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DeviceKey {
    pub(super) host: String,
    pub(super) device_id: String,
    pub(super) module_id: Option<String>,
}

/// A device or module that has links here.
pub(super) struct Device {
    state: State,
    links: Vec<(LinkId, Endpoint, Role)>,
    /// The link on which changes of desired properties were asked for.
    pub(super) desired_on: Option<LinkId>,
    features: Features,
    generation: u64,
}

enum State {
    /// The door is asked.
    SigningIn { _asked: Lease },
    /// Signed in.
    In { session: Arc<dyn DeviceSession>, _news: Lease },
}

impl Device {
    /// The session, once there is one.
    pub(super) fn session(&self) -> Option<Arc<dyn DeviceSession>> {
        match &self.state {
            State::SigningIn { .. } => None,
            State::In { session, .. } => Some(session.clone()),
        }
    }

    /// Ends the session.
    pub(super) fn end(self, clean: bool) {
        if let State::In { session, .. } = self.state {
            session.close(clean);
        }
    }
}

impl DeviceKey {
    fn path(&self) -> Vec<&str> {
        let mut path = vec!["devices", self.device_id.as_str()];
        if let Some(module) = &self.module_id {
            path.extend(["modules", module.as_str()]);
        }
        path
    }
}

impl Conversation {
    pub(super) fn attach_device(
        &mut self,
        id: LinkId,
        attach: &Attach,
        device_id: String,
        module_id: Option<String>,
        endpoint: Endpoint,
    ) {
        let wrong_way = match endpoint {
            Endpoint::Telemetry => attach.role == Role::Receiver,
            Endpoint::DeviceBound => attach.role == Role::Sender,
            Endpoint::Twin | Endpoint::Methods => false,
        };
        if wrong_way {
            return self.refuse(id, condition::NOT_ALLOWED, "The address goes the other way.");
        }
        let mut key = DeviceKey { host: self.arrival.host.clone(), device_id, module_id };
        let Some(credential) = self.credential_of(&mut key) else {
            return self.refuse(id, condition::UNAUTHORIZED_ACCESS, "No token was put on $cbs for the address.");
        };
        if let Some(device) = self.devices.get_mut(&key) {
            device.links.push((id, endpoint, attach.role));
            if device.session().is_some() {
                self.let_device_in(&key, id, endpoint, attach.role);
            }
            return;
        }
        let claim = DeviceClaim {
            host: key.host.clone(),
            device_id: key.device_id.clone(),
            module_id: key.module_id.clone(),
            credential,
            api_version: attach.property("com.microsoft:api-version").unwrap_or_default().to_owned(),
            model_id: attach.property("com.microsoft:model-id").map(str::to_owned),
            client_type: attach.property("com.microsoft:client-version").unwrap_or_default().to_owned(),
            exclusive: true,
        };
        self.sign_in(key, claim, (id, endpoint, attach.role));
    }

    /// What speaks for a device: the token that covers it, which also names the hub, or the certificate.
    fn credential_of(&self, key: &mut DeviceKey) -> Option<Credential> {
        let now = self.surroundings.ground.now();
        if let Some(token) = self.tokens.covering(&key.path(), now) {
            let (credential, host) = (token.credential.clone(), token.audience.host.clone());
            if matches!(credential, Credential::SharedAccessSignature(_)) && !host.is_empty() {
                key.host = host;
            }
            return Some(credential);
        }
        self.arrival.certificate.is_some().then_some(Credential::None)
    }

    fn sign_in(&mut self, key: DeviceKey, claim: DeviceClaim, link: (LinkId, Endpoint, Role)) {
        self.generation += 1;
        let generation = self.generation;
        let (door, arrival, whose) = (self.surroundings.devices.clone(), self.arrival.clone(), key.clone());
        let asked = self.jobs.lease(async move {
            let answer = door.sign_in(arrival, claim).await;
            move |conversation: &mut Self| conversation.on_signed_in(&whose, generation, answer)
        });
        let device = Device {
            state: State::SigningIn { _asked: asked },
            links: vec![link],
            desired_on: None,
            features: Features::default(),
            generation,
        };
        self.devices.insert(key, device);
    }

    fn on_signed_in(&mut self, key: &DeviceKey, generation: u64, answer: Result<SignedIn, SignInError>) {
        let Some(device) = self.devices.get_mut(key).filter(|device| device.generation == generation) else {
            // Its links left meanwhile; dropping the session disconnects it.
            return;
        };
        match answer {
            Err(error) => {
                let error = refusal::of_sign_in(&error, &self.surroundings.ground);
                let links = std::mem::take(&mut device.links);
                self.devices.remove(key);
                for (id, ..) in links {
                    self.turn_away(id, error.clone());
                }
            }
            Ok(SignedIn { session, inbox, .. }) => {
                let links = device.links.clone();
                let news = self.hear(key.clone(), generation, inbox);
                if let Some(device) = self.devices.get_mut(key) {
                    device.state = State::In { session: Arc::from(session), _news: news };
                }
                self.engine.trust();
                for (id, endpoint, role) in links {
                    self.let_device_in(key, id, endpoint, role);
                }
            }
        }
    }

    fn let_device_in(&mut self, key: &DeviceKey, id: LinkId, endpoint: Endpoint, role: Role) {
        let (kind, window) = match (endpoint, role) {
            (Endpoint::Telemetry, _) => (Kind::Telemetry(key.clone()), TELEMETRY_WINDOW),
            (Endpoint::DeviceBound, _) => (Kind::DeviceBound(Box::new(DeviceBoundState::of(key.clone()))), 0),
            (Endpoint::Twin, Role::Sender) => (Kind::TwinRequests(Box::new(Backlog::of(key.clone()))), REQUEST_WINDOW),
            (Endpoint::Twin, Role::Receiver) => (Kind::TwinAnswers(key.clone()), 0),
            (Endpoint::Methods, Role::Sender) => (Kind::MethodAnswers(key.clone()), REQUEST_WINDOW),
            (Endpoint::Methods, Role::Receiver) => (Kind::MethodCalls(key.clone()), 0),
        };
        let settled = endpoint != Endpoint::DeviceBound;
        let max_message_size = if window > 0 { MAXIMUM_MESSAGE_BYTES } else { 0 };
        self.let_in(id, kind, Acceptance { window, max_message_size, settled, ..Acceptance::default() });
        self.listen(key);
    }

    /// Tells the session what the links that are there want to hear, where that changed.
    pub(super) fn listen(&mut self, key: &DeviceKey) {
        let Some(device) = self.devices.get_mut(key) else { return };
        let receives =
            |wanted| device.links.iter().any(|(_, endpoint, role)| *endpoint == wanted && *role == Role::Receiver);
        let features = Features {
            methods: receives(Endpoint::Methods),
            desired: device.desired_on.is_some(),
            device_bound: receives(Endpoint::DeviceBound),
        };
        if features != device.features {
            device.features = features;
            if let Some(session) = device.session() {
                session.listen(features);
            }
        }
    }

    fn hear(&mut self, key: DeviceKey, generation: u64, mut inbox: ToDeviceReceiver) -> Lease {
        self.jobs.lease(async move {
            let news = inbox.recv().await;
            move |conversation: &mut Self| conversation.on_news(&key, generation, inbox, news)
        })
    }

    fn on_news(&mut self, key: &DeviceKey, generation: u64, inbox: ToDeviceReceiver, news: Option<ToDevice>) {
        if self.devices.get(key).is_none_or(|device| device.generation != generation) {
            return;
        }
        match news {
            None => return self.expel(key, CloseReason::Revoked),
            Some(ToDevice::Close(reason)) => return self.expel(key, reason),
            Some(ToDevice::Method(call)) => self.call_method(key, &call),
            Some(ToDevice::Desired(change)) => self.tell_desired(key, &change),
            Some(ToDevice::DeviceBound) => self.tell_device_bound(key),
        }
        let news = self.hear(key.clone(), generation, inbox);
        if let Some(Device { state: State::In { _news: lease, .. }, .. }) = self.devices.get_mut(key) {
            *lease = news;
        }
    }

    /// The hub ended a session: its links end with it, or the AMQP session, or the whole connection does.
    fn expel(&mut self, key: &DeviceKey, reason: CloseReason) {
        let error = refusal::of_close(reason, &self.surroundings.ground);
        match reason {
            CloseReason::InjectedFault | CloseReason::Shutdown => self.engine.close(Some(error)),
            CloseReason::InjectedCut => self.engine.cut(),
            CloseReason::InjectedSessionFault => {
                let links = self.devices.get(key).into_iter().flat_map(|device| &device.links);
                let links: Vec<LinkId> = links.map(|(id, ..)| *id).collect();
                for id in links {
                    self.engine.end_session_of(id, error.clone());
                }
            }
            _ => self.expel_with(key, &error),
        }
    }

    fn expel_with(&mut self, key: &DeviceKey, error: &AmqpError) {
        let Some(device) = self.devices.remove(key) else { return };
        for (id, ..) in &device.links {
            self.engine.detach(*id, Some(error.clone()));
        }
        device.end(false);
    }

    /// A link is gone; with the last of a device's, its session.
    pub(super) fn leave_device(&mut self, id: LinkId, link: Link) {
        let asked = || self.devices.iter().find(|(_, device)| device.has(id)).map(|(key, _)| key.clone());
        let key = match &link.kind {
            Kind::Waiting => asked(),
            kind => kind.device().cloned(),
        };
        let Some(key) = key else { return };
        if let Kind::DeviceBound(state) = link.kind {
            self.give_back(&key, *state);
        }
        let Some(device) = self.devices.get_mut(&key) else { return };
        if !device.has(id) {
            return;
        }
        device.links.retain(|(known, ..)| *known != id);
        if device.desired_on == Some(id) {
            device.desired_on = None;
        }
        if device.links.is_empty() {
            let clean = !self.engine.is_forced();
            if let Some(device) = self.devices.remove(&key) {
                device.end(clean);
            }
        } else {
            self.listen(&key);
        }
    }

    /// Shows a newer token to the sessions that it covers.
    pub(super) fn renew_devices(&mut self, audience: &Audience, credential: &Credential) {
        let covered: Vec<(DeviceKey, u64, Arc<dyn DeviceSession>)> = self
            .devices
            .iter()
            .filter(|(key, _)| key.host == audience.host && audience.covers(&key.path()))
            .filter_map(|(key, device)| Some((key.clone(), device.generation, device.session()?)))
            .collect();
        for (key, generation, session) in covered {
            let credential = credential.clone();
            self.jobs.begin(async move {
                let renewed = session.renew(credential).await.err();
                move |conversation: &mut Self| conversation.on_renewed(&key, generation, renewed)
            });
        }
    }

    fn on_renewed(&mut self, key: &DeviceKey, generation: u64, refused: Option<SignInError>) {
        let Some(error) = refused else { return };
        if self.devices.get(key).is_some_and(|device| device.generation == generation) {
            let error = refusal::of_sign_in(&error, &self.surroundings.ground);
            self.expel_with(key, &error);
        }
    }

    /// The session of a device that is signed in.
    pub(super) fn session_of(&self, key: &DeviceKey) -> Option<Arc<dyn DeviceSession>> {
        self.devices.get(key)?.session()
    }

    /// The links of a device that lead to `wanted` and on which we send.
    pub(super) fn receivers_of(&self, key: &DeviceKey, wanted: Endpoint) -> Vec<LinkId> {
        let links = self.devices.get(key).map(|device| device.links.as_slice()).unwrap_or_default();
        links
            .iter()
            .filter(|(_, endpoint, role)| *endpoint == wanted && *role == Role::Receiver)
            .map(|(id, ..)| *id)
            .collect()
    }
}

impl Device {
    fn has(&self, id: LinkId) -> bool {
        self.links.iter().any(|(known, ..)| *known == id)
    }
}
