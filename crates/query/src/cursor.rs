//! Walks over the tokens of a query: the part that every statement and expression parser shares.
//!
//! Called by [`crate::parser`] and by the dialects' statements. It never goes back and never passes the end.

use crate::QueryError;
use crate::lexer::{self, Kind, Spelling, Token};

/// The tokens of a query and how far they have been read.
#[derive(Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
}

/// A dotted name as written, not yet given a meaning by a dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The names between the dots, at least one.
    pub segments: Vec<String>,
    /// Bytes of text before it.
    pub start: usize,
}

impl<'t> Cursor<'t> {
    /// At the first token of `text`.
    pub fn new(text: &'t str) -> Result<Self, QueryError> {
        Self::spelled(text, Spelling::Bracketed)
    }

    /// At the first token of `text`, whose names are spelt so.
    pub fn spelled(text: &'t str, spelling: Spelling) -> Result<Self, QueryError> {
        Ok(Self { text, tokens: lexer::tokens(text, spelling)?, next: 0 })
    }

    /// The next token, not yet taken.
    pub fn peek(&self) -> &Kind<'t> {
        self.tokens.get(self.next).map_or(&Kind::End, |token| &token.kind)
    }

    /// Where the next token begins, in bytes.
    pub fn start(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.start)
    }

    /// The next token as it is written.
    pub fn written(&self) -> &'t str {
        self.tokens.get(self.next).and_then(|token| self.text.get(token.start..token.end)).unwrap_or_default()
    }

    /// Takes the next token.
    pub fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len());
    }

    /// Whether the token after the next one is this mark.
    pub fn is_followed_by(&self, symbol: &str) -> bool {
        self.tokens.get(self.next + 1).is_some_and(|token| matches!(token.kind, Kind::Symbol(found) if found == symbol))
    }

    /// Whether the next token is this keyword, in any letter case.
    pub fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Takes this keyword if it is next.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        if found {
            self.advance();
        }
        found
    }

    /// Takes this mark if it is next.
    pub fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Kind::Symbol(next) if *next == symbol);
        if found {
            self.advance();
        }
        found
    }

    /// Takes this mark, or says what stands there instead; `context` ends the sentence "… is needed".
    pub fn expect_symbol(&mut self, symbol: &str, context: &str) -> Result<(), QueryError> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        Err(self.error_here(format!("{} stands where {symbol} is needed {context}.", self.found())))
    }

    /// The next token in words, for the beginning of a sentence.
    pub fn found(&self) -> String {
        match self.peek() {
            Kind::Word(word) => format!("The word {}", shortened(word)),
            Kind::Escaped(name) => format!("The name [[{}]]", shortened(name)),
            Kind::Text(text) => format!("The string '{}'", shortened(text)),
            Kind::Number(number) => format!("The number {number}"),
            Kind::Symbol(symbol) => format!("The mark {symbol}"),
            Kind::End => "The end of the query".to_owned(),
        }
    }

    /// An error at the next token.
    pub fn error_here(&self, message: impl Into<String>) -> QueryError {
        self.error_at(self.start(), message)
    }

    /// An error at a place given in bytes.
    pub fn error_at(&self, start: usize, message: impl Into<String>) -> QueryError {
        QueryError::at(self.text, start, message)
    }

    /// Takes a dotted name; words for which `is_reserved` answers true must be escaped.
    pub fn name(&mut self, is_reserved: impl Fn(&str) -> bool) -> Result<Name, QueryError> {
        let start = self.start();
        let mut segments = vec![self.name_segment(&is_reserved)?];
        while self.take_symbol(".") {
            segments.push(self.name_segment(&is_reserved)?);
        }
        if matches!(self.peek(), Kind::Symbol("[")) {
            let message = "A property is not reached with brackets and quotes or an index. Write a dot and the name, \
                           in double square brackets where it needs them, as in tags.[[my tag]].";
            return Err(self.error_here(message));
        }
        Ok(Name { segments, start })
    }

    fn name_segment(&mut self, is_reserved: &impl Fn(&str) -> bool) -> Result<String, QueryError> {
        let name = match self.peek() {
            Kind::Word(word) if is_reserved(word) => {
                let message = format!("{word} is a keyword. A property of that name is written [[{word}]].");
                return Err(self.error_here(message));
            }
            Kind::Word(word) => (*word).to_owned(),
            Kind::Escaped(name) => (*name).to_owned(),
            _ => return Err(self.error_here(format!("{} stands where a property name is needed.", self.found()))),
        };
        self.advance();
        Ok(name)
    }
}

/// Enough of a word to recognise it, so that an error is never as long as the query.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotted_name_is_read_to_its_end() {
        let mut cursor = Cursor::new("configurations.[[my-config]].status = 1").unwrap();
        let name = cursor.name(|_| false).unwrap();
        assert_eq!(name.segments, ["configurations", "my-config", "status"]);
        assert_eq!(cursor.peek(), &Kind::Symbol("="));
    }

    #[test]
    fn a_keyword_as_a_name_is_refused_with_the_remedy() {
        let error = Cursor::new("tags.group").unwrap().name(|word| word == "group").unwrap_err();
        assert_eq!(error.position, 5);
        assert!(error.message.contains("[[group]]"));
    }

    #[test]
    fn brackets_after_a_name_are_refused_with_the_remedy() {
        let error = Cursor::new("tags['a b']").unwrap().name(|_| false).unwrap_err();
        assert_eq!(error.position, 4);
        assert!(error.message.contains("tags.[[my tag]]"));
    }

    #[test]
    fn the_end_can_be_passed_over_any_number_of_times() {
        let mut cursor = Cursor::new("a").unwrap();
        for _ in 0..4 {
            cursor.advance();
        }
        assert_eq!(cursor.peek(), &Kind::End);
        assert_eq!(cursor.start(), 1);
    }

    #[test]
    fn a_long_word_is_shortened_in_an_error() {
        let text = "é".repeat(5000);
        let message = Cursor::new(&text).unwrap().found();
        assert!(message.chars().count() < 60, "{message}");
    }
}
