//! Writes values. Lists are `list8` or `list32`, never the empty `list0`: a client in the field cannot read that one.

use bytes::{BufMut, BytesMut};

use super::value::{Map, Value};

/// Appends `value`.
pub fn write_value(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Null => out.put_u8(0x40),
        Value::Boolean(truth) => out.put_u8(if *truth { 0x41 } else { 0x42 }),
        Value::Ubyte(number) => out.put_slice(&[0x50, *number]),
        Value::Ushort(number) => fixed(out, 0x60, &number.to_be_bytes()),
        Value::Uint(number) => uint(out, *number),
        Value::Ulong(number) => ulong(out, *number),
        Value::Byte(number) => fixed(out, 0x51, &number.to_be_bytes()),
        Value::Short(number) => fixed(out, 0x61, &number.to_be_bytes()),
        Value::Int(number) => fixed(out, 0x71, &number.to_be_bytes()),
        Value::Long(number) => fixed(out, 0x81, &number.to_be_bytes()),
        Value::Float(number) => fixed(out, 0x72, &number.to_be_bytes()),
        Value::Double(number) => fixed(out, 0x82, &number.to_be_bytes()),
        Value::Decimal32(bytes) => fixed(out, 0x74, bytes),
        Value::Decimal64(bytes) => fixed(out, 0x84, bytes),
        Value::Decimal128(bytes) => fixed(out, 0x94, bytes),
        Value::Char(character) => fixed(out, 0x73, &u32::from(*character).to_be_bytes()),
        Value::Timestamp(milliseconds) => fixed(out, 0x83, &milliseconds.to_be_bytes()),
        Value::Uuid(bytes) => fixed(out, 0x98, bytes),
        Value::Binary(bytes) => variable(out, 0xa0, bytes),
        Value::String(text) => variable(out, 0xa1, text.as_bytes()),
        Value::Symbol(symbol) => variable(out, 0xa3, symbol.0.as_bytes()),
        Value::List(items) => write_list(out, items),
        Value::Map(map) => write_map(out, map),
        Value::Array(items) => array(out, items),
        Value::Described(described) => {
            out.put_u8(0);
            write_value(out, &described.descriptor);
            write_value(out, &described.value);
        }
    }
}

fn write_list(out: &mut BytesMut, items: &[Value]) {
    compound(out, 0xc0, items.len(), |out| {
        for item in items {
            write_value(out, item);
        }
    });
}

pub(super) fn write_map(out: &mut BytesMut, map: &Map) {
    compound(out, 0xc1, map.0.len() * 2, |out| {
        for (key, value) in &map.0 {
            write_value(out, key);
            write_value(out, value);
        }
    });
}

pub(super) fn uint(out: &mut BytesMut, number: u32) {
    match u8::try_from(number) {
        Ok(0) => out.put_u8(0x43),
        Ok(small) => out.put_slice(&[0x52, small]),
        Err(_) => fixed(out, 0x70, &number.to_be_bytes()),
    }
}

pub(super) fn ulong(out: &mut BytesMut, number: u64) {
    match u8::try_from(number) {
        Ok(0) => out.put_u8(0x44),
        Ok(small) => out.put_slice(&[0x53, small]),
        Err(_) => fixed(out, 0x80, &number.to_be_bytes()),
    }
}

pub(super) fn fixed(out: &mut BytesMut, code: u8, bytes: &[u8]) {
    out.put_u8(code);
    out.put_slice(bytes);
}

/// A length of one byte, or the constructor 0x10 further and a length of four.
pub(super) fn variable(out: &mut BytesMut, code: u8, bytes: &[u8]) {
    if let Ok(length) = u8::try_from(bytes.len()) {
        out.put_slice(&[code, length]);
    } else {
        out.put_u8(code + 0x10);
        out.put_u32(wide(bytes.len()));
    }
    out.put_slice(bytes);
}

/// A list or map of `count` items: written in the short form, and widened where it came out too long.
pub(super) fn compound(out: &mut BytesMut, code: u8, count: usize, items: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_slice(&[code, 0, 0]);
    items(out);
    let size = out.len() - start - 2;
    if let (Ok(size), Ok(count)) = (u8::try_from(size), u8::try_from(count)) {
        out[start + 1] = size;
        out[start + 2] = count;
        return;
    }
    let end = out.len();
    out.put_bytes(0, 6);
    out.copy_within(start + 3..end, start + 9);
    out[start] = code + 0x10;
    out[start + 1..start + 5].copy_from_slice(&wide(size + 3).to_be_bytes());
    out[start + 5..start + 9].copy_from_slice(&wide(count).to_be_bytes());
}

/// An array is written in the widest form of its first element's type. Types that the services never send in an array,
/// and arrays of mixed types, are written as a list.
fn array(out: &mut BytesMut, items: &[Value]) {
    let code = match items.first() {
        None | Some(Value::Symbol(_)) => 0xb3,
        Some(Value::String(_)) => 0xb1,
        Some(Value::Int(_)) => 0x71,
        Some(Value::Long(_)) => 0x81,
        _ => 0,
    };
    let start = out.len();
    out.put_u8(0xf0);
    out.put_u32(0);
    out.put_u32(wide(items.len()));
    out.put_u8(code);
    for item in items {
        match (code, item) {
            (0xb3, Value::Symbol(symbol)) => long_text(out, &symbol.0),
            (0xb1, Value::String(text)) => long_text(out, text),
            (0x71, Value::Int(number)) => out.put_i32(*number),
            (0x81, Value::Long(number)) => out.put_i64(*number),
            _ => {
                out.truncate(start);
                return write_list(out, items);
            }
        }
    }
    let size = wide(out.len() - start - 5);
    out[start + 1..start + 5].copy_from_slice(&size.to_be_bytes());
}

fn long_text(out: &mut BytesMut, text: &str) {
    out.put_u32(wide(text.len()));
    out.put_slice(text.as_bytes());
}

/// What is written here was read from a frame or made by us: it is never 4 GiB long.
fn wide(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
