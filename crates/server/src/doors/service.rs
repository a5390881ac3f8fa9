//! The door of back ends.
