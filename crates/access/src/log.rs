//! The bounded log of decisions. No secret is in it: decisions hold none.

use std::collections::VecDeque;
use std::sync::Arc;

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
    /// Only those whose caller goes by this name, without case.
    pub principal: Option<String>,
    /// Only those of this operation, without case.
    pub operation: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
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
        let principal = |wanted: &String| {
            decision.caller.as_ref().is_some_and(|caller| caller.display_name().eq_ignore_ascii_case(wanted))
        };
        self.allowed.is_none_or(|allowed| decision.is_allowed() == allowed)
            && self.principal.as_ref().is_none_or(principal)
            && self.operation.as_ref().is_none_or(|wanted| decision.operation.name.eq_ignore_ascii_case(wanted))
    }
}
