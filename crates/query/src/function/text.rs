//! Functions of strings. Called by [`super::Function`]. Places and lengths count UTF-16 units, as .NET does; a
//! place outside the string, or within a pair of units that is one character, makes the value undefined.

use serde_json::Value;

pub(super) fn concat(arguments: &[Option<&Value>]) -> Option<Value> {
    let mut joined = String::new();
    for argument in arguments {
        match (*argument)? {
            Value::String(part) => joined.push_str(part),
            Value::Null => {}
            _ => return None,
        }
    }
    Some(joined.into())
}

pub(super) fn length(value: &Value) -> Option<Value> {
    Some(value.as_str()?.encode_utf16().count().into())
}

pub(super) fn substring(arguments: &[Option<&Value>]) -> Option<Value> {
    let text = (*arguments.first()?)?.as_str()?;
    let units: Vec<u16> = text.encode_utf16().collect();
    let start = place((*arguments.get(1)?)?)?;
    let end = match arguments.get(2) {
        Some(length) => start.checked_add(place((*length)?)?)?,
        None => units.len(),
    };
    String::from_utf16(units.get(start..end)?).ok().map(Value::String)
}

pub(super) fn index_of(arguments: &[Option<&Value>]) -> Option<Value> {
    let [Some(Value::String(text)), Some(Value::String(part))] = arguments else { return None };
    Some(text.find(part.as_str()).map_or(Value::from(-1), |bytes| text[..bytes].encode_utf16().count().into()))
}

/// A number that can be a place; a fraction counts as the whole number below it.
fn place(value: &Value) -> Option<usize> {
    if let Some(whole) = value.as_u64() {
        return usize::try_from(whole).ok();
    }
    let fraction = value.as_f64().filter(|place| (0.0..=f64::from(u32::MAX)).contains(place))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^32, cut on purpose")]
    let whole = fraction as usize;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Function;

    fn apply(function: Function, arguments: &[Value]) -> Option<Value> {
        let arguments: Vec<Option<&Value>> = arguments.iter().map(Some).collect();
        function.apply(&arguments)
    }

    #[test]
    fn strings_are_put_together_and_null_adds_nothing() {
        assert_eq!(apply(Function::Concat, &[json!("a"), json!(null), json!("b")]), Some(json!("ab")));
        assert_eq!(apply(Function::Concat, &[json!("a"), json!(1)]), None);
        assert_eq!(Function::Concat.apply(&[Some(&json!("a")), None]), None);
    }

    #[test]
    fn a_part_is_cut_by_start_and_length() {
        let part = |start: Value, length: Option<Value>| {
            let mut arguments = vec![json!("hello"), start];
            arguments.extend(length);
            apply(Function::Substring, &arguments)
        };
        assert_eq!(part(json!(1), None), Some(json!("ello")));
        assert_eq!(part(json!(1), Some(json!(4))), Some(json!("ello")));
        assert_eq!(part(json!(1.9), Some(json!(1))), Some(json!("e")));
        assert_eq!(part(json!(5), None), Some(json!("")));
        for (start, length) in [(json!(6), None), (json!(-1), None), (json!(1), Some(json!(5))), (json!("1"), None)] {
            assert_eq!(part(start, length), None);
        }
        assert_eq!(part(json!(1), Some(json!(u64::MAX))), None);
    }

    #[test]
    fn places_count_utf_16_units_and_never_cut_a_character() {
        let smile = json!("a😀b");
        assert_eq!(apply(Function::Length, std::slice::from_ref(&smile)), Some(json!(4)));
        assert_eq!(apply(Function::IndexOf, &[smile.clone(), json!("b")]), Some(json!(3)));
        assert_eq!(apply(Function::IndexOf, &[smile.clone(), json!("c")]), Some(json!(-1)));
        assert_eq!(apply(Function::Substring, &[smile.clone(), json!(3)]), Some(json!("b")));
        assert_eq!(apply(Function::Substring, &[smile, json!(2)]), None);
    }

    #[test]
    fn letter_case_can_be_changed() {
        assert_eq!(apply(Function::Lower, &[json!("HÉ")]), Some(json!("hé")));
        assert_eq!(apply(Function::Upper, &[json!("hé")]), Some(json!("HÉ")));
        assert_eq!(apply(Function::Upper, &[json!(1)]), None);
    }
}
