//! Compares two JSON values as the query languages do.
//!
//! Called by evaluation, `IN` and aggregates. Only primitives of one type are comparable ("comparisons are
//! supported only between primitive types", query-twins, 2022); everything else is undefined, never an error.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::Comparison;

/// Whether the comparison holds; `None` when these values cannot be compared.
///
/// `null` may be tested for equality against any primitive, so that `x != null` finds the values that are set.
pub(crate) fn compare(left: &Value, comparison: Comparison, right: &Value) -> Option<bool> {
    if let Some(order) = order(left, right) {
        return Some(comparison.holds(order));
    }
    let one_is_null = left.is_null() || right.is_null();
    match comparison {
        Comparison::Equal if one_is_null && is_primitive(left) && is_primitive(right) => Some(false),
        Comparison::NotEqual if one_is_null && is_primitive(left) && is_primitive(right) => Some(true),
        _ => None,
    }
}

/// How two primitives of the same type stand; strings by code unit, `false` before `true`.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => number_order(left, right),
        (Value::String(left), Value::String(right)) => Some(left.encode_utf16().cmp(right.encode_utf16())),
        _ => None,
    }
}

/// Whether the value is a string, number, Boolean or `null`.
pub(crate) fn is_primitive(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// The number as a whole one, when it was written as such.
pub(crate) fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn number_order(left: &Number, right: &Number) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => Some(whole_against_float(left, right.as_f64()?)),
        (None, Some(right)) => Some(whole_against_float(right, left.as_f64()?).reverse()),
        (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Exact: no whole number is rounded to a double on the way.
fn whole_against_float(whole: i128, float: f64) -> Ordering {
    const PAST_U64: f64 = 18_446_744_073_709_551_616.0;
    const LEAST_I64: f64 = -9_223_372_036_854_775_808.0;
    let floor = float.floor();
    if floor >= PAST_U64 {
        return Ordering::Less;
    }
    if floor < LEAST_I64 {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number between -2^63 and 2^64 fits exactly")]
    let below = floor as i128;
    whole.cmp(&below).then(if float > floor { Ordering::Less } else { Ordering::Equal })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_and_fractions_compare_exactly() {
        assert_eq!(order(&json!(1), &json!(1.0)), Some(Ordering::Equal));
        assert_eq!(order(&json!(1), &json!(1.5)), Some(Ordering::Less));
        assert_eq!(order(&json!(-1), &json!(-1.5)), Some(Ordering::Greater));
        assert_eq!(order(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992.0)), Some(Ordering::Greater));
        assert_eq!(order(&json!(u64::MAX), &json!(18_446_744_073_709_551_616.0)), Some(Ordering::Less));
        assert_eq!(order(&json!(i64::MIN), &json!(-1e300)), Some(Ordering::Greater));
        assert_eq!(order(&json!(1e300), &json!(u64::MAX)), Some(Ordering::Greater));
    }

    #[test]
    fn strings_compare_by_code_unit() {
        assert_eq!(order(&json!("Z"), &json!("a")), Some(Ordering::Less));
        assert_eq!(order(&json!("\u{1F600}"), &json!("\u{FF00}")), Some(Ordering::Less));
    }

    #[test]
    fn different_types_cannot_be_compared() {
        for comparison in [Comparison::Equal, Comparison::NotEqual, Comparison::Less] {
            assert_eq!(compare(&json!("1"), comparison, &json!(1)), None);
            assert_eq!(compare(&json!({}), comparison, &json!({})), None);
            assert_eq!(compare(&json!([1]), comparison, &json!(null)), None);
        }
    }

    #[test]
    fn null_is_only_equal_to_null() {
        assert_eq!(compare(&json!(null), Comparison::Equal, &json!(null)), Some(true));
        assert_eq!(compare(&json!("x"), Comparison::Equal, &json!(null)), Some(false));
        assert_eq!(compare(&json!(null), Comparison::NotEqual, &json!(0)), Some(true));
        assert_eq!(compare(&json!(null), Comparison::Less, &json!(0)), None);
    }
}
