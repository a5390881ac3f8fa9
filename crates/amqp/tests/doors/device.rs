//! The device side of the hub in memory.

use std::sync::Arc;

use bytes::Bytes;
use iolite_identity::Credential;
use iolite_kernel::{ServiceError, Timestamp};
use iolite_messaging::{
    Arrival, CloseReason, DeviceBound, DeviceClaim, DeviceDoor, DeviceSession, Doing, EventOrigin, Features,
    FoundEvent, HubEvent, Message, Receipt, Settlement, SignInError, SignedIn, ToDevice,
};
use tokio::sync::mpsc;

use super::{LOCK_LOST, NOT_FOUND, TOO_LARGE, UNAUTHORIZED, World};

pub(crate) struct Door(pub(crate) Arc<World>);

fn name(claim: &DeviceClaim) -> String {
    claim.module_id.as_ref().map_or_else(|| claim.device_id.clone(), |module| format!("{}/{module}", claim.device_id))
}

impl DeviceDoor for Door {
    fn sign_in(&self, arrival: Arrival, claim: DeviceClaim) -> Doing<'_, Result<SignedIn, SignInError>> {
        let world = self.0.clone();
        Box::pin(async move {
            let expires_at = match (&claim.credential, &arrival.certificate) {
                (Credential::None, Some(_)) => None,
                (Credential::None, None) => {
                    return Err(SignInError::Unauthorized(ServiceError::new(&UNAUTHORIZED, "nothing shown")));
                }
                (credential, _) => Some(world.believe(credential)?),
            };
            if claim.device_id == "unknown" {
                return Err(SignInError::NotFound(ServiceError::new(&NOT_FOUND, "unknown")));
            }
            let (sender, inbox) = mpsc::channel(64);
            let name = name(&claim);
            let mut state = world.state.lock().unwrap();
            let device = state.devices.entry(name.clone()).or_default();
            if let Some(old) = device.session.replace(sender.clone()) {
                let _ = old.try_send(ToDevice::Close(CloseReason::TakenOver));
            }
            drop(state);
            Ok(SignedIn { session: Box::new(Session { world: world.clone(), name, own: sender }), inbox, expires_at })
        })
    }
}

struct Session {
    world: Arc<World>,
    name: String,
    own: mpsc::Sender<ToDevice>,
}

impl DeviceSession for Session {
    fn send_event(&self, message: Message) -> Result<Receipt, ServiceError> {
        if message.size() > 256 * 1024 {
            return Err(ServiceError::new(&TOO_LARGE, "The message is too large."));
        }
        if let Some(call) = message.property("call") {
            // For the examples: a device asks to be called, and sent a message.
            let (world, device, call) = (self.world.clone(), self.name.clone(), call.to_owned());
            world.send_to_device(&device, Message::of(format!("answer to {call}")));
            world.change_desired(&device, 2, r#"{"speed":3,"$version":2}"#);
            let answered = world.call(&device, &call, r#"{"now":true}"#);
            tokio::spawn(answered);
        }
        let mut state = self.world.state.lock().unwrap();
        let sequence_number = i64::try_from(state.events.len()).unwrap();
        let enqueued_at = self.world.ground.now();
        let (device_id, module_id) = match self.name.split_once('/') {
            Some((device, module)) => (device, Some(module.into())),
            None => (self.name.as_str(), None),
        };
        let origin = EventOrigin {
            device_id: device_id.into(),
            module_id,
            generation: "1".into(),
            auth_method: r#"{"scope":"device","type":"sas","issuer":"iothub"}"#.into(),
        };
        let event = HubEvent { message, source: "Telemetry".into(), origin: Some(origin) };
        state.events.push(FoundEvent { event, sequence_number, offset: sequence_number * 100, enqueued_at });
        let (slow, stuck) = (state.slow_receipts, state.stuck_receipts);
        drop(state);
        self.world.events_changed.send_modify(|turn| *turn += 1);
        if stuck {
            return Ok(Receipt::waiting(Box::pin(std::future::pending())));
        }
        if slow {
            return Ok(Receipt::waiting(Box::pin(async {
                tokio::task::yield_now().await;
                Ok(())
            })));
        }
        Ok(Receipt::settled())
    }

    fn listen(&self, features: Features) {
        let mut state = self.world.state.lock().unwrap();
        let device = state.devices.get_mut(&self.name).unwrap();
        device.features = features;
        if features.device_bound && !device.queue.is_empty() {
            let _ = self.own.try_send(ToDevice::DeviceBound);
        }
    }

    fn twin(&self) -> Doing<'_, Result<Bytes, ServiceError>> {
        let state = self.world.state.lock().unwrap();
        let device = &state.devices[&self.name];
        let mut reported = device.reported.clone();
        reported["$version"] = device.reported_version.into();
        let twin = serde_json::json!({ "desired": { "$version": 1 }, "reported": reported });
        Box::pin(async move { Ok(twin.to_string().into()) })
    }

    fn report(&self, patch: Bytes) -> Doing<'_, Result<u64, ServiceError>> {
        let world = self.world.clone();
        let name = self.name.clone();
        Box::pin(async move {
            let patch: serde_json::Value =
                serde_json::from_slice(&patch).map_err(|_| ServiceError::new(&TOO_LARGE, "no JSON"))?;
            let mut state = world.state.lock().unwrap();
            let device = state.devices.get_mut(&name).unwrap();
            for (key, value) in patch.as_object().unwrap() {
                device.reported[key] = value.clone();
            }
            device.reported_version += 1;
            Ok(device.reported_version)
        })
    }

    fn answer_method(&self, request_id: &str, status: i32, payload: Bytes) {
        if let Some(waiting) = self.world.state.lock().unwrap().calls.remove(request_id) {
            let _ = waiting.send((status, payload));
        }
    }

    fn receive(&self) -> Doing<'_, Result<Option<DeviceBound>, ServiceError>> {
        let mut state = self.world.state.lock().unwrap();
        let device = state.devices.get_mut(&self.name).unwrap();
        let found = device.queue.pop_front();
        if let Some(found) = &found {
            device.locked.insert(found.lock_token.clone(), found.clone());
        }
        Box::pin(async move { Ok(found) })
    }

    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>> {
        let mut state = self.world.state.lock().unwrap();
        let device = state.devices.get_mut(&self.name).unwrap();
        let found = device.locked.remove(lock_token);
        let done = match (found, settlement) {
            (None, _) => Err(ServiceError::new(&LOCK_LOST, "PreconditionFailed")),
            (Some(mut found), Settlement::Abandon) => {
                found.delivery_count += 1;
                device.queue.push_front(found);
                let _ = self.own.try_send(ToDevice::DeviceBound);
                Ok(())
            }
            (Some(_), _) => Ok(()),
        };
        if done.is_ok() {
            state.settled.push((lock_token.to_owned(), format!("{settlement:?}")));
        }
        Box::pin(async move { done })
    }

    fn renew(&self, credential: Credential) -> Doing<'_, Result<Option<Timestamp>, SignInError>> {
        self.world.state.lock().unwrap().renewed += 1;
        let believed = self.world.believe(&credential).map(Some);
        Box::pin(async move { believed })
    }

    fn close(&self, clean: bool) {
        let mut state = self.world.state.lock().unwrap();
        state.sessions_closed.push((self.name.clone(), clean));
        if let Some(device) = state.devices.get_mut(&self.name)
            && device.session.as_ref().is_some_and(|session| session.same_channel(&self.own))
        {
            device.session = None;
            // As at the hub, a session's locks end with it.
            device.locked.clear();
        }
    }
}
