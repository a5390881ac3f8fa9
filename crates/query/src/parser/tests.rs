//! Tests of the expression parser and of evaluation, under a dialect that takes everything.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Cursor, Dialect, Expression, Function, Path, QueryError};

struct Everything;

impl Dialect for Everything {
    fn nesting(&self) -> usize {
        64
    }

    fn array_items(&self) -> usize {
        50
    }

    fn is_reserved(&self, word: &str) -> bool {
        ["AND", "OR", "NOT", "IN", "NIN"].iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
    }

    fn function(&self, name: &str) -> Result<Function, String> {
        match name.to_ascii_uppercase().as_str() {
            "IS_DEFINED" => Ok(Function::IsDefined),
            "IS_STRING" => Ok(Function::IsString),
            "STARTSWITH" => Ok(Function::StartsWith),
            _ => Err(format!("There is no function {name}.")),
        }
    }

    fn path(&self, names: Vec<String>) -> Result<Path, String> {
        Path::new(names).ok_or_else(|| "A name is needed.".to_owned())
    }
}

fn parse(text: &str) -> Result<Expression, QueryError> {
    let mut cursor = Cursor::new(text)?;
    let expression = super::expression(&mut cursor, &Everything)?;
    match cursor.peek() {
        crate::lexer::Kind::End => Ok(expression),
        _ => Err(cursor.error_here(format!("{} is left over.", cursor.found()))),
    }
}

/// The value over a small document; `None` is undefined.
fn value(text: &str) -> Option<Value> {
    let document = json!({"n": 5, "f": 2.5, "s": "US", "t": true, "z": null, "o": {"in": 1, "a b": 2}, "l": [1]});
    let expression = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    expression.evaluate(&document).map(std::borrow::Cow::into_owned)
}

fn refusal(text: &str) -> QueryError {
    parse(text).expect_err(text)
}

#[test]
fn products_bind_tighter_than_sums_and_both_from_the_left() {
    assert_eq!(value("2 + 3 * 4 - 5"), Some(json!(9)));
    assert_eq!(value("(2 + 3) * 4"), Some(json!(20)));
    assert_eq!(value("20 - 5 - 3"), Some(json!(12)));
    assert_eq!(value("2 - (3 - 4)"), Some(json!(3)));
    assert_eq!(value("20 / 5 / 2 % 3"), Some(json!(2)));
    assert_eq!(value("-n + 1"), Some(json!(-4)));
    assert_eq!(value("-(2 + 3) * -2"), Some(json!(10)));
    assert_eq!(value("n + f"), Some(json!(7.5)));
}

#[test]
fn and_binds_tighter_than_or_and_not_looser_than_a_comparison() {
    assert_eq!(value("true OR false AND false"), Some(json!(true)));
    assert_eq!(value("(true OR false) AND false"), Some(json!(false)));
    assert_eq!(value("not n = 4 and s = 'US'"), Some(json!(true)));
    assert_eq!(value("NOT t OR t"), Some(json!(true)));
    assert_eq!(value("NOT NOT t"), Some(json!(true)));
    assert_eq!(value("NOT s IN ['CA']"), Some(json!(true)));
}

#[test]
fn comparisons_bind_looser_than_arithmetic() {
    assert_eq!(value("n * 2 >= 9 + 1"), Some(json!(true)));
    assert_eq!(value("n <> 5"), Some(json!(false)));
    assert_eq!(value("n != 4 AND n < 6 AND n > 4 AND n <= 5 AND f < n"), Some(json!(true)));
}

#[test]
fn undefined_is_neither_true_nor_false() {
    for unknown in ["gone = 1", "gone != 1", "NOT gone = 1", "gone IN [1]", "gone NIN [1]", "gone + 1", "undefined"] {
        assert_eq!(value(unknown), None, "{unknown}");
    }
    for unknown in ["gone AND t", "gone = 1 OR false", "NOT n", "s AND t", "l = l", "o != 1", "s > 1", "o IN [1]"] {
        assert_eq!(value(unknown), None, "{unknown}");
    }
}

#[test]
fn one_decided_operand_settles_an_unknown_one() {
    assert_eq!(value("gone = 1 OR t"), Some(json!(true)));
    assert_eq!(value("t OR gone = 1"), Some(json!(true)));
    assert_eq!(value("gone = 1 AND false"), Some(json!(false)));
    assert_eq!(value("false AND gone = 1"), Some(json!(false)));
}

#[test]
fn only_true_selects() {
    let document = json!({"t": true, "s": "true", "n": 1});
    for (text, selects) in [("t", true), ("s", false), ("n", false), ("gone", false), ("NOT gone", false)] {
        assert_eq!(parse(text).unwrap().matches(&document), selects, "{text}");
    }
}

#[test]
fn lists_take_constants_of_every_primitive_type() {
    assert_eq!(value("s IN ['CA', \"US\"]"), Some(json!(true)));
    assert_eq!(value("s NIN ['CA']"), Some(json!(true)));
    assert_eq!(value("n in [true, null, '5']"), Some(json!(false)));
    assert_eq!(value("z IN [null]"), Some(json!(true)));
    assert_eq!(value("-5 IN [-5]"), Some(json!(true)));
    assert_eq!(value("f IN [2.50]"), Some(json!(true)));
}

#[test]
fn names_are_escaped_in_double_brackets() {
    assert_eq!(value("o.[[a b]] + o.[[in]]"), Some(json!(3)));
    assert_eq!(value("[[n]]"), Some(json!(5)));
    assert_eq!(refusal("o.in = 1").position, 2);
}

#[test]
fn functions_are_called_by_name_in_any_case() {
    assert_eq!(value("is_defined(z) and Is_String(s) and STARTSWITH(s, 'U')"), Some(json!(true)));
    assert_eq!(value("is_defined(o.gone)"), Some(json!(false)));
}

#[test]
fn a_wrong_call_is_refused_where_it_begins() {
    for (text, words) in [
        ("t AND nosuch(s)", "no function nosuch"),
        ("t AND STARTSWITH(s)", "takes 2 arguments and has 1"),
        ("t AND IS_DEFINED()", "takes one argument and has 0"),
        ("t AND IS_DEFINED(1)", "asks about a property"),
    ] {
        let error = refusal(text);
        assert_eq!(error.position, 6, "{text}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn what_the_language_lacks_is_refused_by_name() {
    for (text, position, words) in [
        ("s NOT IN ['a']", 2, "NIN"),
        ("s LIKE 'a%'", 2, "LIKE"),
        ("n BETWEEN 1 AND 2", 2, "BETWEEN"),
        ("s IS NULL", 2, "= null"),
        ("s IN ('a')", 5, "IN ['a', 'b']"),
        ("s = ['a']", 4, "after IN or NIN"),
        ("s IN []", 6, "a list needs"),
        ("s IN [['a']]", 6, "a list needs"),
        ("s IN [o]", 6, "a list needs"),
        ("1 < n < 9", 6, "AND"),
        ("s = 'it''s'", 8, "\\'"),
        ("o['a b']", 1, "tags.[[my tag]]"),
        ("n = ", 4, "The end of the query"),
        ("(n = 1", 6, "close the parentheses"),
        ("n = 1)", 5, "left over"),
        ("", 0, "needed"),
    ] {
        let error = refusal(text);
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_list_longer_than_the_dialect_allows_is_refused() {
    let list = |length: usize| format!("n IN [{}]", vec!["1"; length].join(","));
    assert!(parse(&list(50)).is_ok());
    assert!(refusal(&list(51)).message.contains("at most 50"));
}

#[test]
fn nesting_is_allowed_to_the_limit_and_refused_beyond() {
    let nested = |depth: usize| format!("{}t{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(value(&nested(64)), Some(json!(true)));
    assert!(refusal(&nested(65)).message.contains("64 levels"));
}

#[test]
fn the_deepest_expression_allowed_is_read_evaluated_and_dropped_on_a_small_stack() {
    let rungs = 32;
    let text = format!("{}n{}", "t AND NOT t OR t AND 1 < 1 + 1 * -(".repeat(rungs), ")".repeat(rungs));
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let evaluated = small.spawn(move || value(&text)).unwrap().join().unwrap();
    assert_eq!(evaluated, None);
}

#[test]
fn a_hundred_thousand_levels_of_anything_are_an_error_and_not_a_crash() {
    for opening in ["(", "NOT ", "-", "IS_STRING(", "1 OR 1 AND NOT 1 = 1 + 1 * ("] {
        assert!(refusal(&opening.repeat(100_000)).message.contains("64 levels"), "{opening}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&format!("n IN {}", "[".repeat(100_000))).is_err());
}

#[test]
fn a_long_chain_is_no_deeper_than_a_short_one() {
    assert_eq!(value(&format!("0{}", "+1".repeat(100_000))), Some(json!(100_000)));
    assert_eq!(value(&format!("false{}", " OR n = 5".repeat(50_000))), Some(json!(true)));
    assert_eq!(value(&format!("t{}", " AND n = 5 OR t".repeat(50_000))), Some(json!(true)));
}

/// Text that is more often nearly right than random characters are.
fn nearly_a_query() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just("[["),
        Just("]]"),
        Just(","),
        Just("."),
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("\\u00e9"),
        Just("="),
        Just("<"),
        Just(">"),
        Just("!"),
        Just("+"),
        Just("-"),
        Just("*"),
        Just("/"),
        Just("%"),
        Just(" "),
        Just("\n"),
        Just("AND"),
        Just("OR"),
        Just("NOT"),
        Just("IN"),
        Just("NIN"),
        Just("true"),
        Just("null"),
        Just("undefined"),
        Just("IS_DEFINED"),
        Just("STARTSWITH"),
        Just("tags"),
        Just("$x"),
        Just("1"),
        Just("0x"),
        Just("1e9"),
        Just("é"),
        Just("😀"),
        Just("SELECT"),
        Just("FROM"),
        Just("devices"),
        Just("WHERE"),
        Just("GROUP"),
        Just("BY"),
        Just("COUNT"),
        Just("AS"),
        Just("TOP"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text);
        let _ = crate::iothub::parse(&text);
    }

    #[test]
    fn no_nearly_right_text_makes_the_parser_panic(text in nearly_a_query()) {
        for text in [text.clone(), format!("SELECT {text}"), format!("SELECT * FROM devices WHERE {text}")] {
            if let Err(error) = crate::iothub::parse(&text) {
                prop_assert!(error.position <= text.chars().count());
            }
            if let Ok(expression) = parse(&text) {
                let _ = expression.matches(&json!({"tags": 1}));
            }
        }
    }

    #[test]
    fn every_string_comes_back_from_its_literal(text in any::<String>()) {
        let literal = text.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(parse(&format!("'{literal}'")).unwrap(), Expression::Constant(Value::String(text)));
    }

    #[test]
    fn whole_numbers_compare_as_numbers_do(left in any::<i64>(), right in any::<i64>()) {
        let document = json!({"l": left, "r": right});
        prop_assert_eq!(parse("l < r").unwrap().matches(&document), left < right);
        prop_assert_eq!(parse("l = r").unwrap().matches(&document), left == right);
        prop_assert_eq!(parse("l >= r").unwrap().matches(&document), left >= right);
    }
}
