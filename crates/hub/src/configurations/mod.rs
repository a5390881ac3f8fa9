//! Operations over configurations.

pub mod apply;
mod apply_content;
mod check;
pub mod delete;
pub mod get;
pub mod list;
mod measure;
pub mod put;
pub mod test_queries;
