//! Functions that answer a number. Called by [`super::Function`]; what a double cannot hold is undefined.

use serde_json::{Number, Value};

/// The number that `value` is or spells.
pub(super) fn of_value(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => spelt(text.trim()).map(Value::Number),
        _ => None,
    }
}

/// `calculate` of a number.
pub(super) fn calculated(value: Option<&Value>, calculate: fn(f64) -> f64) -> Option<Value> {
    Number::from_f64(calculate(value?.as_f64()?)).map(Value::Number)
}

pub(super) fn power(arguments: &[Option<&Value>]) -> Option<Value> {
    let [Some(base), Some(exponent)] = arguments else { return None };
    Number::from_f64(base.as_f64()?.powf(exponent.as_f64()?)).map(Value::Number)
}

pub(super) fn sign(value: &Value) -> Option<Value> {
    let value = value.as_f64()?;
    Some(Value::from(if value > 0.0 { 1 } else { -i32::from(value < 0.0) }))
}

/// Whole numbers stay exact. Words such as `inf`, which Rust would read, are not numbers.
fn spelt(text: &str) -> Option<Number> {
    if text.contains(|character: char| character.is_alphabetic() && !matches!(character, 'e' | 'E')) {
        return None;
    }
    let whole = text.parse::<i64>().map(Number::from).ok();
    whole.or_else(|| Number::from_f64(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Function;

    fn value(function: Function, argument: serde_json::Value) -> Option<f64> {
        function.apply(&[Some(&argument)])?.as_f64()
    }

    #[test]
    fn a_string_that_spells_a_number_is_one() {
        for (text, number) in [("3", 3.0), (" -4.5 ", -4.5), ("10e10", 10e10), ("+7", 7.0), (".5", 0.5)] {
            assert_eq!(value(Function::AsNumber, json!(text)), Some(number), "{text}");
        }
        for text in ["", "apple", "inf", "NaN", "1e999", "0x10", "3 apples"] {
            assert_eq!(value(Function::AsNumber, json!(text)), None, "{text}");
        }
        assert_eq!(value(Function::AsNumber, json!(5)), Some(5.0));
        assert_eq!(value(Function::AsNumber, json!(true)), None);
        let exact = Function::AsNumber.apply(&[Some(&json!("9007199254740993"))]);
        assert_eq!(exact, Some(json!(9_007_199_254_740_993_i64)));
    }

    #[test]
    fn functions_of_one_number_calculate_it() {
        for (function, argument, expected) in [
            (Function::Abs, -12.5, Some(12.5)),
            (Function::Exp, 0.0, Some(1.0)),
            (Function::Exp, 4000.0, None),
            (Function::Square, -3.0, Some(9.0)),
            (Function::Ceiling, 2.1, Some(3.0)),
            (Function::Ceiling, -2.1, Some(-2.0)),
            (Function::Floor, -2.1, Some(-3.0)),
            (Function::Sqrt, 4.0, Some(2.0)),
            (Function::Sqrt, -4.0, None),
            (Function::Sign, -2.1, Some(-1.0)),
            (Function::Sign, 0.0, Some(0.0)),
            (Function::Sign, 7.0, Some(1.0)),
        ] {
            assert_eq!(value(function, json!(argument)), expected, "{function:?} of {argument}");
            assert_eq!(value(function, json!("4")), None, "{function:?} of a string");
        }
    }

    #[test]
    fn a_power_needs_two_numbers() {
        let power = |base, exponent| Function::Power.apply(&[Some(&base), Some(&exponent)]);
        assert_eq!(power(json!(2), json!(3)).unwrap().as_f64(), Some(8.0));
        assert_eq!(power(json!(2), json!("3")), None);
        assert_eq!(power(json!(10), json!(4000)), None);
    }
}
