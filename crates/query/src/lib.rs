//! The SQL dialects' common core, and the dialects built on it.
//!
//! The core reads and evaluates expressions over JSON documents and knows no service: [`lexer`] cuts text
//! into tokens with their place, [`parser`] builds an [`Expression`] out of them under the rules of a
//! [`Dialect`], and evaluation answers a value or *undefined*, which is not `null`. A dialect adds its
//! statements, names, functions and limits: [`iothub`] is the twin and job query language of IoT Hub, [`routing`] the
//! conditions of its message routes.
//!
//! Called by the services' query operations. It never reads a store, never pages, and never panics on any
//! text: every refusal is a [`QueryError`] that says where and what to write instead.

mod arithmetic;
mod compare;
mod cursor;
mod dialect;
mod document;
mod error;
mod evaluate;
mod expression;
mod function;
pub mod iothub;
pub mod lexer;
pub mod parser;
mod path;
pub mod routing;

pub use cursor::{Cursor, Name};
pub use dialect::Dialect;
pub use document::Document;
pub use error::QueryError;
pub use expression::{ArithmeticOperator, Comparison, Expression};
pub use function::Function;
pub use path::Path;
