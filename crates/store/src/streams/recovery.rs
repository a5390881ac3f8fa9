//! What a start found of the streams.
//!
//! Made by [`Streams::open`](super::Streams::open) for the line that the command prints.

use std::fmt;

use crate::TornTail;

/// What was found when streams were opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamsRecovery {
    /// How many streams there are.
    pub streams: usize,
    /// How many records they hold.
    pub records: u64,
    /// The unfinished writes that are cut off: one per stream at most, where the last run did not end in good order.
    pub torn_tails: Vec<TornTail>,
}

impl fmt::Display for StreamsRecovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} records in {} streams", self.records, self.streams)?;
        for TornTail { file, position, bytes } in &self.torn_tails {
            write!(
                formatter,
                "; an unfinished write of {bytes} bytes, never acknowledged, was cut from {file} at byte {position}"
            )?;
        }
        Ok(())
    }
}
