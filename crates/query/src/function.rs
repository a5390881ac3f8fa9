//! The functions the core can evaluate; each dialect says which of them it offers and how they are spelt.
//!
//! Called by the parser for the number of arguments, and by evaluation. A function never fails: an argument
//! of a type it has no use for makes its value undefined.

mod number;
mod text;

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::Comparison;
use crate::compare::{compare, is_primitive};

/// A function of the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Whether a property is there, `null` included.
    IsDefined,
    /// Whether a value is a Boolean.
    IsBool,
    /// Whether a value is a number.
    IsNumber,
    /// Whether a value is a string.
    IsString,
    /// Whether a value is an object.
    IsObject,
    /// Whether a value is an array.
    IsArray,
    /// Whether a value is `null`.
    IsNull,
    /// Whether a value is a string, number, Boolean or `null`.
    IsPrimitive,
    /// Whether a string begins with another.
    StartsWith,
    /// Whether a string ends with another.
    EndsWith,
    /// Whether a string has another in it.
    Contains,
    /// Whether an array has a primitive value among its items.
    ArrayContains,
    /// Whether any expression, not only a property, has a primitive value.
    HasValue,
    /// The number that a string spells; a number stays.
    AsNumber,
    /// The absolute value of a number.
    Abs,
    /// e to the power of a number.
    Exp,
    /// A number to the power of another.
    Power,
    /// A number times itself.
    Square,
    /// The smallest whole number not below a number.
    Ceiling,
    /// The largest whole number not above a number.
    Floor,
    /// 1, 0 or -1, as a number is above, at or below nothing.
    Sign,
    /// The square root of a number that is not negative.
    Sqrt,
    /// Strings put together; `null` adds nothing.
    Concat,
    /// How many UTF-16 units a string has.
    Length,
    /// A string in lower case.
    Lower,
    /// A string in upper case.
    Upper,
    /// A string from a place on, counted in UTF-16 units from 0, to its end or for a number of units.
    Substring,
    /// The place of a string in another, counted in UTF-16 units from 0, or -1.
    IndexOf,
}

impl Function {
    /// How many arguments it takes.
    pub fn arity(self) -> RangeInclusive<usize> {
        match self {
            Self::StartsWith | Self::EndsWith | Self::Contains | Self::ArrayContains | Self::Power | Self::IndexOf => {
                2..=2
            }
            Self::Substring => 2..=3,
            Self::Concat => 2..=usize::MAX,
            _ => 1..=1,
        }
    }

    /// Whether its argument must be a property rather than any expression.
    pub fn takes_property(self) -> bool {
        self == Self::IsDefined
    }

    /// Its value for these arguments, where `None` is undefined on both sides.
    pub(crate) fn apply(self, arguments: &[Option<&Value>]) -> Option<Value> {
        let first = arguments.first().copied().flatten();
        let is = |test: fn(&Value) -> bool| Some(Value::Bool(first.is_some_and(test)));
        match self {
            Self::IsDefined => is(|_| true),
            Self::IsBool => is(Value::is_boolean),
            Self::IsNumber => is(Value::is_number),
            Self::IsString => is(Value::is_string),
            Self::IsObject => is(Value::is_object),
            Self::IsArray => is(Value::is_array),
            Self::IsNull => is(Value::is_null),
            Self::IsPrimitive | Self::HasValue => is(is_primitive),
            Self::StartsWith => of_strings(arguments, |text, part| text.starts_with(part)),
            Self::EndsWith => of_strings(arguments, |text, part| text.ends_with(part)),
            // str::contains is linear in the longer string, so a filter costs no more than reading the document.
            Self::Contains => of_strings(arguments, |text, part| text.contains(part)),
            Self::ArrayContains => array_contains(arguments),
            Self::AsNumber => number::of_value(first?),
            Self::Abs => number::calculated(first, f64::abs),
            Self::Exp => number::calculated(first, f64::exp),
            Self::Power => number::power(arguments),
            Self::Square => number::calculated(first, |value| value * value),
            Self::Ceiling => number::calculated(first, f64::ceil),
            Self::Floor => number::calculated(first, f64::floor),
            Self::Sign => number::sign(first?),
            Self::Sqrt => number::calculated(first, f64::sqrt),
            Self::Concat => text::concat(arguments),
            Self::Length => text::length(first?),
            Self::Lower => Some(first?.as_str()?.to_lowercase().into()),
            Self::Upper => Some(first?.as_str()?.to_uppercase().into()),
            Self::Substring => text::substring(arguments),
            Self::IndexOf => text::index_of(arguments),
        }
    }
}

fn of_strings(arguments: &[Option<&Value>], holds: fn(&str, &str) -> bool) -> Option<Value> {
    let [Some(Value::String(text)), Some(Value::String(part))] = arguments else { return None };
    Some(Value::Bool(holds(text, part)))
}

fn array_contains(arguments: &[Option<&Value>]) -> Option<Value> {
    let [Some(Value::Array(items)), Some(sought)] = arguments else { return None };
    let found = items.iter().any(|item| compare(item, Comparison::Equal, sought) == Some(true));
    Some(Value::Bool(found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_property_is_defined() {
        assert_eq!(Function::IsDefined.apply(&[Some(&Value::Null)]), Some(json!(true)));
        assert_eq!(Function::IsDefined.apply(&[None]), Some(json!(false)));
    }

    #[test]
    fn each_type_test_knows_its_type_only() {
        let tests = [
            (Function::IsBool, json!(true)),
            (Function::IsNumber, json!(1.5)),
            (Function::IsString, json!("")),
            (Function::IsObject, json!({})),
            (Function::IsArray, json!([])),
            (Function::IsNull, json!(null)),
        ];
        for (function, _) in &tests {
            for (owner, value) in &tests {
                let expected = Some(json!(function == owner));
                assert_eq!(function.apply(&[Some(value)]), expected, "{function:?} of {value}");
            }
        }
        assert_eq!(Function::IsPrimitive.apply(&[Some(&json!(null))]), Some(json!(true)));
        assert_eq!(Function::IsPrimitive.apply(&[Some(&json!([]))]), Some(json!(false)));
    }

    #[test]
    fn string_tests_are_case_sensitive_and_undefined_for_other_types() {
        let (text, part) = (json!("Redmond43"), json!("Red"));
        assert_eq!(Function::StartsWith.apply(&[Some(&text), Some(&part)]), Some(json!(true)));
        assert_eq!(Function::EndsWith.apply(&[Some(&text), Some(&part)]), Some(json!(false)));
        assert_eq!(Function::Contains.apply(&[Some(&text), Some(&json!("mond"))]), Some(json!(true)));
        assert_eq!(Function::Contains.apply(&[Some(&text), Some(&json!("MOND"))]), Some(json!(false)));
        assert_eq!(Function::StartsWith.apply(&[Some(&json!(1)), Some(&part)]), None);
        assert_eq!(Function::StartsWith.apply(&[Some(&text), None]), None);
    }

    #[test]
    fn an_array_contains_equal_primitives_and_what_is_no_array_is_undefined() {
        let items = json!(["a", 1, null, {"b": 2}]);
        for (sought, expected) in
            [(json!("a"), true), (json!(1.0), true), (json!("1"), false), (json!({"b": 2}), false)]
        {
            assert_eq!(
                Function::ArrayContains.apply(&[Some(&items), Some(&sought)]),
                Some(json!(expected)),
                "{sought}"
            );
        }
        assert_eq!(Function::ArrayContains.apply(&[Some(&json!("a")), Some(&json!("a"))]), None);
        assert_eq!(Function::ArrayContains.apply(&[Some(&items), None]), None);
    }
}
