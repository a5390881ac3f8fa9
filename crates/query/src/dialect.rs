//! What a dialect decides for the common parser.
//!
//! Implemented once per dialect (see [`crate::iothub`]). It answers in words, and the parser adds the place.

use crate::{Function, Path};

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
}
