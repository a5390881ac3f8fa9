//! Who watches which collections.
//!
//! Used by the store and its committer. A watcher hears of the collections that it asked for and of no other: most watch a
//! few that hardly ever change, and would otherwise be woken by every device that is made.

use parking_lot::RwLock;
use tokio::sync::broadcast;

use crate::Change;

/// How many changes a slow watcher of everything may fall behind before it is told that it lost some.
const LONG_BACKLOG: usize = 4096;
/// The same for a watcher of some collections.
const BACKLOG: usize = 1024;

/// The watchers of a store.
#[derive(Default)]
pub(crate) struct Watches(RwLock<Vec<Watch>>);

struct Watch {
    /// None: all of them.
    collections: Option<Vec<&'static str>>,
    /// Which changes of them are worth telling.
    concern: Box<dyn Fn(&Change) -> bool + Send + Sync>,
    changes: broadcast::Sender<Change>,
}

impl Watches {
    /// One watcher more, of what concerns it in `collections` or in all.
    pub(crate) fn add(
        &self,
        collections: Option<&[&'static str]>,
        concern: impl Fn(&Change) -> bool + Send + Sync + 'static,
    ) -> broadcast::Receiver<Change> {
        let backlog = if collections.is_some() { BACKLOG } else { LONG_BACKLOG };
        let (changes, receiver) = broadcast::channel(backlog);
        let mut watches = self.0.write();
        watches.retain(Watch::is_heard);
        let collections = collections.map(<[_]>::to_vec);
        watches.push(Watch { collections, concern: Box::new(concern), changes });
        receiver
    }

    /// Whether anyone watches `collection`.
    pub(crate) fn wants(&self, collection: &str) -> bool {
        self.0.read().iter().any(|watch| watch.wants(collection) && watch.is_heard())
    }

    /// Whether `change`, which the tables hold by now, concerns anyone.
    pub(crate) fn concern(&self, change: &Change) -> bool {
        self.0.read().iter().any(|watch| watch.wants(&change.collection) && (watch.concern)(change) && watch.is_heard())
    }

    /// Tells those who watch.
    pub(crate) fn tell(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let watches = self.0.read();
        for change in changes {
            for watch in watches.iter().filter(|watch| watch.wants(&change.collection)) {
                // No receiver is no error: the watcher has gone.
                drop(watch.changes.send(change.clone()));
            }
        }
    }
}

impl Watch {
    fn wants(&self, collection: &str) -> bool {
        self.collections.as_ref().is_none_or(|watched| watched.contains(&collection))
    }

    fn is_heard(&self) -> bool {
        self.changes.receiver_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(collection: &'static str) -> Change {
        Change { collection: collection.into(), key: None, revision: 1 }
    }

    #[test]
    fn a_watcher_hears_of_what_it_asked_for_and_of_nothing_else() {
        let watches = Watches::default();
        assert!(!watches.wants("a"));
        let mut some = watches.add(Some(&["a", "b"]), |_| true);
        assert!(watches.wants("a") && !watches.wants("c"));
        let mut all = watches.add(None, |_| true);
        assert!(watches.wants("c"));
        watches.tell(vec![change("c"), change("b")]);
        assert_eq!(some.try_recv().unwrap(), change("b"));
        assert!(some.try_recv().is_err());
        assert_eq!([all.try_recv().unwrap(), all.try_recv().unwrap()], [change("c"), change("b")]);
    }

    #[test]
    fn what_concerns_no_watcher_is_not_worth_telling() {
        let watches = Watches::default();
        let _some = watches.add(Some(&["a", "b"]), |change| change.revision > 7);
        assert!(!watches.concern(&change("a")) && watches.wants("a"));
        assert!(watches.concern(&Change { revision: 8, ..change("a") }));
        let _other = watches.add(Some(&["b"]), |_| true);
        assert!(watches.concern(&change("b")) && !watches.concern(&change("a")));
    }

    #[test]
    fn a_watcher_that_has_gone_is_told_nothing_and_forgotten() {
        let watches = Watches::default();
        drop(watches.add(None, |_| true));
        assert!(!watches.wants("a"));
        let _other = watches.add(Some(&["b"]), |_| true);
        assert_eq!(watches.0.read().len(), 1);
    }
}
