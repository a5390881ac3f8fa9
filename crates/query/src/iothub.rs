//! The query language of IoT Hub for device twins, module twins and jobs.
//!
//! Called by the hub's query operation ([`parse`]), and by configurations and jobs, whose conditions are a
//! `WHERE` clause alone ([`parse_condition`]). Source: iot-hub-devguide-query-language (2018 and the grammar as
//! it still stands in 2023), query-twins and query-jobs (2022), checked 2026; where those are silent the choice
//! is marked UNVERIFIED. It never reads twins itself, and pages nothing.

mod aggregate;
mod dialect;
mod names;
mod query;
mod run;
mod statement;

pub use dialect::LONGEST_QUERY;
pub use query::{Aggregate, Column, From, Query, Select, Summary};

use crate::cursor::Cursor;
use crate::lexer::Kind;
use crate::{Expression, QueryError, parser};
use dialect::IotHub;

/// Reads a whole query, `SELECT … FROM …`.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    dialect::refuse_long(text)?;
    statement::read(&mut Cursor::new(text)?)
}

/// Reads a condition that stands alone, as a configuration's target condition or a job's query condition does.
///
/// The `*` that means every device is the caller's to recognise.
pub fn parse_condition(text: &str, from: From) -> Result<Expression, QueryError> {
    dialect::refuse_long(text)?;
    let mut cursor = Cursor::new(text)?;
    let condition = parser::expression(&mut cursor, &IotHub { from })?;
    if cursor.peek() == &Kind::End {
        return Ok(condition);
    }
    Err(cursor.error_here(format!("{} stands where AND, OR or the end of the condition is needed.", cursor.found())))
}

#[cfg(test)]
mod tests;
