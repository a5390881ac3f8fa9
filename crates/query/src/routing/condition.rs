//! A route's condition, compiled once and asked of every message.

use serde_json::Value;

use crate::lexer::{Kind, Spelling};
use crate::routing::dialect::Routing;
use crate::routing::lookup::Seen;
use crate::routing::{CompileError, Subject};
use crate::{Cursor, Expression, QueryError, parser};

/// Characters of a condition; the limit of every query text (query-twins, 2022).
pub const LONGEST_CONDITION: usize = 8192;

/// A compiled condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    form: Form,
    reads_body: bool,
    reads_twin: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Always,
    Computed(Expression),
}

/// What a condition says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The message is routed.
    True,
    /// It is not.
    False,
    /// It is not, for something that the condition needs is missing or of another kind.
    Undefined,
}

impl Condition {
    /// The condition that every message meets.
    pub const ALWAYS: Self = Self { form: Form::Always, reads_body: false, reads_twin: false };

    /// Reads a condition. An empty one is `true`, as one left out is (`RouteProperties.condition`, 2023-06-30).
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        Self::read(text).map_err(|error| CompileError::new(text, error))
    }

    fn read(text: &str) -> Result<Self, QueryError> {
        if let Some((offset, _)) = text.char_indices().nth(LONGEST_CONDITION) {
            let message = format!("The condition is longer than {LONGEST_CONDITION} characters. Shorten it.");
            return Err(QueryError::at(text, offset, message));
        }
        let mut cursor = Cursor::spelled(text, Spelling::Hyphenated)?;
        if cursor.peek() == &Kind::End {
            return Ok(Self::ALWAYS);
        }
        let dialect = Routing::default();
        let expression = parser::expression(&mut cursor, &dialect)?;
        if cursor.peek() != &Kind::End {
            let found = cursor.found();
            return Err(cursor.error_here(format!("{found} stands where an operator or the end is needed.")));
        }
        let form = match expression {
            Expression::Constant(Value::Bool(true)) => Form::Always,
            expression => Form::Computed(expression),
        };
        Ok(Self { form, reads_body: dialect.reads_body.get(), reads_twin: dialect.reads_twin.get() })
    }

    /// Whether every message meets it, so that none has to be looked at.
    pub fn is_always(&self) -> bool {
        self.form == Form::Always
    }

    /// Whether it names a value of the body.
    pub fn reads_body(&self) -> bool {
        self.reads_body
    }

    /// Whether it names a value of the twin.
    pub fn reads_twin(&self) -> bool {
        self.reads_twin
    }

    /// What it says of `subject`. `null` counts as false.
    pub fn judge<S: Subject + ?Sized>(&self, subject: &S) -> Verdict {
        let Form::Computed(expression) = &self.form else { return Verdict::True };
        match expression.evaluate(&Seen(subject)).as_deref() {
            Some(Value::Bool(true)) => Verdict::True,
            Some(Value::Bool(false) | Value::Null) => Verdict::False,
            _ => Verdict::Undefined,
        }
    }

    /// Whether `subject` meets it.
    pub fn matches<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        self.judge(subject) == Verdict::True
    }
}
