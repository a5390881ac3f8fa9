//! One receiver of notices, as a wire crate holds it.

use std::sync::Arc;

use iolite_kernel::ServiceError;
use iolite_messaging::{Doing, Notice, NoticeReceiver, Settlement};

use super::NoticeQueue;
use crate::Hub;

/// Receives the notices of one queue; what it holds is free again when it is dropped.
struct Receiver {
    hub: Arc<Hub>,
    key: String,
    queue: NoticeQueue,
    holder: u64,
}

impl Hub {
    /// A receiver of `queue` of the hub keyed `hub`; for whoever the door let in.
    #[must_use]
    pub fn notice_receiver(self: &Arc<Self>, hub: &str, queue: NoticeQueue) -> Box<dyn NoticeReceiver> {
        let holder = self.notices.next_holder();
        Box::new(Receiver { hub: self.clone(), key: hub.to_owned(), queue, holder })
    }
}

impl NoticeReceiver for Receiver {
    fn next(&self) -> Doing<'_, Result<Notice, ServiceError>> {
        Box::pin(async move {
            let notices = &self.hub.notices;
            loop {
                let mut came = std::pin::pin!(notices.came.notified());
                // What comes from here on is heard, even before it is waited for.
                came.as_mut().enable();
                if let Some(notice) = self.hub.take_notice_for(&self.key, self.queue, Some(self.holder)).await? {
                    return Ok(notice);
                }
                let (_, lock_ends) = notices.locks.expire(self.hub.ground.now());
                let lock_ended = async {
                    match lock_ends {
                        Some(at) => self.hub.ground.wait_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = &mut came => {}
                    () = lock_ended => {}
                }
            }
        })
    }

    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>> {
        let lock_token = lock_token.to_owned();
        Box::pin(async move { self.hub.settle_notice(&self.key, self.queue, &lock_token, settlement).await })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.hub.notices.locks.drop_of(self.holder) {
            self.hub.notices.ring();
        }
    }
}
