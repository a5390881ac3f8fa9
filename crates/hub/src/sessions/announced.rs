//! What was told of a connection: that it came, that it went.
//!
//! Asked by the hub before it tells either. A connection ends in one task while it begins in another, and who listens must
//! not be left with the beginning as the last word.

use parking_lot::Mutex;

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Announced(Mutex<Stage>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Nothing,
    Came,
    /// That it went; or nothing, where it went before anything was told.
    Went,
}

impl Announced {
    /// Tells by `tell` that the connection came, unless it went meanwhile.
    pub(crate) fn came(&self, tell: impl FnOnce()) {
        let mut stage = self.0.lock();
        if *stage == Stage::Nothing {
            tell();
            *stage = Stage::Came;
        }
    }

    /// Tells by `tell` that it went: once, and only where it was told that it came.
    pub(crate) fn went(&self, tell: impl FnOnce()) {
        let mut stage = self.0.lock();
        if std::mem::replace(&mut *stage, Stage::Went) == Stage::Came {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_connection_is_told_of_as_a_pair_or_not_at_all() {
        let told = RefCell::new(Vec::new());
        let (came, went) = (|| told.borrow_mut().push("came"), || told.borrow_mut().push("went"));
        let usual = Announced::default();
        usual.came(came);
        usual.went(went);
        usual.went(went);
        assert_eq!(told.take(), ["came", "went"]);
        let gone_at_once = Announced::default();
        gone_at_once.went(went);
        gone_at_once.came(came);
        assert!(told.take().is_empty());
    }
}
