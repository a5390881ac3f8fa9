//! Operations over configurations, and their roll-out to the twins that they target.

pub mod apply;
mod check;
mod content;
pub mod delete;
pub mod get;
pub mod list;
mod measure;
pub mod put;
mod rollout;
pub mod test_queries;
