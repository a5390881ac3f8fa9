//! Cuts query text into tokens, each with its place.
//!
//! Called by [`crate::Cursor`]. It knows no keywords and no dialect: a keyword is a word until a parser asks.
//! Literals follow the grammar of the IoT Hub query language (iot-hub-devguide-query-language, "Expressions
//! and conditions"); names in double square brackets are written so by the service itself (a configuration's
//! own metric query, recorded 2020-09-01). One pass, no recursion, no look back.

use serde_json::Number;

use crate::QueryError;

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: Kind<'t>,
    /// Bytes of text before it.
    pub start: usize,
    /// Bytes of text before what follows it.
    pub end: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'t> {
    /// A keyword, function name or property name, as written.
    Word(&'t str),
    /// A property name from between double square brackets.
    Escaped(&'t str),
    /// A string literal with its escapes undone.
    Text(String),
    /// A number literal.
    Number(Number),
    /// An operator or a mark.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// How a dialect spells names and marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Names of letters, digits, `_` and `$`; anything else goes between double square brackets.
    Bracketed,
    /// Names with hyphens and the like in them, without a way to escape others; `||`, `??` and braces are marks.
    Hyphenated,
}

/// The longer marks first, so that `<=` is not read as `<` and `=`.
const SYMBOLS: [&str; 18] =
    ["<=", ">=", "<>", "!=", "(", ")", "[", "]", ",", ".", "*", "+", "-", "/", "%", "=", "<", ">"];

/// Marks of [`Spelling::Hyphenated`] alone.
const MORE_SYMBOLS: [&str; 4] = ["||", "??", "{", "}"];

/// All tokens of `text`, the last being [`Kind::End`].
pub fn tokens(text: &str, spelling: Spelling) -> Result<Vec<Token<'_>>, QueryError> {
    let mut lexer = Lexer { text, at: 0, spelling };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let kind = lexer.next_kind()?;
        let done = kind == Kind::End;
        tokens.push(Token { kind, start, end: lexer.at });
        if done {
            return Ok(tokens);
        }
    }
}

/// Whether `name` can stand in a query without double square brackets.
pub(crate) fn is_plain_name(name: &str) -> bool {
    name.starts_with(begins_name) && name.chars().all(continues_name)
}

fn begins_name(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

fn continues_name(character: char) -> bool {
    begins_name(character) || character.is_alphanumeric()
}

/// `-` joins a name, so a subtraction takes spaces around it; `+`, `*`, `/` and `%` stay operators.
fn continues_hyphenated(character: char) -> bool {
    continues_name(character) || matches!(character, '-' | '#' | '&' | '^' | '~' | '`')
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    spelling: Spelling,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn error(&self, at: usize, message: impl Into<String>) -> QueryError {
        QueryError::at(self.text, at, message)
    }

    /// Moves past the longest run of characters that `accepted` takes, and answers it.
    fn take_while(&mut self, accepted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|character| !accepted(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn next_kind(&mut self) -> Result<Kind<'t>, QueryError> {
        let Some(first) = self.rest().chars().next() else { return Ok(Kind::End) };
        if begins_name(first) {
            return Ok(Kind::Word(self.take_while(self.continues_name())));
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if matches!(first, '\'' | '"') {
            return self.string(first);
        }
        if let Some(name) = self.escaped_name() {
            return Ok(Kind::Escaped(name));
        }
        let Some(symbol) = self.symbols().find(|symbol| self.rest().starts_with(*symbol)) else {
            let remedy = match self.spelling {
                Spelling::Bracketed => {
                    "A string goes in single quotes, and a property name with such a character in double square \
                     brackets, as in tags.[[my tag]]."
                }
                Spelling::Hyphenated => "A string goes in single quotes, and no property name can hold it.",
            };
            return Err(self.error(self.at, format!("The character {first:?} cannot stand here. {remedy}")));
        };
        self.at += symbol.len();
        Ok(Kind::Symbol(symbol))
    }

    fn continues_name(&self) -> fn(char) -> bool {
        match self.spelling {
            Spelling::Bracketed => continues_name,
            Spelling::Hyphenated => continues_hyphenated,
        }
    }

    fn symbols(&self) -> impl Iterator<Item = &'static str> {
        let more: &[&str] = match self.spelling {
            Spelling::Bracketed => &[],
            Spelling::Hyphenated => &MORE_SYMBOLS,
        };
        more.iter().chain(&SYMBOLS).copied()
    }

    /// `[[name]]`. Quotes and brackets inside mean an array of arrays, which is left to the parser to refuse.
    fn escaped_name(&mut self) -> Option<&'t str> {
        if self.spelling == Spelling::Hyphenated {
            return None;
        }
        let inside = self.rest().strip_prefix("[[")?;
        let length = inside.find(['[', ']', '\'', '"', '\n'])?;
        let (name, after) = inside.split_at(length);
        if name.is_empty() || !after.starts_with("]]") {
            return None;
        }
        self.at += name.len() + 4;
        Some(name)
    }

    fn number(&mut self) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            let digits = self.take_while(|character| character.is_ascii_hexdigit());
            self.refuse_glued_name(start)?;
            return u64::from_str_radix(digits, 16).map(|value| Kind::Number(value.into())).map_err(|_| {
                self.error(start, "This hexadecimal number is not one to sixteen digits, as in 0x1F. Write it so.")
            });
        }
        self.take_while(|character| character.is_ascii_digit());
        if self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit())) {
            self.at += 1;
            self.take_while(|character| character.is_ascii_digit());
        }
        self.skip_exponent();
        if self.spelling == Spelling::Hyphenated && self.rest().starts_with(begins_name) {
            self.at = start;
            return Ok(Kind::Word(self.take_while(continues_hyphenated)));
        }
        self.refuse_glued_name(start)?;
        // serde_json reads a number as it reads a document's, so that equal spellings are equal values.
        serde_json::from_str(&self.text[start..self.at]).map(Kind::Number).map_err(|_| {
            self.error(
                start,
                "This is not a number that JSON can hold. Write it as in 12, 1.5 or 2e10, within a double.",
            )
        })
    }

    fn skip_exponent(&mut self) {
        let Some(rest) = self.rest().strip_prefix(['e', 'E']) else { return };
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        if digits.starts_with(|next: char| next.is_ascii_digit()) {
            self.at = self.text.len() - digits.len();
            self.take_while(|character| character.is_ascii_digit());
        }
    }

    fn refuse_glued_name(&self, start: usize) -> Result<(), QueryError> {
        if !self.rest().starts_with(continues_name) {
            return Ok(());
        }
        let message = "A number and letters run together. A property name that begins with a digit goes in double \
                       square brackets, as in tags.[[2nd]].";
        Err(self.error(start, message))
    }

    fn string(&mut self, quote: char) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        loop {
            value.push_str(self.take_while(|character| character != quote && character != '\\'));
            let Some(stop) = self.rest().chars().next() else {
                return Err(self.error(start, format!("This string is never closed. Put {quote} at its end.")));
            };
            if stop == quote {
                self.at += 1;
                return Ok(Kind::Text(value));
            }
            value.push(self.escape()?);
        }
    }

    /// `\'`, `\"`, `\\` and `\uXXXX`: the only escapes that are documented.
    fn escape(&mut self) -> Result<char, QueryError> {
        let start = self.at;
        self.at += 1;
        let escaped = self.rest().chars().next();
        self.at += escaped.map_or(0, char::len_utf8);
        match escaped {
            Some(plain @ ('\'' | '"' | '\\')) => Ok(plain),
            Some('u') => self.unicode_escape().ok_or_else(|| {
                let message = "After \\u come four hexadecimal digits, and a character beyond U+FFFF takes a pair of \
                               them, as in \\uD83D\\uDE00. Write the character itself, or mend the digits.";
                self.error(start, message)
            }),
            _ => Err(self.error(start, "Only \\', \\\", \\\\ and \\uXXXX are escapes. For a backslash write \\\\.")),
        }
    }

    fn unicode_escape(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if let Some(character) = char::from_u32(u32::from(first)) {
            return Some(character);
        }
        self.at += self.rest().starts_with("\\u").then_some(2)?;
        let second = self.four_digits()?;
        char::decode_utf16([first, second]).next()?.ok()
    }

    fn four_digits(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4)?;
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, QueryError> {
        super::tokens(text, Spelling::Bracketed)
    }

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        tokens(text).unwrap().into_iter().map(|token| token.kind).collect()
    }

    fn text(value: &str) -> Vec<Kind<'static>> {
        vec![Kind::Text(value.to_owned()), Kind::End]
    }

    #[test]
    fn words_marks_and_numbers_come_apart() {
        let expected = vec![
            Kind::Word("a"),
            Kind::Symbol("."),
            Kind::Word("$b_1"),
            Kind::Symbol("<="),
            Kind::Number(12.into()),
            Kind::Symbol("<>"),
            Kind::Number(Number::from_f64(15.0).unwrap()),
            Kind::End,
        ];
        assert_eq!(kinds("a.$b_1<=12 <>\t1.5e1"), expected);
    }

    #[test]
    fn a_hexadecimal_number_is_its_value() {
        assert_eq!(kinds("0xfF"), vec![Kind::Number(255.into()), Kind::End]);
        assert!(tokens("0x").is_err());
        assert!(tokens("0x11112222333344445").is_err());
    }

    #[test]
    fn strings_lose_their_quotes_and_escapes() {
        assert_eq!(kinds("'US'"), text("US"));
        assert_eq!(kinds("\"it's\""), text("it's"));
        assert_eq!(kinds(r"'it\'s \\ \u00e9 \uD83D\uDE00'"), text("it's \\ é 😀"));
    }

    #[test]
    fn a_bad_escape_is_refused_where_it_stands() {
        for (bad, position) in [(r"'a\n'", 2), (r"'\u12'", 1), (r"'\uD83D'", 1), (r"'\uD83D\u0041'", 1), ("'\\", 1)] {
            assert_eq!(tokens(bad).unwrap_err().position, position, "{bad}");
        }
    }

    #[test]
    fn an_open_string_is_refused_where_it_begins() {
        let error = tokens("a = 'US").unwrap_err();
        assert_eq!(error.position, 4);
        assert!(error.message.contains("never closed"));
    }

    #[test]
    fn double_brackets_escape_a_name_and_an_array_of_arrays_is_not_one() {
        assert_eq!(kinds("[[my-tag 2]]"), vec![Kind::Escaped("my-tag 2"), Kind::End]);
        assert_eq!(kinds("[['a']]")[0], Kind::Symbol("["));
        assert_eq!(kinds("[[1],[2]]")[0], Kind::Symbol("["));
    }

    #[test]
    fn letters_right_after_a_number_are_refused_with_the_remedy() {
        assert!(tokens("tags.2nd").unwrap_err().message.contains("[[2nd]]"));
    }

    #[test]
    fn a_number_beyond_a_double_is_refused() {
        assert!(tokens("1e999").is_err());
    }

    #[test]
    fn hyphens_join_a_name_and_braces_are_marks_where_the_dialect_says_so() {
        let kinds = |text| {
            let tokens = super::tokens(text, Spelling::Hyphenated).unwrap();
            tokens.into_iter().map(|token| token.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds("$dt-subject")[0], Kind::Word("$dt-subject"));
        assert_eq!(kinds("2nd-x")[0], Kind::Word("2nd-x"));
        assert_eq!(kinds("3-4").len(), 4);
        let marks = [Kind::Symbol("{"), Kind::Word("a"), Kind::Symbol("||"), Kind::Symbol("??"), Kind::End];
        assert_eq!(kinds("{a || ??"), marks);
        assert_eq!(kinds("[[a]]")[0], Kind::Symbol("["));
        assert!(tokens("a || b").is_err());
    }

    #[test]
    fn an_unknown_character_is_named() {
        assert!(tokens("a ; b").unwrap_err().message.contains("';'"));
    }
}
