//! What kind of value an expression has, as far as its text tells.
//!
//! Called by the dialect for every operator and call. Application and system properties are strings, whatever they
//! spell ("all message properties are strings", iot-hub-devguide-query-language); what a body or a twin holds is known
//! only when a message comes.

use serde_json::Value;

use crate::{Expression, Function};

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    Null,
    Undefined,
    /// A value of a body or a twin.
    Any,
}

impl Kind {
    /// The kind of `expression`. Never looks deeper than one level, so that checking a condition is linear.
    pub(super) fn of(expression: &Expression) -> Self {
        match expression {
            Expression::Constant(Value::String(_)) => Self::Text,
            Expression::Constant(Value::Number(_)) | Expression::Arithmetic { .. } => Self::Number,
            Expression::Constant(Value::Null) => Self::Null,
            Expression::Undefined => Self::Undefined,
            Expression::Constant(_)
            | Expression::Not(_)
            | Expression::Every(_)
            | Expression::Any(_)
            | Expression::Compare { .. }
            | Expression::Member { .. } => Self::Boolean,
            Expression::Property(path) if super::names::is_document(path) => Self::Any,
            Expression::Property(_) => Self::Text,
            // All operands of `??` are of one kind; the last one is the only that may be told apart from undefined.
            Expression::Coalesce(operands) => operands.last().map_or(Self::Undefined, Self::of),
            Expression::Call { function, .. } => Self::of_call(*function),
        }
    }

    fn of_call(function: Function) -> Self {
        match function {
            Function::Concat | Function::Lower | Function::Upper | Function::Substring => Self::Text,
            Function::AsNumber
            | Function::Abs
            | Function::Exp
            | Function::Power
            | Function::Square
            | Function::Ceiling
            | Function::Floor
            | Function::Sign
            | Function::Sqrt
            | Function::Length
            | Function::IndexOf => Self::Number,
            _ => Self::Boolean,
        }
    }

    /// Whether values of the two kinds can meet in one operator.
    pub(super) fn meets(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Boolean => "a Boolean",
            Self::Null => "null",
            Self::Undefined => "undefined",
            Self::Any => "a value of the body or twin",
        }
    }
}
