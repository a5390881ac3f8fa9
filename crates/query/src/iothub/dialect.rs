//! The rules of IoT Hub for names, functions and sizes.
//!
//! Called by the statement parser and, through [`Dialect`], by the expression parser. Everything it refuses it
//! refuses by name.

use crate::iothub::{From, names};
use crate::{Dialect, Function, Path, QueryError};

/// Characters of text in a query (query-twins, 2022).
pub const LONGEST_QUERY: usize = 8192;

/// The dialect over one collection.
pub(super) struct IotHub {
    pub(super) from: From,
}

/// Words of the statement and of expressions. `group` as a tag's name is refused by the service until it is
/// escaped (azure-docs issue 17106, 2018); the rest of the list is the one published for Digital Twins
/// (reference-query-reserved, 2025), which names the hub's collections and so is of the same grammar. Names of
/// functions are left out: they are told by their parenthesis. UNVERIFIED word by word.
const RESERVED: [&str; 18] = [
    "ALL", "AND", "AS", "ASC", "BY", "DESC", "FALSE", "FROM", "GROUP", "IN", "NIN", "NOT", "NULL", "OR", "ORDER",
    "SELECT", "TRUE", "WHERE",
];

/// Functions of message routing (iot-hub-devguide-routing-query-syntax), which twin queries do not have.
const ROUTING_ONLY: [&str; 19] = [
    "ABS",
    "AS_NUMBER",
    "CEILING",
    "CONCAT",
    "CONTAINS",
    "EXP",
    "FLOOR",
    "INDEX_OF",
    "IS_ARRAY",
    "IS_BOOL",
    "IS_NUMBER",
    "IS_OBJECT",
    "IS_PRIMITIVE",
    "IS_STRING",
    "LENGTH",
    "LOWER",
    "POWER",
    "SIGN",
    "SQRT",
];

const AGGREGATES: [&str; 5] = ["AVG", "COUNT", "MAX", "MIN", "SUM"];

/// Refuses text beyond [`LONGEST_QUERY`] before anything reads it.
pub(super) fn refuse_long(text: &str) -> Result<(), QueryError> {
    let Some((offset, _)) = text.char_indices().nth(LONGEST_QUERY) else { return Ok(()) };
    let message = format!("The query is longer than {LONGEST_QUERY} characters. Shorten it or split it into several.");
    Err(QueryError::at(text, offset, message))
}

impl Dialect for IotHub {
    /// Our own limit: the service documents none.
    fn nesting(&self) -> usize {
        64
    }

    /// No limit is documented but the text's own.
    fn array_items(&self) -> usize {
        LONGEST_QUERY
    }

    fn is_reserved(&self, word: &str) -> bool {
        is_one_of(&RESERVED, word)
    }

    fn function(&self, name: &str) -> Result<Function, String> {
        match name.to_ascii_uppercase().as_str() {
            "IS_DEFINED" => Ok(Function::IsDefined),
            // Undocumented and at work: the .NET SDK's own twin sample and IoT Explorer query with STARTSWITH,
            // and azure-docs issues 85381, 105649 and 110329 (2021 to 2023) report that only the spelling without
            // an underscore is taken in twin queries.
            "STARTSWITH" if self.from != From::Jobs => Ok(Function::StartsWith),
            "ENDSWITH" if self.from != From::Jobs => Ok(Function::EndsWith),
            // Azure CLI lists the children of an edge device with array_contains(parentScopes, '…').
            "ARRAY_CONTAINS" if self.from != From::Jobs => Ok(Function::ArrayContains),
            known => Err(self.refuse_function(known)),
        }
    }

    fn path(&self, names: Vec<String>) -> Result<Path, String> {
        names::resolve(self.from, names)
    }
}

impl IotHub {
    fn refuse_function(&self, name: &str) -> String {
        match name {
            "STARTSWITH" | "ENDSWITH" | "ARRAY_CONTAINS" | "STARTS_WITH" | "ENDS_WITH" if self.from == From::Jobs => {
                format!("{name} is not a function of job queries, whose only one is IS_DEFINED. Compare with = or IN.")
            }
            "STARTS_WITH" => "Twin queries spell it STARTSWITH; STARTS_WITH is for message routing.".to_owned(),
            "ENDS_WITH" => "Twin queries spell it ENDSWITH; ENDS_WITH is for message routing.".to_owned(),
            "IS_NULL" => "IS_NULL is a function of message routing. Write = null here.".to_owned(),
            _ if is_one_of(&AGGREGATES, name) => format!("{name} stands in the SELECT list only. Move it there."),
            _ if is_one_of(&ROUTING_ONLY, name) => {
                format!("{name} is a function of message routing. {}", self.offered())
            }
            _ => format!("There is no function {name}. {}", self.offered()),
        }
    }

    fn offered(&self) -> &'static str {
        match self.from {
            From::Jobs => "Job queries have IS_DEFINED only.",
            From::Devices | From::Modules => "Twin queries have IS_DEFINED, STARTSWITH, ENDSWITH and ARRAY_CONTAINS.",
        }
    }
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}
