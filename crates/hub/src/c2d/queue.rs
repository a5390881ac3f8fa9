//! The queues: messages come in, are taken under lock, settled, given back, purged, and run out.

use std::sync::Arc;

use iolite_kernel::{ServiceError, SignedDuration, Timestamp};
use iolite_messaging::{DeviceBound, Message, Settlement, SystemName};
use percent_encoding::percent_decode_str;

use crate::c2d::bound::{self, Ack, Bound, queue_of};
use crate::c2d::outcome::Outcome;
use crate::c2d::{locks, settings};
use crate::sessions::Line;
use crate::throttles::Meter;
use crate::{Hub, errors, ids};

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addressee {
    pub(crate) device_id: String,
    pub(crate) module_id: Option<String>,
}

impl Addressee {
    /// Reads `/devices/{id}/messages/deviceBound` or `/devices/{id}/modules/{id}/messages/deviceBound`; ids may be
    /// percent-encoded, as the SDKs write them.
    pub(crate) fn read(to: &str) -> Result<Self, ServiceError> {
        let segments: Vec<&str> = to.trim_start_matches('/').split('/').collect();
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        let decode = |id: &str| percent_decode_str(id).decode_utf8_lossy().into_owned();
        match *segments.as_slice() {
            [a, device, b, c] if is(a, "devices") && is(b, "messages") && is(c, "devicebound") => {
                Ok(Self { device_id: decode(device), module_id: None })
            }
            [a, device, b, module, c, d]
                if is(a, "devices") && is(b, "modules") && is(c, "messages") && is(d, "devicebound") =>
            {
                Ok(Self { device_id: decode(device), module_id: Some(decode(module)) })
            }
            _ => Err(errors::invalid("The message's To is not /devices/{id}/messages/deviceBound.")),
        }
    }

    /// The address as the hub writes it.
    fn address(&self) -> String {
        match &self.module_id {
            None => format!("/devices/{}/messages/deviceBound", self.device_id),
            Some(module) => format!("/devices/{}/modules/{module}/messages/deviceBound", self.device_id),
        }
    }
}

impl Hub {
    /// How many messages wait for the identity under `key`.
    pub(crate) fn waiting(&self, key: &str) -> u32 {
        // Told at once where nothing waits for anyone: every answer that shows a device asks.
        if self.bound.count("") == 0 {
            return 0;
        }
        u32::try_from(self.bound.count(&queue_of(key))).unwrap_or(u32::MAX)
    }

    /// Puts `message` into the queue of whom its `To` names, at the hub keyed `hub`; done when it is kept.
    pub(crate) async fn send_to_device(&self, hub: &str, mut message: Message) -> Result<(), ServiceError> {
        let addressee = Addressee::read(message.system(SystemName::To).unwrap_or_default())?;
        let key = match &addressee.module_id {
            None => ids::device_key(hub, &self.device(hub, &addressee.device_id)?.id),
            Some(module) => {
                ids::module_key(hub, &addressee.device_id, &self.module(hub, &addressee.device_id, module)?.id)
            }
        };
        check_size(&message)?;
        let throttle = self.throttle(hub);
        throttle.take(Meter::CloudToDevice, 1.0, || self.ground.now())?;
        throttle.count_message(message.size(), self.ground.now())?;
        if Ack::read(message.system(SystemName::Ack)).is_none() {
            return Err(errors::invalid("The message's iothub-ack is none of none, positive, negative and full."));
        }
        let now = self.ground.now();
        let expires_at = self.expiry(hub, &message, now)?;
        message.set_system(SystemName::To, addressee.address());
        let kept = self
            .store
            .transact(|transaction| {
                if transaction.get(&self.twins, &key).is_none() {
                    return Err(errors::device_not_found(&addressee.device_id));
                }
                if transaction.count(&self.bound, &queue_of(&key)) >= settings::MOST_WAITING {
                    let message = format!("{} messages wait already; more are not taken.", settings::MOST_WAITING);
                    return Err(ServiceError::new(&errors::DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED, message));
                }
                let sequence_number = transaction.revision();
                let message = message.clone();
                let bound = Bound { sequence_number, message, enqueued_at: now, expires_at, delivery_count: 0 };
                let at = bound.key(&key);
                transaction.put(&self.bound, &at, bound);
                Ok(at)
            })
            .await?;
        self.deadlines.set(expires_at, &kept);
        self.ring_for(&key);
        Ok(())
    }

    fn expiry(&self, hub: &str, message: &Message, now: Timestamp) -> Result<Timestamp, ServiceError> {
        let latest = now.saturating_add(settings::LONGEST_LIFE).unwrap_or(Timestamp::MAX);
        let refuse = |text: &str| Err(ServiceError::new(&errors::INVALID_MESSAGE_EXPIRY_TIME, text));
        if let Some(text) = message.system(SystemName::Expiry).filter(|text| !text.is_empty()) {
            return match text.parse::<Timestamp>() {
                Ok(at) if at > latest => refuse("The message is to live for longer than two days."),
                Ok(at) if at <= now => refuse("The message has expired already."),
                Ok(at) => Ok(at),
                Err(_) => Err(errors::invalid("The message's expiry is no moment such as 2026-01-31T12:00:00Z.")),
            };
        }
        let life = self.hubs.get(hub).map_or(SignedDuration::from_hours(1), |hub| settings::default_life(&hub));
        Ok(now.saturating_add(life).unwrap_or(Timestamp::MAX))
    }

    /// Takes the next message for the identity under `key` under lock; `line` is the connection that will hold it.
    pub(crate) async fn receive(
        &self,
        key: &str,
        line: Option<&Arc<Line>>,
    ) -> Result<Option<DeviceBound>, ServiceError> {
        let now = self.ground.now();
        let until = now.saturating_add(SignedDuration::from_secs(locks::LOCK_SECONDS)).unwrap_or(Timestamp::MAX);
        let queue = queue_of(key);
        for (at, bound) in self.bound.page(&queue, None, settings::MOST_WAITING) {
            if bound.expires_at <= now {
                continue;
            }
            let lock_token = self.ground.uuid().to_string();
            if !self.locks.take(&at, &lock_token, now, until, line.map(|line| line.epoch)) {
                continue;
            }
            // Settled between the look and the lock: then nothing is held.
            if self.bound.get(&at).is_none() {
                self.locks.drop(&at);
                continue;
            }
            self.deadlines.look_at(until);
            return Ok(Some(DeviceBound {
                message: bound.message.clone(),
                lock_token,
                sequence_number: bound.sequence_number,
                enqueued_at: bound.enqueued_at,
                delivery_count: bound.delivery_count,
            }));
        }
        Ok(None)
    }

    /// Settles the message that `lock_token` holds in the queue of the identity under `key`.
    pub(crate) async fn settle(&self, key: &str, lock_token: &str, settlement: Settlement) -> Result<(), ServiceError> {
        let at = self.locks.release(&queue_of(key), lock_token, self.ground.now()).ok_or_else(lock_lost)?;
        match settlement {
            Settlement::Complete => self.finish(key, &at, Outcome::Success).await,
            Settlement::Reject => self.finish(key, &at, Outcome::Rejected).await,
            Settlement::Abandon => self.give_back(key, &at).await,
        }
    }

    /// Takes a message out of its queue for good, and tells its sender where that was asked for.
    pub(crate) async fn finish(&self, key: &str, at: &str, outcome: Outcome) -> Result<(), ServiceError> {
        let now = self.ground.now();
        let told = self
            .store
            .transact(|transaction| {
                let bound = transaction.get(&self.bound, at).ok_or_else(lock_lost)?;
                transaction.delete(&self.bound, at);
                Ok::<bool, ServiceError>(self.note_outcome(transaction, key, &bound, outcome, now))
            })
            .await?;
        if told {
            self.deadlines.look_at(now);
        }
        Ok(())
    }

    /// Puts a message back, one delivery older; one that came back too often is dead.
    async fn give_back(&self, key: &str, at: &str) -> Result<(), ServiceError> {
        let most = self.hubs.get(ids::hub_of(key)).map_or(10, |hub| settings::most_deliveries(&hub));
        let now = self.ground.now();
        let told = self
            .store
            .transact(|transaction| {
                let bound = transaction.get(&self.bound, at).ok_or_else(lock_lost)?;
                let delivery_count = bound.delivery_count + 1;
                if delivery_count >= most {
                    transaction.delete(&self.bound, at);
                    return Ok(self.note_outcome(transaction, key, &bound, Outcome::DeliveryCountExceeded, now));
                }
                transaction.put(&self.bound, at, Bound { delivery_count, ..Bound::clone(&bound) });
                Ok::<bool, ServiceError>(false)
            })
            .await?;
        if told {
            self.deadlines.look_at(now);
        }
        self.ring_for(key);
        Ok(())
    }

    /// Drops every message that waits for the identity under `key`; how many.
    pub(crate) async fn purge(&self, key: &str) -> Result<usize, ServiceError> {
        let now = self.ground.now();
        let purged = self
            .store
            .transact(|transaction| {
                let waiting = transaction.all(&self.bound, &queue_of(key));
                for (at, bound) in &waiting {
                    transaction.delete(&self.bound, at);
                    self.note_outcome(transaction, key, bound, Outcome::Purged, now);
                }
                Ok::<_, ServiceError>(waiting)
            })
            .await?;
        for (at, _) in &purged {
            self.locks.drop(at);
        }
        self.deadlines.look_at(now);
        Ok(purged.len())
    }

    /// Frees what a connection held when it ended: the next one is given it again.
    pub(crate) fn let_go(&self, line: &Line) {
        if self.locks.drop_of(line.epoch) {
            self.ring_for(&line.key);
        }
    }

    /// Tells the session of the identity under `key`, if there is one, that messages wait.
    pub(crate) fn ring_for(&self, key: &str) {
        if let Some(line) = self.sessions.roster.find(key) {
            self.ring(&line);
        }
    }

    /// Ends what has run out at `now`: messages, and locks. When to look again.
    pub(crate) async fn run_out(&self, now: Timestamp) -> Option<Timestamp> {
        for (at, expires_at) in self.deadlines.due(now) {
            let gone = self.bound.get(&at).is_none_or(|bound| bound.expires_at != expires_at);
            if gone {
                continue;
            }
            // A message under lock is its holder's until the lock ends.
            if let Some(until) = self.locks.held_until(&at, now) {
                self.deadlines.postpone(until, expires_at, &at);
            } else if let Err(error) = self.finish(bound::owner_of(&at), &at, Outcome::Expired).await {
                tracing::debug!(%error, "a message that ran out was settled meanwhile");
            }
        }
        let (free, next) = self.locks.expire(now);
        for at in &free {
            self.ring_for(bound::owner_of(at));
        }
        next
    }
}

fn check_size(message: &Message) -> Result<(), ServiceError> {
    let size = message.size();
    if size <= settings::LARGEST {
        return Ok(());
    }
    let message = format!("The message has {size} bytes; a device is sent {} at most.", settings::LARGEST);
    Err(ServiceError::new(&errors::MESSAGE_TOO_LARGE, message))
}

fn lock_lost() -> ServiceError {
    // The text is the recorded one.
    ServiceError::new(&errors::DEVICE_MESSAGE_LOCK_LOST, "PreconditionFailed")
}
