//! One command, one file: its flags, its examples, and what it asks and prints.

pub(crate) mod allow_sas;
pub(crate) mod check;
pub(crate) mod clock;
pub(crate) mod demo;
pub(crate) mod deny_sas;
pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod lab;
pub(crate) mod models;
pub(crate) mod reset;
pub(crate) mod roles;
pub(crate) mod sas;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod token;
