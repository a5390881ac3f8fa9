//! What a stream's handles and its commit thread share.
//!
//! A name, the limits, and the state behind the one lock. It does nothing by itself.

use parking_lot::{Condvar, Mutex};

use super::Limits;
use super::state::State;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) limits: Limits,
    pub(super) state: Mutex<State>,
    /// Told when there is work for the commit thread.
    pub(super) work: Condvar,
}
