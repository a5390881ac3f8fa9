//! A session as its connection holds it: what a signed-in device or module may do.
//!
//! Made by [`Hub::connect`](crate::Hub::connect), driven by a wire crate. Dropping it ends the connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use iolite_access::Permit;
use iolite_identity::{Caller, Credential};
use iolite_kernel::{ServiceError, Timestamp};
use iolite_messaging::{
    CloseReason, DeviceBound, DeviceSession, Doing, Features, KeptSession, Message, Receipt, Settlement, SignInError,
};

use crate::sessions::presence::Kept;
use crate::sessions::{Connection, Line, Reply, Told};
use crate::telemetry::{Source, faults};
use crate::throttles::Meter;
use crate::{Hub, errors, ids};

/// A session.
pub(crate) struct Session {
    hub: Arc<Hub>,
    line: Arc<Line>,
    source: Source,
}

impl Session {
    /// The session of the device or module that holds `permit`.
    pub(crate) fn open(hub: &Arc<Hub>, permit: &Permit, connection: &Connection) -> Result<Self, ServiceError> {
        let Caller::Device(caller) = permit.caller() else {
            let message = "Only a device or module has a session.";
            return Err(ServiceError::new(&errors::OPERATION_NOT_ALLOWED_IN_CURRENT_STATE, message));
        };
        let source = Source::of(hub, permit.resource_key().into_owned(), caller)?;
        let key = ids::identity_key(source.hub(), &caller.device_id, caller.module_id.as_deref());
        let line = Line::new(
            key.into(),
            hub.sessions.last.fetch_add(1, Ordering::Relaxed) + 1,
            connection.exclusive,
            connection.grounds.clone(),
            connection.expires_at,
        );
        line.touch(hub.ground.now());
        Ok(Self { hub: hub.clone(), line: Arc::new(line), source })
    }

    /// Its connection.
    pub(crate) const fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Refuses what comes after the end.
    fn check_open(&self) -> Result<(), ServiceError> {
        if self.line.has_ended() { Err(ended()) } else { Ok(()) }
    }
}

fn ended() -> ServiceError {
    ServiceError::new(&errors::DEVICE_CONNECTION_CLOSED_REMOTELY, "The connection has been ended by the hub.")
}

impl DeviceSession for Session {
    fn send_event(&self, message: Message) -> Result<Receipt, ServiceError> {
        self.check_open()?;
        let now = self.hub.ground.now();
        self.line.touch(now);
        if let Some(code) = self.line.refusal(now) {
            return Err(ServiceError::new(code, "The device asked for this fault."));
        }
        if let Some(fault) = faults::asked_for(&message) {
            return self.hub.inject(&self.line, fault);
        }
        self.source.send(&self.hub, message, now)
    }

    fn send_will(&self, message: Message) -> Result<Receipt, ServiceError> {
        if self.line.was_withdrawn() {
            return Err(ended());
        }
        let now = self.hub.ground.now();
        if let Some(code) = self.line.refusal(now) {
            return Err(ServiceError::new(code, "The device asked for this fault."));
        }
        self.source.send(&self.hub, message, now)
    }

    fn listen(&self, features: Features) {
        self.line.listen(features);
        if features.methods {
            self.hub.sessions.listening.notify_waiters();
        }
        if features.device_bound && self.hub.waiting(&self.line.key) > 0 {
            self.hub.ring(&self.line);
        }
    }

    fn twin(&self) -> Doing<'_, Result<Bytes, ServiceError>> {
        Box::pin(async {
            self.check_open()?;
            self.line.touch(self.hub.ground.now());
            self.hub.meter(self.source.hub(), Meter::TwinRead, 1.0)?;
            self.hub.twin_of_device(&self.line.key)
        })
    }

    fn report(&self, patch: Bytes) -> Doing<'_, Result<u64, ServiceError>> {
        Box::pin(async move {
            self.check_open()?;
            self.line.touch(self.hub.ground.now());
            self.hub.meter(self.source.hub(), Meter::TwinUpdate, 1.0)?;
            self.hub.report(&self.line.key, &patch).await
        })
    }

    fn answer_method(&self, request_id: &str, status: i32, payload: Bytes) {
        self.line.touch(self.hub.ground.now());
        self.line.answer(request_id, Reply { status, payload });
    }

    fn receive(&self) -> Doing<'_, Result<Option<DeviceBound>, ServiceError>> {
        Box::pin(async {
            self.check_open()?;
            self.line.looked();
            self.hub.receive(&self.line.key, Some(&self.line)).await
        })
    }

    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>> {
        let lock_token = lock_token.to_owned();
        Box::pin(async move {
            self.line.touch(self.hub.ground.now());
            self.hub.settle(&self.line.key, &lock_token, settlement).await
        })
    }

    fn renew(&self, credential: Credential) -> Doing<'_, Result<Option<Timestamp>, SignInError>> {
        Box::pin(async move {
            let renewal = self.line.grounds().renewed(credential).await?;
            self.line.stand_on(renewal.grounds, renewal.expires_at);
            match renewal.expires_at {
                Some(at) if !self.line.has_ended() => self.hub.sessions.expiries.set(&self.line, at),
                _ => self.hub.sessions.expiries.clear(&self.line),
            }
            Ok(renewal.expires_at)
        })
    }

    fn kept(&self) -> Option<KeptSession> {
        let kept = self.hub.presences.get(&self.line.key)?.kept?;
        Some(KeptSession { subscriptions: kept.subscriptions })
    }

    fn keep(&self, session: Option<KeptSession>) {
        let kept = session.map(|session| Kept { subscriptions: session.subscriptions });
        self.hub.write_presence(&self.line.key, |record| record.kept = kept);
    }

    fn close(&self, _clean: bool) {
        self.hub.end(&self.line, None);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.hub.end(&self.line, None);
    }
}

impl Hub {
    /// Tells a session that messages wait; one that does not read is closed.
    pub(crate) fn ring(&self, line: &Arc<Line>) {
        self.close_if_full(line, line.ring());
    }

    /// Closes a session that did not take what it was told.
    pub(crate) fn close_if_full(&self, line: &Arc<Line>, told: Told) {
        if told == Told::Full {
            self.end(line, Some(CloseReason::TooSlow));
        }
    }
}
