//! Reads values. Every read is bounded: by the bytes that are there, by depth, and by the number of values made.

use bytes::{Buf, Bytes};

use super::value::{Described, Map, Symbol, Value};

/// How deep values may nest.
pub const MAXIMUM_DEPTH: usize = 32;

/// How many values one frame or message may be made of. An empty value takes a byte, or none inside an array, and 40 bytes
/// of memory: this keeps what a frame can cost within half a megabyte.
pub const MAXIMUM_VALUES: usize = 10_000;

/// What a value takes in memory, about.
const BYTES_OF_A_VALUE: usize = 40;

/// Bytes that are not AMQP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError(pub &'static str);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for DecodeError {}

const SHORT: DecodeError = DecodeError("a value is cut short");

/// Reads values one after the other from the bytes of a frame or a message.
#[derive(Debug)]
pub struct Reader {
    bytes: Bytes,
    values_left: usize,
}

impl Reader {
    /// Begins at the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self { bytes, values_left: MAXIMUM_VALUES }
    }

    /// Whether all is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is not read yet.
    #[must_use]
    pub fn rest(self) -> Bytes {
        self.bytes
    }

    /// The next value.
    pub fn value(&mut self) -> Result<Value, DecodeError> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Value, DecodeError> {
        let code = self.bytes.try_get_u8().map_err(|_| SHORT)?;
        if code == 0 {
            return self.described(depth);
        }
        self.constructed(code, depth)
    }

    fn described(&mut self, depth: usize) -> Result<Value, DecodeError> {
        let deeper = deeper_than(depth)?;
        let descriptor = self.nested(deeper)?;
        let value = self.nested(deeper)?;
        Ok(Value::Described(Box::new(Described { descriptor, value })))
    }

    /// Counts values that are about to be made.
    fn count(&mut self, values: usize) -> Result<(), DecodeError> {
        self.values_left = self.values_left.checked_sub(values).ok_or(DecodeError("too many values"))?;
        Ok(())
    }

    fn constructed(&mut self, code: u8, depth: usize) -> Result<Value, DecodeError> {
        self.count(1)?;
        Ok(match code {
            0x40 => Value::Null,
            0x41 => Value::Boolean(true),
            0x42 => Value::Boolean(false),
            0x43 => Value::Uint(0),
            0x44 => Value::Ulong(0),
            // As deep as the list of no values that it is written as.
            0x45 => deeper_than(depth).map(|_| Value::List(Vec::new()))?,
            0x50..=0x56 => self.of_one_byte(code)?,
            0x60 => Value::Ushort(u16::from_be_bytes(self.fixed()?)),
            0x61 => Value::Short(i16::from_be_bytes(self.fixed()?)),
            0x70 => Value::Uint(u32::from_be_bytes(self.fixed()?)),
            0x71 => Value::Int(i32::from_be_bytes(self.fixed()?)),
            0x72 => Value::Float(f32::from_be_bytes(self.fixed()?)),
            0x73 => self.character()?,
            0x74 => Value::Decimal32(self.fixed()?),
            0x80 => Value::Ulong(u64::from_be_bytes(self.fixed()?)),
            0x81 => Value::Long(i64::from_be_bytes(self.fixed()?)),
            0x82 => Value::Double(f64::from_be_bytes(self.fixed()?)),
            0x83 => Value::Timestamp(i64::from_be_bytes(self.fixed()?)),
            0x84 => Value::Decimal64(self.fixed()?),
            0x94 => Value::Decimal128(self.fixed()?),
            0x98 => Value::Uuid(self.fixed()?),
            0xa0 | 0xb0 => Value::Binary(self.variable(code)?),
            0xa1 | 0xb1 => Value::String(text(&self.variable(code)?)?),
            0xa3 | 0xb3 => Value::Symbol(symbol(&self.variable(code)?)?),
            0xc0 | 0xd0 => Value::List(self.list(code, depth)?),
            0xc1 | 0xd1 => Value::Map(self.map(code, depth)?),
            0xe0 | 0xf0 => Value::Array(self.array(code, depth)?),
            _ => return Err(DecodeError("a constructor is unknown")),
        })
    }

    fn of_one_byte(&mut self, code: u8) -> Result<Value, DecodeError> {
        let [byte] = self.fixed()?;
        Ok(match code {
            0x50 => Value::Ubyte(byte),
            0x51 => Value::Byte(byte.cast_signed()),
            0x52 => Value::Uint(byte.into()),
            0x53 => Value::Ulong(byte.into()),
            0x54 => Value::Int(byte.cast_signed().into()),
            0x55 => Value::Long(byte.cast_signed().into()),
            _ if byte > 1 => return Err(DecodeError("a boolean is neither true nor false")),
            _ => Value::Boolean(byte == 1),
        })
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut into = [0; N];
        self.bytes.try_copy_to_slice(&mut into).map_err(|_| SHORT)?;
        Ok(into)
    }

    fn character(&mut self) -> Result<Value, DecodeError> {
        let number = u32::from_be_bytes(self.fixed()?);
        char::from_u32(number).map(Value::Char).ok_or(DecodeError("a char is no Unicode scalar"))
    }

    /// A length of one byte (constructors below 0xb0 and 0xc0 to 0xef) or four.
    fn length(&mut self, code: u8) -> Result<usize, DecodeError> {
        if matches!(code >> 4, 0xb | 0xd | 0xf) {
            usize::try_from(u32::from_be_bytes(self.fixed()?)).map_err(|_| SHORT)
        } else {
            let [byte] = self.fixed()?;
            Ok(byte.into())
        }
    }

    fn variable(&mut self, code: u8) -> Result<Bytes, DecodeError> {
        let length = self.length(code)?;
        if length > self.bytes.len() {
            return Err(SHORT);
        }
        Ok(self.bytes.split_to(length))
    }

    /// Reads what a compound value holds: its declared size bounds the reading, and must be used up.
    fn within<T>(
        &mut self,
        code: u8,
        read: impl FnOnce(&mut Self, usize) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let inside = self.variable(code)?;
        let after = std::mem::replace(&mut self.bytes, inside);
        let count = self.length(code)?;
        let found = read(self, count)?;
        if !self.bytes.is_empty() {
            return Err(DecodeError("a compound value is longer than what it holds"));
        }
        self.bytes = after;
        Ok(found)
    }

    fn list(&mut self, code: u8, depth: usize) -> Result<Vec<Value>, DecodeError> {
        let deeper = deeper_than(depth)?;
        self.within(code, |inside, count| {
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(inside.nested(deeper)?);
            }
            Ok(items)
        })
    }

    fn map(&mut self, code: u8, depth: usize) -> Result<Map, DecodeError> {
        let deeper = deeper_than(depth)?;
        self.within(code, |inside, count| {
            if !count.is_multiple_of(2) {
                return Err(DecodeError("a map has a key without a value"));
            }
            let mut entries = Vec::new();
            for _ in 0..count / 2 {
                entries.push((inside.nested(deeper)?, inside.nested(deeper)?));
            }
            Ok(Map(entries))
        })
    }

    fn array(&mut self, code: u8, depth: usize) -> Result<Vec<Value>, DecodeError> {
        let deeper = deeper_than(depth)?;
        self.within(code, |inside, count| {
            let constructor = inside.bytes.try_get_u8().map_err(|_| SHORT)?;
            let mut items = Vec::new();
            if constructor == 0 {
                let deeper = deeper_than(deeper)?;
                let descriptor = inside.nested(deeper)?;
                // All others are reserved (part 1, section 1.3). Clients do use them, though not in arrays.
                if !matches!(descriptor, Value::Ulong(_) | Value::Symbol(_)) {
                    return Err(DecodeError("the descriptor of an array is neither a ulong nor a symbol"));
                }
                let of = inside.bytes.try_get_u8().map_err(|_| SHORT)?;
                // Every element has a descriptor of its own in memory, though the bytes hold one for all.
                let cost = 1 + descriptor.as_text().map_or(0, str::len) / BYTES_OF_A_VALUE;
                for _ in 0..count {
                    inside.count(cost)?;
                    let value = inside.constructed(of, deeper)?;
                    items.push(Value::Described(Box::new(Described { descriptor: descriptor.clone(), value })));
                }
            } else {
                for _ in 0..count {
                    items.push(inside.constructed(constructor, deeper)?);
                }
            }
            Ok(items)
        })
    }
}

fn deeper_than(depth: usize) -> Result<usize, DecodeError> {
    if depth < MAXIMUM_DEPTH { Ok(depth + 1) } else { Err(DecodeError("values nest too deep")) }
}

fn text(bytes: &[u8]) -> Result<Box<str>, DecodeError> {
    std::str::from_utf8(bytes).map(Into::into).map_err(|_| DecodeError("a string is not UTF-8"))
}

fn symbol(bytes: &[u8]) -> Result<Symbol, DecodeError> {
    if !bytes.is_ascii() {
        return Err(DecodeError("a symbol is not ASCII"));
    }
    text(bytes).map(Symbol)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::codec::write_value;

    fn read(bytes: &[u8]) -> Result<Value, DecodeError> {
        Reader::new(Bytes::copy_from_slice(bytes)).value()
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<u8>().prop_map(Value::Ubyte),
            any::<u16>().prop_map(Value::Ushort),
            any::<u32>().prop_map(Value::Uint),
            any::<u64>().prop_map(Value::Ulong),
            any::<i8>().prop_map(Value::Byte),
            any::<i16>().prop_map(Value::Short),
            any::<i32>().prop_map(Value::Int),
            any::<i64>().prop_map(Value::Long),
            any::<i64>().prop_map(Value::Timestamp),
            any::<char>().prop_map(Value::Char),
            any::<[u8; 16]>().prop_map(Value::Uuid),
            prop::num::f64::NORMAL.prop_map(Value::Double),
            prop::num::f32::NORMAL.prop_map(Value::Float),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Binary(bytes.into())),
            ".{0,90}".prop_map(Value::string),
            "[ -~]{0,300}".prop_map(Value::symbol),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::vec((inner.clone(), inner.clone()), 0..4)
                    .prop_map(|entries| Value::Map(Map(entries))),
                prop::collection::vec("[a-z]{0,9}".prop_map(Value::symbol), 0..5).prop_map(Value::Array),
                (inner.clone(), inner)
                    .prop_map(|(descriptor, value)| Value::Described(Box::new(Described { descriptor, value }))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in value()) {
            let mut out = BytesMut::new();
            write_value(&mut out, &value);
            let mut reader = Reader::new(out.freeze());
            prop_assert_eq!(reader.value().unwrap(), value);
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn a_bomb_of_nested_lists_is_refused() {
        let mut bytes = vec![0x40];
        for _ in 0..100_000_u32 {
            let size = u32::try_from(bytes.len()).unwrap() + 4;
            let mut outer = vec![0xd0];
            outer.extend(size.to_be_bytes());
            outer.extend(1_u32.to_be_bytes());
            if outer.len() + bytes.len() > 4096 {
                break;
            }
            outer.append(&mut bytes);
            bytes = outer;
        }
        assert_eq!(read(&bytes), Err(DecodeError("values nest too deep")));
        assert_eq!(read(&vec![0_u8; 100_000]), Err(DecodeError("values nest too deep")));
    }

    #[test]
    fn an_empty_list_is_as_deep_in_either_form() {
        for empty in [&[0x45][..], &[0xc0, 1, 0]] {
            let described = |depth: usize| [&[0, 0x44].repeat(depth)[..], empty].concat();
            assert!(read(&described(MAXIMUM_DEPTH - 1)).is_ok());
            assert_eq!(read(&described(MAXIMUM_DEPTH)), Err(DecodeError("values nest too deep")));
        }
    }

    #[test]
    fn a_declared_count_allocates_nothing() {
        assert!(read(&[0xd0, 0, 0, 0, 4, 255, 255, 255, 255]).is_err());
        // An array of nulls takes no bytes at all for its 2^32 - 1 elements.
        assert_eq!(read(&[0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40]), Err(DecodeError("too many values")));
    }

    /// An array of so many nulls, which take no bytes, each described by `descriptor`.
    fn described_nulls(count: u32, descriptor: &Value) -> Vec<u8> {
        let mut inside = BytesMut::from(&count.to_be_bytes()[..]);
        inside.extend_from_slice(&[0]);
        write_value(&mut inside, descriptor);
        inside.extend_from_slice(&[0x40]);
        let size = u32::try_from(inside.len()).unwrap();
        [&[0xf0], &size.to_be_bytes()[..], &inside[..]].concat()
    }

    #[test]
    fn an_array_of_described_values_has_a_descriptor_for_each() {
        let Ok(Value::Array(items)) = read(&described_nulls(3, &Value::symbol("x"))) else { panic!("no array") };
        let described = Described { descriptor: Value::symbol("x"), value: Value::Null };
        assert_eq!(items, vec![Value::Described(Box::new(described)); 3]);
    }

    #[test]
    fn a_descriptor_is_not_multiplied_for_nothing() {
        let long = Value::symbol("x".repeat(60_000));
        assert_eq!(read(&described_nulls(100, &long)), Err(DecodeError("too many values")));
        let many = Value::List(vec![Value::Null; 5000]);
        let reserved = DecodeError("the descriptor of an array is neither a ulong nor a symbol");
        assert_eq!(read(&described_nulls(4000, &many)), Err(reserved));
    }

    #[test]
    fn what_is_not_amqp_is_refused() {
        for (bytes, why) in [
            (&[0xc1, 2, 1, 0x40][..], "a map has a key without a value"),
            (&[0xa3, 1, 0xe9], "a symbol is not ASCII"),
            (&[0xa1, 1, 0xff], "a string is not UTF-8"),
            (&[0x73, 0, 0, 0xd8, 0], "a char is no Unicode scalar"),
            (&[0x56, 2], "a boolean is neither true nor false"),
            (&[0xc0, 3, 1, 0x40, 0x40], "a compound value is longer than what it holds"),
            (&[0x3f], "a constructor is unknown"),
            (&[0xb0, 255, 255, 255, 255, 1], "a value is cut short"),
            (&[], "a value is cut short"),
        ] {
            assert_eq!(read(bytes), Err(DecodeError(why)), "{bytes:x?}");
        }
    }
}
