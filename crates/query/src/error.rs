//! The one error of the crate: what is wrong with a query, where, and what to write instead.
//!
//! Made by the lexer, the parser and the dialects; services wrap it in their own error body. It never
//! carries anything but the caller's own text.

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct QueryError {
    /// What is wrong and what to write instead, in one or two sentences of our own.
    pub message: String,
    /// Where: characters (not bytes) before the place, counted from 0.
    pub position: usize,
    /// The line of the place, counted from 1.
    pub line: usize,
    /// The character within that line, counted from 1.
    pub column: usize,
}

impl QueryError {
    /// An error at `offset` bytes into `text`; an offset past the end means the end.
    pub fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message: message.into(),
            position: before.chars().count(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_counted_in_characters_and_lines() {
        let error = QueryError::at("né\nwö?", "né\nwö".len(), "odd");
        assert_eq!((error.position, error.line, error.column), (5, 2, 3));
        assert_eq!(error.to_string(), "odd (line 2, column 3)");
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let error = QueryError::at("abc", 99, "odd");
        assert_eq!((error.position, error.line, error.column), (3, 1, 4));
    }
}
