//! Evaluates an expression over a document.
//!
//! Called by the dialects for every document of a collection, so it borrows where it can. Logic has three
//! values: an operand that is not a Boolean, or is undefined, is neither true nor false, and only a condition
//! that is true selects ("any constant different than Boolean true is considered as false",
//! iot-hub-devguide-query-language). It never fails and never recurses deeper than the parser's nesting.

use std::borrow::Cow;

use serde_json::Value;

use crate::compare::{compare, is_primitive};
use crate::{ArithmeticOperator, Comparison, Document, Expression, arithmetic};

impl Expression {
    /// The value over `document`; `None` when it is undefined.
    pub fn evaluate<'a, D: Document + ?Sized>(&'a self, document: &'a D) -> Option<Cow<'a, Value>> {
        match self {
            Self::Constant(value) => Some(Cow::Borrowed(value)),
            Self::Undefined => None,
            Self::Property(path) => document.lookup(path),
            Self::Not(operand) => boolean(operand.truth(document).map(|truth| !truth)),
            Self::Every(operands) => boolean(first_or_unknown(operands, document, false)),
            Self::Any(operands) => boolean(first_or_unknown(operands, document, true)),
            Self::Coalesce(operands) => operands.iter().find_map(|operand| operand.evaluate(document)),
            Self::Compare { left, comparison, right } => {
                boolean(compare(&*left.evaluate(document)?, *comparison, &*right.evaluate(document)?))
            }
            Self::Member { value, list, wanted } => {
                boolean(is_member(&*value.evaluate(document)?, list).map(|member| member == *wanted))
            }
            Self::Arithmetic { first, rest } => calculate(first, rest, document).map(Cow::Owned),
            Self::Call { function, arguments } => {
                let values: Vec<_> = arguments.iter().map(|argument| argument.evaluate(document)).collect();
                let values: Vec<_> = values.iter().map(Option::as_deref).collect();
                function.apply(&values).map(Cow::Owned)
            }
        }
    }

    /// Whether this condition selects `document`.
    pub fn matches<D: Document + ?Sized>(&self, document: &D) -> bool {
        self.truth(document) == Some(true)
    }

    fn truth<D: Document + ?Sized>(&self, document: &D) -> Option<bool> {
        self.evaluate(document)?.as_bool()
    }
}

fn boolean<'a>(truth: Option<bool>) -> Option<Cow<'a, Value>> {
    truth.map(|truth| Cow::Owned(Value::Bool(truth)))
}

/// `decisive` as soon as one operand is; unknown when one is; else the opposite.
fn first_or_unknown<D: Document + ?Sized>(operands: &[Expression], document: &D, decisive: bool) -> Option<bool> {
    let mut otherwise = Some(!decisive);
    for operand in operands {
        match operand.truth(document) {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => otherwise = None,
        }
    }
    otherwise
}

fn is_member(value: &Value, list: &[Value]) -> Option<bool> {
    is_primitive(value).then(|| list.iter().any(|item| compare(value, Comparison::Equal, item) == Some(true)))
}

fn calculate<D: Document + ?Sized>(
    first: &Expression,
    rest: &[(ArithmeticOperator, Expression)],
    document: &D,
) -> Option<Value> {
    let mut result = first.evaluate(document)?.as_number()?.clone();
    for (operator, operand) in rest {
        result = arithmetic::apply(&result, *operator, operand.evaluate(document)?.as_number()?)?;
    }
    Some(Value::Number(result))
}
