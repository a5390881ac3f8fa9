//! The `$filter` of listings: terms joined by `and`, each a function call or an `eq` comparison.
//!
//! Each listing takes a few forms only; [`Filter::parse`] reads them all, and the listing refuses the term it does not
//! know by name.

use iolite_kernel::{Request, ServiceError};

use crate::errors::UNSUPPORTED_FILTER;

/// One term of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// `atScope()`, `assignedTo('id')`: the name in lower case, and what stands between the brackets.
    Call(String, Option<String>),
    /// `roleName eq 'Owner'`: the name in lower case, and the value.
    Equals(String, String),
}

/// The terms of a request's `$filter`, none where it has none.
pub(crate) fn terms(request: &Request) -> Result<Vec<Term>, ServiceError> {
    match request.query("$filter").map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => parse(text).ok_or_else(|| unsupported(text)),
        None => Ok(Vec::new()),
    }
}

/// The refusal of a filter, or of the one term of it that a listing does not know.
pub(crate) fn unsupported(text: &str) -> ServiceError {
    ServiceError::new(&UNSUPPORTED_FILTER, format!("The $filter '{text}' is not one that this listing takes."))
}

impl Term {
    /// The term as it may be quoted in a refusal.
    pub(crate) fn refuse(&self) -> ServiceError {
        match self {
            Self::Call(name, _) => unsupported(&format!("{name}()")),
            Self::Equals(name, value) => unsupported(&format!("{name} eq '{value}'")),
        }
    }
}

fn parse(text: &str) -> Option<Vec<Term>> {
    let mut words = Words(text);
    let mut terms = Vec::new();
    loop {
        terms.push(term(&mut words)?);
        match words.next() {
            None => return Some(terms),
            Some(Word::Name(name)) if name.eq_ignore_ascii_case("and") => {}
            Some(_) => return None,
        }
    }
}

fn term(words: &mut Words<'_>) -> Option<Term> {
    let Word::Name(name) = words.next()? else { return None };
    let name = name.to_ascii_lowercase();
    match words.next()? {
        Word::Open => match words.next()? {
            Word::Close => Some(Term::Call(name, None)),
            Word::Text(argument) => (words.next()? == Word::Close).then_some(Term::Call(name, Some(argument))),
            Word::Name(argument) => (words.next()? == Word::Close).then(|| Term::Call(name, Some(argument.to_owned()))),
            Word::Open => None,
        },
        // az sends GUIDs with and without quotes.
        Word::Name(operator) if operator.eq_ignore_ascii_case("eq") => match words.next()? {
            Word::Text(value) => Some(Term::Equals(name, value)),
            Word::Name(value) => Some(Term::Equals(name, value.to_owned())),
            Word::Open | Word::Close => None,
        },
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Word<'a> {
    Name(&'a str),
    Text(String),
    Open,
    Close,
}

struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        self.0 = self.0.trim_start();
        let first = self.0.chars().next()?;
        if let Some(rest) = self.0.strip_prefix('(') {
            self.0 = rest;
            return Some(Word::Open);
        }
        if let Some(rest) = self.0.strip_prefix(')') {
            self.0 = rest;
            return Some(Word::Close);
        }
        if first == '\'' {
            return Some(self.quoted());
        }
        let end = self.0.find(|letter: char| letter.is_whitespace() || "()'".contains(letter)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(Word::Name(name))
    }
}

impl<'a> Words<'a> {
    /// Two quotes inside stand for one. A text that does not end is read as a bracket, which no value begins with.
    fn quoted(&mut self) -> Word<'a> {
        let mut text = String::new();
        let mut letters = self.0.char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            if letter != '\'' {
                text.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '\'') {
                text.push('\'');
                letters.next();
            } else {
                self.0 = &self.0[at + 1..];
                return Word::Text(text);
            }
        }
        self.0 = "";
        Word::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_the_clients_send_them() {
        assert_eq!(parse("atScope()"), Some(vec![Term::Call("atscope".into(), None)]));
        assert_eq!(
            parse("atScopeAndBelow() and type eq 'CustomRole'"),
            Some(vec![Term::Call("atscopeandbelow".into(), None), Term::Equals("type".into(), "CustomRole".into())])
        );
        assert_eq!(
            parse("assignedTo('11-22') AND roleName eq 'Bob''s role'"),
            Some(vec![
                Term::Call("assignedto".into(), Some("11-22".into())),
                Term::Equals("rolename".into(), "Bob's role".into())
            ])
        );
        assert_eq!(parse("principalId eq 11-22"), Some(vec![Term::Equals("principalid".into(), "11-22".into())]));
    }

    #[test]
    fn what_is_no_filter_is_not_read() {
        for text in
            ["and", "a", "a eq", "a eq 'b", "a ne 'b'", "a eq 'b' or c eq 'd'", "f(", "f('a'", "f(())", "a eq 'b' and"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
