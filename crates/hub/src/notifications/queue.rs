//! The queues themselves: put, take under lock, settle, run out.

use std::sync::atomic::{AtomicU64, Ordering};

use iolite_kernel::{ServiceError, Timestamp};
use iolite_messaging::{Notice, Settlement};
use iolite_store::{Store, Table, Transaction};
use tokio::sync::Notify;

use super::NoticeRecord;
use super::settings::QueueSettings;
use crate::c2d::Locks;
use crate::{Hub, errors};

/// How many notices are looked at to find one that is free.
const PIECE: usize = 64;

/// One of a hub's queues of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeQueue {
    /// What became of cloud-to-device messages.
    Feedback,
    /// Uploads that devices finished.
    FileNotifications,
}

impl NoticeQueue {
    /// The media type of its notices.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Feedback => "application/vnd.microsoft.iothub.feedback.json",
            Self::FileNotifications => "application/vnd.microsoft.iothub.filenotification.json",
        }
    }

    /// The prefix of its notices at the hub keyed `hub`.
    fn prefix(self, hub: &str) -> String {
        match self {
            Self::Feedback => format!("{hub}/feedback/"),
            Self::FileNotifications => format!("{hub}/filenotifications/"),
        }
    }
}

/// The queues of every hub.
pub(crate) struct Notices {
    pub(crate) table: Table<NoticeRecord>,
    pub(super) locks: Locks,
    /// Rings when a notice came or was given back.
    pub(super) came: Notify,
    holders: AtomicU64,
}

impl Notices {
    pub(crate) fn new(store: &Store) -> Self {
        Self { table: store.table(), locks: Locks::default(), came: Notify::new(), holders: AtomicU64::new(0) }
    }

    /// Tells who waits that a notice came; after the change that [`Hub::put_notice`] is part of.
    pub(crate) fn ring(&self) {
        self.came.notify_waiters();
    }

    /// A number for one holder of locks.
    pub(super) fn next_holder(&self) -> u64 {
        self.holders.fetch_add(1, Ordering::Relaxed)
    }
}

impl Hub {
    /// Puts a notice into a queue of the hub keyed `hub`, as part of a change; [`Notices::ring`] follows the change. Notices
    /// whose time is over go meanwhile.
    pub(crate) fn put_notice(
        &self,
        transaction: &mut Transaction<'_>,
        hub: &str,
        queue: NoticeQueue,
        body: String,
        now: Timestamp,
    ) {
        let prefix = queue.prefix(hub);
        for (key, notice) in transaction.page(&self.notices.table, &prefix, None, PIECE) {
            if notice.expires_at > now {
                break;
            }
            transaction.delete(&self.notices.table, &key);
        }
        let life = self.queue_settings(hub, queue).life;
        // Several notices of one change follow each other.
        let place = transaction.count(&self.notices.table, &format!("{prefix}{:020}-", transaction.revision()));
        let notice = NoticeRecord {
            sequence_number: transaction.revision(),
            body,
            enqueued_at: now,
            expires_at: now.saturating_add(life).unwrap_or(Timestamp::MAX),
            delivery_count: 0,
        };
        let key = format!("{prefix}{:020}-{place:06}", transaction.revision());
        transaction.put(&self.notices.table, &key, notice);
    }

    /// Puts a notice into a queue of the hub keyed `hub`; done when it is kept.
    pub async fn notify(&self, hub: &str, queue: NoticeQueue, body: String) -> Result<(), ServiceError> {
        let now = self.ground.now();
        let kept = self.store.transact(|transaction| {
            self.require(transaction, hub)?;
            self.put_notice(transaction, hub, queue, body.clone(), now);
            Ok::<_, ServiceError>(())
        });
        kept.await?;
        self.notices.ring();
        Ok(())
    }

    /// Takes the first free notice under lock, if there is one.
    pub async fn take_notice(&self, hub: &str, queue: NoticeQueue) -> Result<Option<Notice>, ServiceError> {
        self.take_notice_for(hub, queue, None).await
    }

    pub(super) async fn take_notice_for(
        &self,
        hub: &str,
        queue: NoticeQueue,
        holder: Option<u64>,
    ) -> Result<Option<Notice>, ServiceError> {
        let now = self.ground.now();
        let prefix = queue.prefix(hub);
        let until = now.saturating_add(self.queue_settings(hub, queue).lock).unwrap_or(Timestamp::MAX);
        let (mut after, mut old) = (None, Vec::new());
        let found = 'found: loop {
            let piece = self.notices.table.page(&prefix, after.as_deref(), PIECE);
            for (key, notice) in &piece {
                if notice.expires_at <= now {
                    if self.notices.locks.held_until(key, now).is_none() {
                        old.push(key.clone());
                    }
                    continue;
                }
                let lock_token = self.ground.uuid().to_string();
                if !self.notices.locks.take(key, &lock_token, now, until, holder) {
                    continue;
                }
                // Settled between the look and the lock: then nothing is held.
                let Some(notice) = self.notices.table.get(key) else {
                    self.notices.locks.drop(key);
                    continue;
                };
                break 'found Some(self.notice(hub, queue, &notice, lock_token));
            }
            match piece.last() {
                Some((last, _)) if piece.len() == PIECE => after = Some(last.clone()),
                _ => break None,
            }
        };
        if !old.is_empty() {
            self.drop_notices(&old).await?;
        }
        Ok(found)
    }

    /// Settles the notice that `lock_token` holds; 412002 where the lock is gone.
    pub async fn settle_notice(
        &self,
        hub: &str,
        queue: NoticeQueue,
        lock_token: &str,
        settlement: Settlement,
    ) -> Result<(), ServiceError> {
        let key =
            self.notices.locks.release(&queue.prefix(hub), lock_token, self.ground.now()).ok_or_else(lock_lost)?;
        let most = self.queue_settings(hub, queue).most_deliveries;
        let settled = self.store.transact(|transaction| {
            let notice = transaction.get(&self.notices.table, &key).ok_or_else(lock_lost)?;
            let delivery_count = notice.delivery_count + 1;
            if settlement == Settlement::Abandon && delivery_count < most {
                let notice = NoticeRecord { delivery_count, ..NoticeRecord::clone(&notice) };
                transaction.put(&self.notices.table, &key, notice);
            } else {
                transaction.delete(&self.notices.table, &key);
            }
            Ok::<_, ServiceError>(())
        });
        settled.await?;
        if settlement == Settlement::Abandon {
            self.notices.ring();
        }
        Ok(())
    }

    fn notice(&self, hub: &str, queue: NoticeQueue, record: &NoticeRecord, lock_token: String) -> Notice {
        Notice {
            content_type: queue.content_type(),
            body: record.body.clone().into(),
            user_id: self.hubs.get(hub).map_or_else(|| hub.to_owned(), |hub| hub.id.name().to_owned()),
            sequence_number: record.sequence_number,
            enqueued_at: record.enqueued_at,
            lock_token,
            delivery_count: record.delivery_count,
        }
    }

    async fn drop_notices(&self, keys: &[std::sync::Arc<str>]) -> Result<(), ServiceError> {
        let dropped = self.store.transact(|transaction| {
            for key in keys {
                transaction.delete(&self.notices.table, key);
            }
            Ok::<_, ServiceError>(())
        });
        dropped.await
    }

    fn queue_settings(&self, hub: &str, queue: NoticeQueue) -> QueueSettings {
        QueueSettings::of(self.hubs.get(hub).as_deref(), queue)
    }
}

fn lock_lost() -> ServiceError {
    // The text is the recorded one.
    ServiceError::new(&errors::DEVICE_MESSAGE_LOCK_LOST, "PreconditionFailed")
}

#[cfg(test)]
mod tests;
