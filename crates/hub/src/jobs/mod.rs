//! Jobs over many devices: those that change twins or call methods at a time, and those that move the registry through
//! blobs.

pub mod registry;
pub mod scheduled;
