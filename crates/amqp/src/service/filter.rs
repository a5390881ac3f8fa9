//! Where a reader begins: the selector filter on its source.
//!
//! Event Hubs clients send one clause, `amqp.annotation.{name} > '{value}'` or `>=`; a longer expression is refused by name.

use iolite_kernel::Timestamp;
use iolite_messaging::Position;

use crate::codec::{Map, Value};

const SELECTOR: &str = "apache.org:selector-filter:string";

/// The position that a source's filter names; the oldest event without one.
pub(super) fn position(filter: Option<&Map>) -> Result<Position, &'static str> {
    let Some(value) = filter.and_then(|filter| filter.get(SELECTOR)) else { return Ok(Position::Earliest) };
    let clause = match value {
        Value::Described(described) => described.value.as_text(),
        value => value.as_text(),
    };
    clause.map_or(Err("The selector is no text."), read)
}

fn read(clause: &str) -> Result<Position, &'static str> {
    const UNKNOWN: &str = "The selector is not one of offset, sequence number or enqueued time, > or >=.";
    let (name, rest) = clause.trim().split_once('>').ok_or(UNKNOWN)?;
    let (inclusive, value) = match rest.strip_prefix('=') {
        Some(value) => (true, value.trim()),
        None => (false, rest.trim()),
    };
    let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
    let name = name.trim().strip_prefix("amqp.annotation.").ok_or(UNKNOWN)?;
    let number = || value.parse::<i64>().map_err(|_| "The selector's value is no number.");
    match name {
        "x-opt-offset" if value == "@latest" => Ok(Position::Latest),
        "x-opt-offset" if value == "-1" => Ok(Position::Earliest),
        "x-opt-offset" => Ok(Position::Offset(number()?, inclusive)),
        "x-opt-sequence-number" => Ok(Position::Sequence(number()?, inclusive)),
        "x-opt-enqueued-time" | "x-opt-enqueuedtimeutc" => {
            let moment = Timestamp::from_millisecond(number()?).map_err(|_| "The selector's time is out of range.")?;
            Ok(Position::EnqueuedAfter(moment))
        }
        _ => Err(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Described;

    #[test]
    fn each_clients_clause_is_a_position() {
        let at = |milliseconds| Position::EnqueuedAfter(Timestamp::from_millisecond(milliseconds).unwrap());
        for (clause, expected) in [
            ("amqp.annotation.x-opt-offset > '-1'", Position::Earliest),
            ("amqp.annotation.x-opt-offset > '@latest'", Position::Latest),
            ("amqp.annotation.x-opt-offset >= '120'", Position::Offset(120, true)),
            ("amqp.annotation.x-opt-sequence-number > '7'", Position::Sequence(7, false)),
            ("amqp.annotation.x-opt-sequence-number >= '7'", Position::Sequence(7, true)),
            ("amqp.annotation.x-opt-enqueued-time > '1500'", at(1500)),
            ("amqp.annotation.x-opt-enqueuedtimeutc > 1500", at(1500)),
        ] {
            assert_eq!(read(clause), Ok(expected), "{clause}");
        }
    }

    #[test]
    fn other_clauses_are_refused() {
        for clause in [
            "",
            "x > '1'",
            "amqp.annotation.x-opt-offset < '1'",
            "amqp.annotation.x-opt-offset > 'x'",
            "amqp.annotation.x-opt-partition-key > '1'",
            "amqp.annotation.x-opt-enqueued-time > '9223372036854775807'",
            "amqp.annotation.x-opt-offset > '1' and amqp.annotation.x-opt-offset > '2'",
        ] {
            assert!(read(clause).is_err(), "{clause}");
        }
    }

    #[test]
    fn the_clause_is_described_or_bare() {
        let text = Value::string("amqp.annotation.x-opt-offset > '5'");
        let described = Value::Described(Box::new(Described { descriptor: Value::Null, value: text.clone() }));
        for value in [text, described] {
            let map = Map(vec![(Value::symbol(SELECTOR), value)]);
            assert_eq!(position(Some(&map)), Ok(Position::Offset(5, false)));
        }
        assert_eq!(position(None), Ok(Position::Earliest));
        assert!(position(Some(&Map(vec![(Value::symbol(SELECTOR), Value::Int(1))]))).is_err());
    }
}
