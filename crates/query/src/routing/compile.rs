//! Why a condition is refused, with the range of text that a management answer shows.
//!
//! Made by [`super::Condition::compile`]. Lines and columns count from 1, and the end is the column after the last, as
//! `TestRouteResult` has them.

use crate::QueryError;
use crate::lexer::{self, Spelling};

/// A condition that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {}, column {})", start.line, start.column)]
pub struct CompileError {
    /// What is wrong and what to write instead.
    pub message: String,
    /// Where the offending piece begins.
    pub start: Place,
    /// Where it has ended.
    pub end: Place,
}

/// A place in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Characters of the line before it, and one.
    pub column: usize,
}

impl CompileError {
    /// `error` of `text`, with the range of the token it stands at.
    pub(super) fn new(text: &str, error: QueryError) -> Self {
        let length = token_length(text, error.position);
        let start = Place { line: error.line, column: error.column };
        Self { message: error.message, start, end: Place { column: start.column + length, ..start } }
    }
}

/// How many characters the token at `position` (in characters) has on its first line; one where none begins there.
fn token_length(text: &str, position: usize) -> usize {
    let Some((start, first)) = text.char_indices().nth(position) else { return 1 };
    let token = lexer::tokens(text, Spelling::Hyphenated)
        .ok()
        .and_then(|tokens| tokens.into_iter().find(|token| token.start == start).map(|token| &text[start..token.end]));
    let piece = match token {
        Some(token) => token,
        // A string that is never closed reaches to the end.
        None if matches!(first, '\'' | '"') => &text[start..],
        None => return 1,
    };
    piece.lines().next().map_or(1, |line| line.chars().count()).max(1)
}
