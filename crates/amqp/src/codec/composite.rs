//! Composite types: a descriptor and a list of fields, read by position and written in full length.

use bytes::{BufMut, BytesMut};

use super::field::Field;
use super::read::{DecodeError, Reader};
use super::value::{Symbol, Value};
use super::write::{compound, ulong};

/// The fields of a composite, taken one after the other; those that were left out at the end are null.
pub(crate) struct Fields(std::vec::IntoIter<Value>);

impl Fields {
    pub(super) fn of(list: Vec<Value>) -> Self {
        Self(list.into_iter())
    }

    pub(super) fn take<T: Field>(&mut self) -> Result<T, DecodeError> {
        T::read(self.0.next().unwrap_or_default())
    }

    pub(super) fn end(mut self) -> Result<(), DecodeError> {
        self.0.next().map_or(Ok(()), |_| Err(DecodeError("a composite has more fields than its type")))
    }
}

/// Reads a described list: its code and its fields.
pub(super) fn read_composite(reader: &mut Reader) -> Result<(u64, Fields), DecodeError> {
    split_composite(reader.value()?)
}

/// Takes a described list apart.
pub(super) fn split_composite(value: Value) -> Result<(u64, Fields), DecodeError> {
    let Value::Described(described) = value else { return Err(DecodeError("a described value is expected")) };
    let code = code_of(&described.descriptor).ok_or(DecodeError("a descriptor is unknown"))?;
    match described.value {
        Value::List(list) => Ok((code, Fields::of(list))),
        _ => Err(DecodeError("a composite is no list")),
    }
}

/// A descriptor's number, be it sent as that or by name.
pub(super) fn code_of(descriptor: &Value) -> Option<u64> {
    match descriptor {
        Value::Ulong(code) => Some(*code),
        Value::Symbol(Symbol(name)) => NAMES.iter().find(|(known, _)| *known == &**name).map(|(_, code)| *code),
        _ => None,
    }
}

/// Writes a described list.
pub(super) fn write_composite(out: &mut BytesMut, code: u64, count: usize, fields: impl FnOnce(&mut BytesMut)) {
    out.put_u8(0);
    ulong(out, code);
    compound(out, 0xc0, count, fields);
}

const NAMES: [(&str, u64); 28] = [
    ("amqp:open:list", 0x10),
    ("amqp:begin:list", 0x11),
    ("amqp:attach:list", 0x12),
    ("amqp:flow:list", 0x13),
    ("amqp:transfer:list", 0x14),
    ("amqp:disposition:list", 0x15),
    ("amqp:detach:list", 0x16),
    ("amqp:end:list", 0x17),
    ("amqp:close:list", 0x18),
    ("amqp:error:list", 0x1d),
    ("amqp:received:list", 0x23),
    ("amqp:accepted:list", 0x24),
    ("amqp:rejected:list", 0x25),
    ("amqp:released:list", 0x26),
    ("amqp:modified:list", 0x27),
    ("amqp:source:list", 0x28),
    ("amqp:target:list", 0x29),
    ("amqp:sasl-mechanisms:list", 0x40),
    ("amqp:sasl-init:list", 0x41),
    ("amqp:header:list", 0x70),
    ("amqp:delivery-annotations:map", 0x71),
    ("amqp:message-annotations:map", 0x72),
    ("amqp:properties:list", 0x73),
    ("amqp:application-properties:map", 0x74),
    ("amqp:data:binary", 0x75),
    ("amqp:amqp-sequence:list", 0x76),
    ("amqp:amqp-value:*", 0x77),
    ("amqp:footer:map", 0x78),
];

/// Declares a composite: a struct whose fields are read and written in order, all of them.
macro_rules! composite {
    ($(#[$doc:meta])* $name:ident = $code:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl $name {
            /// Its descriptor.
            pub const CODE: u64 = $code;

            pub(super) fn read(mut fields: $crate::codec::composite::Fields) -> Result<Self, $crate::codec::DecodeError> {
                let found = Self { $($field: fields.take()?,)+ };
                fields.end()?;
                Ok(found)
            }

            /// Appends it, every field of it.
            pub fn write(&self, out: &mut bytes::BytesMut) {
                let count = [$(stringify!($field),)+].len();
                $crate::codec::composite::write_composite(out, Self::CODE, count, |out| {
                    $($crate::codec::field::Field::write(&self.$field, out);)+
                });
            }
        }
    };
}

pub(super) use composite;
