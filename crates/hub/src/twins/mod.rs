//! Operations over device twins, and what twins are made of.

pub(crate) mod change_body;
pub mod get;
pub(crate) mod limits;
pub mod replace;
pub(crate) mod section;
pub(crate) mod unset;
pub mod update;
pub(crate) mod view;
