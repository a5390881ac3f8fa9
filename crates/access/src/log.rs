//! The bounded log of decisions. No secret is in it: decisions hold none.

use std::collections::VecDeque;
use std::sync::Arc;

use iolite_identity::Caller;
use iolite_kernel::Uuid;
use parking_lot::Mutex;

use crate::Decision;

/// How many decisions are kept; the oldest go first.
const CAPACITY: usize = 2048;

/// The last decisions, the newest last.
#[derive(Default)]
pub struct DecisionLog {
    kept: Mutex<VecDeque<Arc<Decision>>>,
}

/// Which decisions to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only allowed (`true`) or denied (`false`) ones.
    pub allowed: Option<bool>,
    /// Only those of this caller.
    pub principal: Option<Asker>,
    /// Only those of this operation, without case.
    pub operation: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Whose decisions to list.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The name that the caller went by, or their object id; without case.
    pub name: String,
    /// The object id of the principal that goes by this name now.
    pub object_id: Option<String>,
}

impl DecisionLog {
    /// Keeps a decision.
    pub fn record(&self, decision: Arc<Decision>) {
        let mut kept = self.kept.lock();
        let oldest = if kept.len() == CAPACITY { kept.pop_front() } else { None };
        kept.push_back(decision);
        drop(kept);
        // Others need not wait while it is taken apart.
        drop(oldest);
    }

    /// The decision with this id.
    #[must_use]
    pub fn find(&self, id: Uuid) -> Option<Arc<Decision>> {
        self.kept.lock().iter().rev().find(|decision| decision.id == id).cloned()
    }

    /// The decisions that `filter` lets through, the newest first.
    #[must_use]
    pub fn list(&self, filter: &Filter) -> Vec<Arc<Decision>> {
        let kept = self.kept.lock();
        let chosen = kept.iter().rev().filter(|decision| filter.lets_through(decision));
        chosen.take(filter.limit.unwrap_or(usize::MAX)).cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.kept.lock().clear();
    }
}

impl Filter {
    fn lets_through(&self, decision: &Decision) -> bool {
        let principal = |wanted: &Asker| decision.caller.as_deref().is_some_and(|caller| wanted.is(caller));
        self.allowed.is_none_or(|allowed| decision.is_allowed() == allowed)
            && self.principal.as_ref().is_none_or(principal)
            && self.operation.as_ref().is_none_or(|wanted| decision.operation.name.eq_ignore_ascii_case(wanted))
    }
}

impl Asker {
    fn is(&self, caller: &Caller) -> bool {
        let object_id = match caller {
            Caller::Principal(principal) => Some(&principal.object_id),
            _ => None,
        };
        let has = |id: &String| object_id.is_some_and(|own| own.eq_ignore_ascii_case(id));
        caller.display_name().eq_ignore_ascii_case(&self.name)
            || has(&self.name)
            || self.object_id.as_ref().is_some_and(has)
    }
}
