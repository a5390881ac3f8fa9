//! The infix operators and how tightly they bind.
//!
//! Called by the expression parser only. It reads no tokens.

use crate::{ArithmeticOperator, Comparison};

/// How tightly an operator binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Power {
    Coalesce,
    Or,
    And,
    Comparison,
    Sum,
    Product,
    Operand,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    Coalesce,
    Or,
    And,
    Compare(Comparison),
    Member { wanted: bool },
    Arithmetic(ArithmeticOperator),
    Concat,
}

impl Operator {
    pub(super) fn power(self) -> Power {
        match self {
            Self::Coalesce => Power::Coalesce,
            Self::Or => Power::Or,
            Self::And => Power::And,
            Self::Compare(_) | Self::Member { .. } => Power::Comparison,
            Self::Arithmetic(ArithmeticOperator::Add | ArithmeticOperator::Subtract) | Self::Concat => Power::Sum,
            Self::Arithmetic(_) => Power::Product,
        }
    }
}

impl Power {
    /// What the right-hand side of an operator must bind tighter than.
    pub(super) fn tighter(self) -> Self {
        match self {
            Self::Coalesce => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Comparison,
            Self::Comparison => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Operand => Self::Operand,
        }
    }
}
