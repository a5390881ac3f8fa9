//! The bytes of AMQP 1.0 (OASIS, part 1 types, part 2 performatives, part 3 messages), read with bounds and written
//! whole.
//!
//! Used by the engine and by the hub's face. Reading never allocates by a declared count or size, never goes deeper than
//! [`MAXIMUM_DEPTH`] and never panics. Writing gives every list its full length, nulls included: Azure's own Python client
//! reads performatives by position and dies on one that ends early.

mod composite;
mod error;
mod field;
mod message;
mod outcome;
mod performative;
mod read;
mod sasl;
mod sections;
mod value;
mod write;

pub use error::{AmqpError, condition};
pub use message::{Body, WireMessage};
pub use outcome::Outcome;
pub use performative::{Attach, Begin, Close, Detach, Disposition, End, Flow, Open, Performative, Role, Transfer};
pub use read::{DecodeError, MAXIMUM_DEPTH, MAXIMUM_VALUES, Reader};
pub(crate) use sasl::write_mechanisms;
pub use sasl::{SaslFrame, SaslInit, SaslMechanisms, SaslOutcome};
pub use sections::{Header, Properties};
pub use value::{Described, Map, Symbol, Symbols, Value};
pub use write::write_value;
