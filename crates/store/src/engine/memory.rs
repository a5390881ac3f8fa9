//! The engine of a world that ends with its process.
//!
//! Used by [`Store::memory`](crate::Store::memory). It keeps no bytes: the tables are all there is.

use super::{Batch, Engine, EngineError, SnapshotRecord};

/// Keeps nothing but the last revision.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    last: u64,
}

impl Engine for MemoryEngine {
    fn is_immediate(&self) -> bool {
        true
    }

    fn snapshot(&mut self, _visit: &mut dyn FnMut(SnapshotRecord<'_>)) -> Result<u64, EngineError> {
        Ok(self.last)
    }

    fn read_from(&mut self, after: u64, _visit: &mut dyn FnMut(u64, &[u8])) -> Result<u64, EngineError> {
        Ok(after)
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), EngineError> {
        if batch.first_revision != self.last + 1 {
            return Err(EngineError::OutOfOrder { last: self.last, first: batch.first_revision });
        }
        self.last += u64::from(batch.count);
        Ok(())
    }
}
