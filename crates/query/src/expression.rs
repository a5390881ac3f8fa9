//! The tree of an expression, common to every dialect.
//!
//! Built by [`crate::parser`]. Chains of `AND`, `OR` and arithmetic are flat lists, so that the tree is never
//! deeper than the nesting the parser allows: evaluating or dropping it cannot exhaust the stack.

use std::cmp::Ordering;

use serde_json::Value;

use crate::{Function, Path};

/// A value to be computed from a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A literal.
    Constant(Value),
    /// The literal `undefined`.
    Undefined,
    /// A property of the document.
    Property(Path),
    /// True where the operand is false.
    Not(Box<Expression>),
    /// True where all of these are.
    Every(Vec<Expression>),
    /// True where one of these is.
    Any(Vec<Expression>),
    /// The first of these that is defined.
    Coalesce(Vec<Expression>),
    /// Two values compared.
    Compare {
        /// What stands before the operator.
        left: Box<Expression>,
        /// The operator.
        comparison: Comparison,
        /// What stands after it.
        right: Box<Expression>,
    },
    /// Whether a value is one of a list (`IN`) or none of it (`NIN`).
    Member {
        /// The value.
        value: Box<Expression>,
        /// The list.
        list: Vec<Value>,
        /// Whether it should be in the list.
        wanted: bool,
    },
    /// Arithmetic, applied from left to right; precedence is already in the tree.
    Arithmetic {
        /// The first operand.
        first: Box<Expression>,
        /// Each operator with the operand after it.
        rest: Vec<(ArithmeticOperator, Expression)>,
    },
    /// A function applied.
    Call {
        /// The function.
        function: Function,
        /// As many as the function takes.
        arguments: Vec<Expression>,
    },
}

/// `=`, `!=` (or `<>`), `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators'")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `+`, `-`, `*`, `/`, `%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators'")]
pub enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Comparison {
    /// The comparison written so.
    pub(crate) fn of_symbol(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Equal,
            "!=" | "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether values that stand in this order satisfy it.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl ArithmeticOperator {
    /// The operator written so.
    pub(crate) fn of_symbol(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            _ => return None,
        })
    }
}
