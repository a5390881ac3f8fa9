//! What changes of identities and twins mean to others: sessions hear of desired properties, routes of twins and
//! lifecycles.
//!
//! Noted by the registry inside the change, in the order of changes, and told once the change is durable, in that order:
//! a device that merges the patches it is sent comes to what the twin is.

use std::collections::VecDeque;
use std::sync::Arc;

use iolite_messaging::{DesiredChange, ToDevice};
use parking_lot::Mutex;
use serde_json::Value;

use crate::twins::section::Section;
use crate::twins::unset::{Nulls, Unset};
use crate::{Hub, Twin};

/// Something that happened to an identity.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// The identity's key.
    pub(crate) key: Arc<str>,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// It was made, with this twin.
    Created(Arc<Twin>),
    /// It was deleted; its twin was this.
    Deleted(Arc<Twin>),
    /// A part of its twin changed, and a client unset this.
    Updated { before: Arc<Twin>, after: Arc<Twin>, unset: Unset },
    /// Its tags and desired properties were replaced as a whole.
    Replaced { before: Arc<Twin>, after: Arc<Twin> },
}

/// News on their way.
#[derive(Default)]
pub(crate) struct Newsroom {
    waiting: Mutex<VecDeque<(u64, News)>>,
    /// Held by the one who tells, so that nobody overtakes.
    telling: Mutex<()>,
}

impl Newsroom {
    /// Notes what the change `revision` means; called inside the change, so in the order of changes.
    pub(crate) fn note(&self, revision: u64, news: Vec<News>) {
        let mut waiting = self.waiting.lock();
        // A change that is run again, after it could not be made, says it all once more.
        while waiting.back().is_some_and(|(noted, _)| *noted >= revision) {
            waiting.pop_back();
        }
        waiting.extend(news.into_iter().map(|news| (revision, news)));
    }

    /// Takes the first news of a change up to `revision`.
    fn next(&self, revision: u64) -> Option<News> {
        let mut waiting = self.waiting.lock();
        if waiting.front().is_none_or(|(noted, _)| *noted > revision) {
            return None;
        }
        waiting.pop_front().map(|(_, news)| news)
    }
}

impl Hub {
    /// Tells what happened up to `revision`, which is durable.
    pub(crate) fn tell_news(&self, revision: u64) {
        let telling = self.newsroom.telling.lock();
        while let Some(news) = self.newsroom.next(revision) {
            match &news.what {
                What::Updated { before, after, unset } => self.tell_desired(&news.key, before, after, &unset.desired),
                What::Replaced { before, after } => self.tell_desired(&news.key, before, after, &Nulls::default()),
                What::Created(_) | What::Deleted(_) => {}
            }
            self.tell_routes(&news);
        }
        drop(telling);
    }

    /// Tells a session that listens what changed in its desired properties.
    fn tell_desired(&self, key: &str, before: &Twin, after: &Twin, unset: &Nulls) {
        let Some(line) = self.sessions.roster.find(key).filter(|line| line.wants_desired()) else { return };
        if before.desired == after.desired {
            return;
        }
        let (before, after) = (Section::read(&before.desired), Section::read(&after.desired));
        if before.version == after.version {
            return;
        }
        let patch = Value::Object(after.patch_since(&before, unset)).to_string();
        let change = DesiredChange { version: after.version, patch: patch.into() };
        let told = line.tell(ToDevice::Desired(Box::new(change)));
        self.close_if_full(&line, told);
    }
}
