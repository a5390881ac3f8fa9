//! What a field of a composite may be: how each Rust type is read from a value, and written.

use bytes::{BufMut, Bytes, BytesMut};

use super::error::AmqpError;
use super::outcome::Outcome;
use super::performative::Role;
use super::read::DecodeError;
use super::value::{Map, Symbol, Symbols, Value};
use super::write::{fixed, uint, ulong, variable, write_map, write_value};

/// A type that a composite's field can have.
pub(super) trait Field: Sized {
    fn read(value: Value) -> Result<Self, DecodeError>;
    fn write(&self, out: &mut BytesMut);
}

const WRONG: DecodeError = DecodeError("a field is missing or of another type");

/// A field of one AMQP type.
macro_rules! plain {
    ($type:ty, $variant:ident, |$out:ident, $value:ident| $write:expr) => {
        impl Field for $type {
            fn read(value: Value) -> Result<Self, DecodeError> {
                match value {
                    Value::$variant(found) => Ok(found),
                    _ => Err(WRONG),
                }
            }

            fn write(&self, $out: &mut BytesMut) {
                let $value = self;
                $write;
            }
        }
    };
}

plain!(bool, Boolean, |out, truth| out.put_u8(if *truth { 0x41 } else { 0x42 }));
plain!(u8, Ubyte, |out, number| out.put_slice(&[0x50, *number]));
plain!(u16, Ushort, |out, number| fixed(out, 0x60, &number.to_be_bytes()));
plain!(u32, Uint, |out, number| uint(out, *number));
plain!(u64, Ulong, |out, number| ulong(out, *number));
plain!(i64, Timestamp, |out, milliseconds| fixed(out, 0x83, &milliseconds.to_be_bytes()));
plain!(Bytes, Binary, |out, bytes| variable(out, 0xa0, bytes));
plain!(Map, Map, |out, map| write_map(out, map));

impl Field for Value {
    fn read(value: Value) -> Result<Self, DecodeError> {
        Ok(value)
    }

    fn write(&self, out: &mut BytesMut) {
        write_value(out, self);
    }
}

impl<T: Field> Field for Option<T> {
    fn read(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(&self, out: &mut BytesMut) {
        match self {
            None => out.put_u8(0x40),
            Some(value) => value.write(out),
        }
    }
}

/// Some clients send a symbol where the standard has a string, and the other way round; the text is the same.
impl Field for Box<str> {
    fn read(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::String(text) | Value::Symbol(Symbol(text)) => Ok(text),
            _ => Err(WRONG),
        }
    }

    fn write(&self, out: &mut BytesMut) {
        variable(out, 0xa1, self.as_bytes());
    }
}

impl Field for Symbol {
    fn read(value: Value) -> Result<Self, DecodeError> {
        <Box<str>>::read(value).map(Self)
    }

    fn write(&self, out: &mut BytesMut) {
        variable(out, 0xa3, self.0.as_bytes());
    }
}

impl Field for Symbols {
    fn read(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Null => Ok(Self::default()),
            Value::Symbol(symbol) => Ok(Self(vec![symbol])),
            Value::Array(items) | Value::List(items) => {
                items.into_iter().map(Symbol::read).collect::<Result<_, _>>().map(Self)
            }
            _ => Err(WRONG),
        }
    }

    fn write(&self, out: &mut BytesMut) {
        if self.0.is_empty() {
            return out.put_u8(0x40);
        }
        write_value(out, &Value::Array(self.0.iter().cloned().map(Value::Symbol).collect()));
    }
}

impl Field for Role {
    fn read(value: Value) -> Result<Self, DecodeError> {
        bool::read(value).map(|receiver| if receiver { Self::Receiver } else { Self::Sender })
    }

    fn write(&self, out: &mut BytesMut) {
        (*self == Self::Receiver).write(out);
    }
}

impl Field for AmqpError {
    fn read(value: Value) -> Result<Self, DecodeError> {
        Self::from_value(value)
    }

    fn write(&self, out: &mut BytesMut) {
        AmqpError::write(self, out);
    }
}

impl Field for Outcome {
    fn read(value: Value) -> Result<Self, DecodeError> {
        Self::from_value(value)
    }

    fn write(&self, out: &mut BytesMut) {
        Outcome::write(self, out);
    }
}
