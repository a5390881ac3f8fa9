//! Which events of a partition wait, by their numbers in the endpoint's outbox.

use std::collections::BTreeSet;

use crate::outbox::Progress;

/// The blobs of a partition that are not written, each by the number of its first event.
#[derive(Debug, Default)]
pub(super) struct Track {
    waiting: BTreeSet<u64>,
    /// The number after the newest event.
    next: u64,
}

impl Track {
    /// The event of this number was put into the blob that begins with `first`.
    pub(super) fn note(&mut self, first: u64, number: u64) {
        self.waiting.insert(first);
        self.next = self.next.max(number + 1);
    }

    /// The blob that begins with `first` is written or given up; how far the partition is done now.
    pub(super) fn settle(&mut self, first: u64) -> Progress {
        self.waiting.remove(&first);
        Progress::at(self.waiting.first().copied().unwrap_or(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_done_up_to_its_oldest_blob_that_waits() {
        let mut track = Track::default();
        for (first, number) in [(3, 3), (3, 4), (5, 5), (6, 6), (6, 7)] {
            track.note(first, number);
        }
        assert_eq!(track.settle(5).next, 3, "a later blob is done, the first is not");
        assert_eq!(track.settle(3).next, 6);
        assert_eq!(track.settle(6).next, 8);
    }
}
