//! A property path: the names from the top of a document down to one property.
//!
//! Made by the parser through the dialect, read by documents. It never holds an empty list of names.

use std::fmt;

/// The names from the top of a document down to a property, for instance `tags`, `location`, `region`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    above: Vec<String>,
    last: String,
}

impl Path {
    /// A path of these names, top first; `None` for an empty list.
    pub fn new(mut names: Vec<String>) -> Option<Self> {
        let last = names.pop()?;
        Some(Self { above: names, last })
    }

    /// The names, top first.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.above.iter().map(String::as_str).chain(std::iter::once(self.last.as_str()))
    }

    /// The name of the property itself.
    pub fn last(&self) -> &str {
        &self.last
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.segments().enumerate() {
            if index > 0 {
                formatter.write_str(".")?;
            }
            if crate::lexer::is_plain_name(name) {
                formatter.write_str(name)?;
            } else {
                write!(formatter, "[[{name}]]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prints_as_a_query_would_write_it() {
        let path = Path::new(vec!["tags".to_owned(), "my tag".to_owned(), "$x".to_owned()]).unwrap();
        assert_eq!(path.to_string(), "tags.[[my tag]].$x");
        assert_eq!(path.last(), "$x");
    }

    #[test]
    fn there_is_no_path_of_no_names() {
        assert_eq!(Path::new(Vec::new()), None);
    }
}
