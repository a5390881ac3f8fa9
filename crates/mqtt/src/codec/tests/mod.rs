//! The standard's clauses by their numbers, and an independent codec as a second opinion.

mod clauses;
mod second_opinion;

use super::*;

/// What the first packet of `bytes` is, or what is wrong with it.
fn read(bytes: &[u8]) -> Result<Option<Packet<'_>>, Malformed> {
    frame(bytes, 300_000)?.map(decode).transpose()
}

/// The clause that the first packet of `bytes` breaks.
fn clause(bytes: &[u8]) -> &'static str {
    match read(bytes) {
        Err(malformed) => malformed.clause,
        Ok(packet) => panic!("taken: {packet:?}"),
    }
}
