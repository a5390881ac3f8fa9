//! The token endpoints: v1.0, v2.0 and that of `adfs`. They read the same form and differ in how the resource is named
//! and in how the reply is written.

pub mod adfs;
mod exchange;
mod reply;
#[cfg(test)]
mod tests;
pub mod v1;
pub mod v2;
