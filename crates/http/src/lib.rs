//! HTTP on the wire.
//!
//! Bytes become an operation, a credential and a [`Request`](iolite_kernel::Request); answers and refusals take each
//! service's own shape. Called by `server`, once per connection; it knows operations and faces, and no service's rules.

mod body;
mod connection;
mod drain;
pub mod face;
mod framing;
mod outlet;
mod pace;
mod path;
mod pipeline;
mod refusal;
mod router;
mod shown;
mod table;

pub use body::{Bodies, BodyRoom, Held, Sender};
pub use connection::{ConnectionContext, agent, serve_connection, serve_requests};
pub use path::{Place, Site};
pub use pipeline::{Admission, Head, Located, Locator, Outgoing, Pipeline};
pub use refusal::Refusal;
pub use router::{Route, Router};
pub use shown::Shown;
pub use table::{ServiceTable, Table};
