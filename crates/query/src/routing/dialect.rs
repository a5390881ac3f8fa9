//! The rules of routing conditions for names, operators, functions and sizes.
//!
//! Called through [`Dialect`] by the expression parser. A kind of value that an operator or function cannot take is
//! refused when the route is written, as the service does: a property compared with a number needs `AS_NUMBER`.

use std::cell::Cell;

use crate::lexer::Kind as Token;
use crate::routing::kind::Kind;
use crate::routing::names::{self, APPLICATION, BODY, SYSTEM, SYSTEM_ONLY, TWIN};
use crate::{Cursor, Dialect, Expression, Function, Path, QueryError};

/// The dialect, and what the condition has named so far.
#[derive(Default)]
pub(super) struct Routing {
    pub(super) reads_body: Cell<bool>,
    pub(super) reads_twin: Cell<bool>,
}

/// Every function of routing conditions (iot-hub-devguide-query-language, "Functions").
const FUNCTIONS: [(&str, Function); 26] = [
    ("ABS", Function::Abs),
    ("EXP", Function::Exp),
    ("POWER", Function::Power),
    ("SQUARE", Function::Square),
    ("CEILING", Function::Ceiling),
    ("FLOOR", Function::Floor),
    ("SIGN", Function::Sign),
    ("SQRT", Function::Sqrt),
    ("AS_NUMBER", Function::AsNumber),
    ("IS_ARRAY", Function::IsArray),
    ("IS_BOOL", Function::IsBool),
    ("IS_DEFINED", Function::HasValue),
    ("IS_NULL", Function::IsNull),
    ("IS_NUMBER", Function::IsNumber),
    ("IS_OBJECT", Function::IsObject),
    ("IS_PRIMITIVE", Function::IsPrimitive),
    ("IS_STRING", Function::IsString),
    ("CONCAT", Function::Concat),
    ("LENGTH", Function::Length),
    ("LOWER", Function::Lower),
    ("UPPER", Function::Upper),
    ("SUBSTRING", Function::Substring),
    ("INDEX_OF", Function::IndexOf),
    ("STARTS_WITH", Function::StartsWith),
    ("ENDS_WITH", Function::EndsWith),
    ("CONTAINS", Function::Contains),
];

impl Dialect for Routing {
    /// Our own limit: the service documents none.
    fn nesting(&self) -> usize {
        64
    }

    fn array_items(&self) -> usize {
        0
    }

    fn is_reserved(&self, word: &str) -> bool {
        ["AND", "OR", "NOT"].iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
    }

    fn function(&self, name: &str) -> Result<Function, String> {
        let known = FUNCTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, function)| *function).ok_or_else(|| match name.to_ascii_uppercase().as_str() {
            "STARTSWITH" => "Routing conditions spell it STARTS_WITH.".to_owned(),
            "ENDSWITH" => "Routing conditions spell it ENDS_WITH.".to_owned(),
            _ => format!("There is no function {name} in routing conditions."),
        })
    }

    fn path(&self, names: Vec<String>) -> Result<Path, String> {
        Path::new(vec![APPLICATION.to_owned(), names.join(".")]).ok_or_else(|| "A name is needed.".to_owned())
    }

    fn operand(&self, cursor: &mut Cursor<'_>) -> Result<Option<Expression>, QueryError> {
        match *cursor.peek() {
            Token::Word(word) if word.starts_with('$') => self.dollar(cursor, SYSTEM).map(Some),
            Token::Symbol("{") => {
                cursor.advance();
                if !matches!(cursor.peek(), Token::Word(word) if word.starts_with('$')) {
                    return Err(cursor.error_here("Between braces goes a name that begins with $, as in {$messageId}."));
                }
                let named = self.dollar(cursor, SYSTEM_ONLY)?;
                cursor.expect_symbol("}", "to close the braces")?;
                Ok(Some(named))
            }
            _ => Ok(None),
        }
    }

    fn operator(&self, written: &str, operands: &[&Expression]) -> Result<(), String> {
        let mut kinds = operands.iter().map(|operand| Kind::of(operand));
        let (Some(left), right) = (kinds.next(), kinds.next()) else { return Ok(()) };
        let all = |needed: fn(Kind) -> bool| needed(left) && right.is_none_or(needed);
        let allowed = match written.to_ascii_uppercase().as_str() {
            "IN" | "NIN" => {
                return Err(format!("{written} is not part of routing conditions. Join comparisons with OR."));
            }
            "AND" | "OR" | "NOT" => all(is_truth),
            "-" if right.is_none() => all(|kind| kind.meets(Kind::Number) || kind == Kind::Undefined),
            "+" | "-" | "*" | "/" | "%" => all(|kind| kind.meets(Kind::Number)),
            "||" => all(|kind| kind.meets(Kind::Text)),
            _ => right.is_none_or(|right| left.meets(right)),
        };
        if allowed {
            return Ok(());
        }
        let given =
            right.map_or_else(|| left.name().to_owned(), |right| format!("{} and {}", left.name(), right.name()));
        let remedy = match (left, right) {
            (Kind::Text, Some(Kind::Number)) | (Kind::Number, Some(Kind::Text)) => {
                " A property is a string: read it with AS_NUMBER(..), or put the number in quotes."
            }
            (Kind::Text, Some(Kind::Boolean)) | (Kind::Boolean, Some(Kind::Text)) => {
                " A property is a string: compare it with 'true' or 'false' in quotes."
            }
            (Kind::Text, Some(Kind::Null)) | (Kind::Null, Some(Kind::Text)) => " Ask IS_NULL(..) or IS_DEFINED(..).",
            _ => "",
        };
        Err(format!("The operator {written} cannot have {given}.{remedy}"))
    }

    fn call(&self, name: &str, function: Function, arguments: &[Expression]) -> Result<(), String> {
        for (index, argument) in arguments.iter().enumerate() {
            let given = Kind::of(argument);
            let needed = match needed(function, index) {
                Some(needed) => needed,
                None if function == Function::AsNumber && !matches!(given, Kind::Text | Kind::Number | Kind::Any) => {
                    Kind::Text
                }
                None => continue,
            };
            if !given.meets(needed) {
                let place = index + 1;
                return Err(format!("Argument {place} of {name} must be {}, not {}.", needed.name(), given.name()));
            }
        }
        Ok(())
    }
}

/// What logic takes: Booleans, and what counts as false or as neither.
fn is_truth(kind: Kind) -> bool {
    matches!(kind, Kind::Boolean | Kind::Null | Kind::Undefined | Kind::Any)
}

/// The kind that an argument must have; `None` where any will do.
fn needed(function: Function, index: usize) -> Option<Kind> {
    match function {
        Function::Abs
        | Function::Exp
        | Function::Power
        | Function::Square
        | Function::Ceiling
        | Function::Floor
        | Function::Sign
        | Function::Sqrt => Some(Kind::Number),
        Function::Substring if index > 0 => Some(Kind::Number),
        Function::Concat
        | Function::Length
        | Function::Lower
        | Function::Upper
        | Function::Substring
        | Function::IndexOf
        | Function::StartsWith
        | Function::EndsWith
        | Function::Contains => Some(Kind::Text),
        _ => None,
    }
}

impl Routing {
    /// Reads a name that begins with `$`: into the body, into the twin, or of a system property under `place`.
    fn dollar(&self, cursor: &mut Cursor<'_>, place: &str) -> Result<Expression, QueryError> {
        let word = cursor.written();
        if word.eq_ignore_ascii_case(BODY) {
            self.reads_body.set(true);
            return document(cursor, BODY);
        }
        if word.eq_ignore_ascii_case(TWIN) {
            self.reads_twin.set(true);
            return document(cursor, TWIN);
        }
        let name = cursor.name(|_| false)?.segments.join(".");
        let segments = vec![place.to_owned(), name.trim_start_matches('$').to_owned()];
        Ok(Path::new(segments).map_or(Expression::Undefined, Expression::Property))
    }
}

/// Reads `$body.a[0].b`. The whole body or twin, and an element of the body itself, are undefined
/// (iot-hub-devguide-routing-query-syntax, note under "Query expressions").
fn document(cursor: &mut Cursor<'_>, place: &str) -> Result<Expression, QueryError> {
    cursor.advance();
    let mut segments = vec![place.to_owned()];
    let whole = index(cursor)?.is_some();
    while cursor.take_symbol(".") {
        let Token::Word(name) = *cursor.peek() else {
            return Err(cursor.error_here(format!("{} stands where a name is needed.", cursor.found())));
        };
        segments.push(name.to_owned());
        cursor.advance();
        segments.extend(index(cursor)?);
    }
    if matches!(cursor.peek(), Token::Symbol("[")) {
        return Err(cursor.error_here("One index stands after a name. An array in an array cannot be reached."));
    }
    segments.truncate(if whole { 1 } else { segments.len() });
    Ok(Path::new(segments).map_or(Expression::Undefined, Expression::Property))
}

/// Reads `[0]`, if it stands there, as a segment.
fn index(cursor: &mut Cursor<'_>) -> Result<Option<String>, QueryError> {
    if !cursor.take_symbol("[") {
        return Ok(None);
    }
    let number = match cursor.peek() {
        Token::Number(number) => number.as_u64(),
        _ => None,
    };
    let Some(number) = number else {
        return Err(cursor.error_here("Between square brackets goes the number of an element, as in [0]."));
    };
    cursor.advance();
    cursor.expect_symbol("]", "after the number of the element")?;
    Ok(Some(names::index_segment(number)))
}
