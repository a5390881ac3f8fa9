//! Reads expressions: a Pratt parser over the tokens, under the rules of a dialect.
//!
//! Called by the dialects' statements. Loosest first: `??`, OR, AND, NOT, comparisons with IN and NIN, sums,
//! products, minus. Recursion is bounded by [`Dialect::nesting`] times the seven levels of precedence; chains of
//! one operator are flat. It never evaluates anything.

mod operator;

use std::ops::RangeInclusive;

use operator::{Operator, Power};
use serde_json::{Number, Value};

use crate::lexer::Kind;
use crate::{ArithmeticOperator, Comparison, Cursor, Dialect, Expression, Function, QueryError, arithmetic};

/// Reads one expression and leaves the cursor after it.
pub fn expression<D: Dialect + ?Sized>(cursor: &mut Cursor<'_>, dialect: &D) -> Result<Expression, QueryError> {
    Parser { cursor, dialect, depth: 0 }.expression(Power::Coalesce)
}

struct Parser<'c, 't, D: Dialect + ?Sized> {
    cursor: &'c mut Cursor<'t>,
    dialect: &'c D,
    depth: usize,
}

impl<D: Dialect + ?Sized> Parser<'_, '_, D> {
    fn expression(&mut self, loosest: Power) -> Result<Expression, QueryError> {
        let mut left = self.operand()?;
        let mut compared = false;
        while let Some(operator) = self.operator()? {
            let power = operator.power();
            if power < loosest {
                break;
            }
            if power >= Power::Comparison && compared {
                let message = "A comparison cannot be compared or calculated with. Join two comparisons with AND, \
                               or put one in parentheses.";
                return Err(self.cursor.error_here(message));
            }
            compared = power == Power::Comparison;
            let (start, written) = (self.cursor.start(), self.cursor.written());
            self.cursor.advance();
            left = self.join(left, operator, start, written)?;
        }
        Ok(left)
    }

    /// The operator that stands next, not yet taken.
    fn operator(&self) -> Result<Option<Operator>, QueryError> {
        let word = match self.cursor.peek() {
            Kind::Symbol("||") => return Ok(Some(Operator::Concat)),
            Kind::Symbol("??") => return Ok(Some(Operator::Coalesce)),
            Kind::Symbol(symbol) => {
                let arithmetic = ArithmeticOperator::of_symbol(symbol).map(Operator::Arithmetic);
                return Ok(arithmetic.or_else(|| Comparison::of_symbol(symbol).map(Operator::Compare)));
            }
            Kind::Word(word) => *word,
            _ => return Ok(None),
        };
        Ok(match word.to_ascii_uppercase().as_str() {
            "OR" => Some(Operator::Or),
            "AND" => Some(Operator::And),
            "IN" => Some(Operator::Member { wanted: true }),
            "NIN" => Some(Operator::Member { wanted: false }),
            "NOT" => {
                return Err(self.foreign("NOT after a value", "Write NIN [..] for not in a list, or NOT before it"));
            }
            "LIKE" => return Err(self.foreign("LIKE", "Compare with =, or list the values with IN [..]")),
            "BETWEEN" => return Err(self.foreign("BETWEEN", "Write two comparisons joined with AND")),
            "IS" => return Err(self.foreign("IS", "Write = null, or ask IS_DEFINED(property)")),
            _ => None,
        })
    }

    fn foreign(&self, what: &str, remedy: &str) -> QueryError {
        self.cursor.error_here(format!("{what} is not part of this query language. {remedy}."))
    }

    /// `left` and what stands after `operator`, which began at `start` as `written`.
    fn join(
        &mut self,
        left: Expression,
        operator: Operator,
        start: usize,
        written: &str,
    ) -> Result<Expression, QueryError> {
        if let Operator::Member { wanted } = operator {
            self.check(start, written, &[&left])?;
            let list = self.array()?;
            return Ok(Expression::Member { value: Box::new(left), list, wanted });
        }
        let right = self.expression(operator.power().tighter())?;
        self.check(start, written, &[&left, &right])?;
        Ok(match operator {
            Operator::Coalesce => match left {
                Expression::Coalesce(mut operands) => {
                    operands.push(right);
                    Expression::Coalesce(operands)
                }
                left => Expression::Coalesce(vec![left, right]),
            },
            Operator::Concat => match left {
                Expression::Call { function: Function::Concat, mut arguments } => {
                    arguments.push(right);
                    Expression::Call { function: Function::Concat, arguments }
                }
                left => Expression::Call { function: Function::Concat, arguments: vec![left, right] },
            },
            Operator::Or => match left {
                Expression::Any(mut operands) => {
                    operands.push(right);
                    Expression::Any(operands)
                }
                left => Expression::Any(vec![left, right]),
            },
            Operator::And => match left {
                Expression::Every(mut operands) => {
                    operands.push(right);
                    Expression::Every(operands)
                }
                left => Expression::Every(vec![left, right]),
            },
            Operator::Arithmetic(operator) => calculation(left, operator, right),
            Operator::Compare(comparison) => {
                Expression::Compare { left: Box::new(left), comparison, right: Box::new(right) }
            }
            Operator::Member { .. } => left,
        })
    }

    /// Asks the dialect whether an operator may have these operands.
    fn check(&self, start: usize, written: &str, operands: &[&Expression]) -> Result<(), QueryError> {
        self.dialect.operator(written, operands).map_err(|message| self.cursor.error_at(start, message))
    }

    fn operand(&mut self) -> Result<Expression, QueryError> {
        let constant = match self.cursor.peek() {
            Kind::Text(text) => Some(Value::String(text.clone())),
            Kind::Number(number) => Some(Value::Number(number.clone())),
            Kind::Word(word) => constant_word(word),
            _ => None,
        };
        if let Some(constant) = constant {
            self.cursor.advance();
            self.refuse_doubled_quote()?;
            return Ok(Expression::Constant(constant));
        }
        match self.cursor.peek() {
            Kind::Symbol("(") => self.nested(|parser| {
                parser.cursor.advance();
                let inside = parser.expression(Power::Coalesce)?;
                parser.cursor.expect_symbol(")", "to close the parentheses")?;
                Ok(inside)
            }),
            Kind::Symbol("-") => self.nested(|parser| {
                let start = parser.cursor.start();
                parser.cursor.advance();
                let operand = parser.operand()?;
                parser.check(start, "-", &[&operand])?;
                let nothing = Expression::Constant(Value::from(0));
                Ok(calculation(nothing, ArithmeticOperator::Subtract, operand))
            }),
            Kind::Symbol("[") => {
                let message = "An array of constants can only stand after IN or NIN. Compare with one constant here.";
                Err(self.cursor.error_here(message))
            }
            Kind::Word(word) if word.eq_ignore_ascii_case("NOT") => self.nested(|parser| {
                let start = parser.cursor.start();
                parser.cursor.advance();
                let operand = parser.expression(Power::Comparison)?;
                parser.check(start, "NOT", &[&operand])?;
                Ok(Expression::Not(Box::new(operand)))
            }),
            Kind::Word(_) if self.cursor.is_followed_by("(") => self.nested(Self::call),
            Kind::Word(_) | Kind::Escaped(_) => match self.dialect.operand(self.cursor)? {
                Some(operand) => Ok(operand),
                None => self.property(),
            },
            _ => {
                if let Some(operand) = self.dialect.operand(self.cursor)? {
                    return Ok(operand);
                }
                let message =
                    format!("{} stands where a property, a constant or a function is needed.", self.cursor.found());
                Err(self.cursor.error_here(message))
            }
        }
    }

    /// Runs `read` one level deeper, or refuses to.
    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Expression, QueryError>,
    ) -> Result<Expression, QueryError> {
        if self.depth >= self.dialect.nesting() {
            let message = format!(
                "The expression nests more than {} levels deep. Take away parentheses, NOTs or minus signs that it \
                 does not need.",
                self.dialect.nesting()
            );
            return Err(self.cursor.error_here(message));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn property(&mut self) -> Result<Expression, QueryError> {
        let undefined = self.cursor.is_keyword("UNDEFINED") && !self.cursor.is_followed_by(".");
        let name = self.cursor.name(|word| self.dialect.is_reserved(word))?;
        if undefined {
            return Ok(Expression::Undefined);
        }
        match self.dialect.path(name.segments) {
            Ok(path) => Ok(Expression::Property(path)),
            Err(message) => Err(self.cursor.error_at(name.start, message)),
        }
    }

    fn call(&mut self) -> Result<Expression, QueryError> {
        let Kind::Word(name) = *self.cursor.peek() else {
            return Err(self.cursor.error_here("A function name is needed here."));
        };
        let function = match self.dialect.function(name) {
            Ok(function) => function,
            Err(message) => return Err(self.cursor.error_here(message)),
        };
        let start = self.cursor.start();
        self.cursor.advance();
        self.cursor.advance();
        let arguments = self.arguments()?;
        if !function.arity().contains(&arguments.len()) {
            let message = format!("{name} takes {} and has {}.", counted(&function.arity()), arguments.len());
            return Err(self.cursor.error_at(start, message));
        }
        if function.takes_property() && !matches!(arguments[..], [Expression::Property(_)]) {
            let message = format!("{name} asks about a property, as in {name}(tags.building). Put a property there.");
            return Err(self.cursor.error_at(start, message));
        }
        self.dialect.call(name, function, &arguments).map_err(|message| self.cursor.error_at(start, message))?;
        Ok(Expression::Call { function, arguments })
    }

    /// What stands between a function's parentheses, and the closing one.
    fn arguments(&mut self) -> Result<Vec<Expression>, QueryError> {
        let mut arguments = Vec::new();
        if self.cursor.take_symbol(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(Power::Coalesce)?);
            if !self.cursor.take_symbol(",") {
                self.cursor.expect_symbol(")", "to close the function's arguments")?;
                return Ok(arguments);
            }
        }
    }

    /// The list after IN or NIN.
    fn array(&mut self) -> Result<Vec<Value>, QueryError> {
        let start = self.cursor.start();
        if !self.cursor.take_symbol("[") {
            let message = format!(
                "{} stands where a list in square brackets is needed. Write IN ['a', 'b'].",
                self.cursor.found()
            );
            return Err(self.cursor.error_here(message));
        }
        let mut list = vec![self.array_constant()?];
        while self.cursor.take_symbol(",") {
            list.push(self.array_constant()?);
        }
        self.cursor.expect_symbol("]", "to close the list")?;
        if list.len() > self.dialect.array_items() {
            let message =
                format!("The list holds {} values; at most {} are allowed.", list.len(), self.dialect.array_items());
            return Err(self.cursor.error_at(start, message));
        }
        Ok(list)
    }

    fn array_constant(&mut self) -> Result<Value, QueryError> {
        let negative = self.cursor.take_symbol("-");
        let constant = match self.cursor.peek() {
            Kind::Number(number) if negative => negated(number).map(Value::Number),
            _ if negative => None,
            Kind::Number(number) => Some(Value::Number(number.clone())),
            Kind::Text(text) => Some(Value::String(text.clone())),
            Kind::Word(word) => constant_word(word),
            _ => None,
        };
        let Some(constant) = constant else {
            let message =
                format!("{} stands where a list needs a string, a number, true, false or null.", self.cursor.found());
            return Err(self.cursor.error_here(message));
        };
        self.cursor.advance();
        self.refuse_doubled_quote()?;
        Ok(constant)
    }

    /// `'it''s'` is two strings to the lexer; say what the one string is here.
    fn refuse_doubled_quote(&self) -> Result<(), QueryError> {
        if matches!(self.cursor.peek(), Kind::Text(_)) {
            let message = "A string stands right after another value. A quote inside a string is written \\', and \
                           two values need an operator between them.";
            return Err(self.cursor.error_here(message));
        }
        Ok(())
    }
}

fn constant_word(word: &str) -> Option<Value> {
    if word.eq_ignore_ascii_case("true") {
        Some(Value::Bool(true))
    } else if word.eq_ignore_ascii_case("false") {
        Some(Value::Bool(false))
    } else {
        word.eq_ignore_ascii_case("null").then_some(Value::Null)
    }
}

/// `left operator right`, as one flat chain: what is on the left is calculated first in any case.
fn calculation(left: Expression, operator: ArithmeticOperator, right: Expression) -> Expression {
    match left {
        Expression::Arithmetic { first, mut rest } => {
            rest.push((operator, right));
            Expression::Arithmetic { first, rest }
        }
        left => Expression::Arithmetic { first: Box::new(left), rest: vec![(operator, right)] },
    }
}

fn negated(number: &Number) -> Option<Number> {
    arithmetic::apply(&Number::from(0), ArithmeticOperator::Subtract, number)
}

fn counted(arguments: &RangeInclusive<usize>) -> String {
    match (*arguments.start(), *arguments.end()) {
        (1, 1) => "one argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, usize::MAX) => format!("{least} or more arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}

#[cfg(test)]
mod tests;
