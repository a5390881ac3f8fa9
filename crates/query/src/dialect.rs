//! What a dialect decides for the common parser.
//!
//! Implemented once per dialect (see [`crate::iothub`]). It answers in words, and the parser adds the place.

use crate::{Cursor, Expression, Function, Path, QueryError};

/// The rules of one dialect for names, functions and sizes.
pub trait Dialect {
    /// How deep parentheses, functions and prefix operators may nest; recursion is bounded by it.
    fn nesting(&self) -> usize;

    /// How many constants an array literal may hold.
    fn array_items(&self) -> usize;

    /// Whether this word, in any letter case, is a keyword that cannot name a property without escaping.
    fn is_reserved(&self, word: &str) -> bool;

    /// The function called `name` (in any letter case), or why there is none and what to write instead.
    fn function(&self, name: &str) -> Result<Function, String>;

    /// The property that these names, top first, mean; or why they mean none and what to write instead.
    fn path(&self, names: Vec<String>) -> Result<Path, String>;

    /// Reads an operand that this dialect alone knows. `None`, with nothing taken, leaves it to the common parser.
    fn operand(&self, cursor: &mut Cursor<'_>) -> Result<Option<Expression>, QueryError> {
        let _ = cursor;
        Ok(None)
    }

    /// Whether the operator `written` so may have these operands (one, or left and right), or why not.
    fn operator(&self, written: &str, operands: &[&Expression]) -> Result<(), String> {
        let _ = (written, operands);
        Ok(())
    }

    /// Whether `function`, written `name`, may have these arguments, whose number is right already; or why not.
    fn call(&self, name: &str, function: Function, arguments: &[Expression]) -> Result<(), String> {
        let _ = (name, function, arguments);
        Ok(())
    }
}
