//! Arithmetic over JSON numbers.
//!
//! Called by evaluation and by sums. Whole numbers stay exact while they fit 64 bits and become doubles
//! beyond; what has no value (division by nothing, overflow of a double) is undefined, never an error.

use serde_json::Number;

use crate::ArithmeticOperator;
use crate::compare::whole;

/// The result, or `None` when it is undefined.
pub(crate) fn apply(left: &Number, operator: ArithmeticOperator, right: &Number) -> Option<Number> {
    if let (Some(left), Some(right)) = (whole(left), whole(right))
        && let Some(exact) = apply_whole(left, operator, right).and_then(whole_number)
    {
        return Some(exact);
    }
    let (left, right) = (left.as_f64()?, right.as_f64()?);
    Number::from_f64(match operator {
        ArithmeticOperator::Add => left + right,
        ArithmeticOperator::Subtract => left - right,
        ArithmeticOperator::Multiply => left * right,
        ArithmeticOperator::Divide => left / right,
        ArithmeticOperator::Remainder => left % right,
    })
}

/// Operands are within 65 bits, so a product is within 128.
fn apply_whole(left: i128, operator: ArithmeticOperator, right: i128) -> Option<i128> {
    match operator {
        ArithmeticOperator::Add => left.checked_add(right),
        ArithmeticOperator::Subtract => left.checked_sub(right),
        ArithmeticOperator::Multiply => left.checked_mul(right),
        ArithmeticOperator::Divide if left.checked_rem(right)? == 0 => left.checked_div(right),
        ArithmeticOperator::Divide => None,
        ArithmeticOperator::Remainder => left.checked_rem(right),
    }
}

fn whole_number(value: i128) -> Option<Number> {
    i64::try_from(value).map(Number::from).or_else(|_| u64::try_from(value).map(Number::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    fn result(left: &str, operator: ArithmeticOperator, right: &str) -> Option<String> {
        apply(&number(left), operator, &number(right)).map(|number| number.to_string())
    }

    #[test]
    fn whole_numbers_stay_exact() {
        assert_eq!(result("9007199254740993", ArithmeticOperator::Add, "1").as_deref(), Some("9007199254740994"));
        assert_eq!(result("6", ArithmeticOperator::Divide, "3").as_deref(), Some("2"));
        assert_eq!(result("-7", ArithmeticOperator::Remainder, "3").as_deref(), Some("-1"));
    }

    #[test]
    fn a_division_with_a_rest_is_a_fraction() {
        assert_eq!(result("5", ArithmeticOperator::Divide, "2").as_deref(), Some("2.5"));
    }

    #[test]
    fn what_leaves_64_bits_becomes_a_double() {
        let product = result("18446744073709551615", ArithmeticOperator::Multiply, "18446744073709551615");
        assert_eq!(product.as_deref(), Some("3.402823669209385e+38"));
    }

    #[test]
    fn division_by_nothing_is_undefined() {
        assert_eq!(result("1", ArithmeticOperator::Divide, "0"), None);
        assert_eq!(result("1", ArithmeticOperator::Remainder, "0"), None);
        assert_eq!(result("1e308", ArithmeticOperator::Multiply, "10"), None);
    }
}
