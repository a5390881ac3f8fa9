//! A value of AMQP's type system (part 1), as read and as written.

use bytes::Bytes;

/// Any AMQP value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// `boolean`.
    Boolean(bool),
    /// `ubyte`.
    Ubyte(u8),
    /// `ushort`.
    Ushort(u16),
    /// `uint`.
    Uint(u32),
    /// `ulong`.
    Ulong(u64),
    /// `byte`.
    Byte(i8),
    /// `short`.
    Short(i16),
    /// `int`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `float`.
    Float(f32),
    /// `double`.
    Double(f64),
    /// `decimal32`, its bytes unread.
    Decimal32([u8; 4]),
    /// `decimal64`, its bytes unread.
    Decimal64([u8; 8]),
    /// `decimal128`, its bytes unread.
    Decimal128([u8; 16]),
    /// `char`.
    Char(char),
    /// `timestamp`, milliseconds since 1970.
    Timestamp(i64),
    /// `uuid`.
    Uuid([u8; 16]),
    /// `binary`.
    Binary(Bytes),
    /// `string`.
    String(Box<str>),
    /// `symbol`.
    Symbol(Symbol),
    /// `list`.
    List(Vec<Value>),
    /// `map`.
    Map(Map),
    /// `array`; all of one type.
    Array(Vec<Value>),
    /// A value with a descriptor.
    Described(Box<Described>),
}

/// A described value.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// What it is: a `ulong` or a `symbol` everywhere in the standard.
    pub descriptor: Value,
    /// The value underneath.
    pub value: Value,
}

/// A `symbol`: ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Symbol(pub Box<str>);

/// A field that takes one symbol or an array of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Symbols(pub Vec<Symbol>);

/// A `map`, in the order sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map(pub Vec<(Value, Value)>);

impl Value {
    /// The text of a string or a symbol.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Symbol(Symbol(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole number of whatever width, where it fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Ubyte(number) => Some(number.into()),
            Self::Ushort(number) => Some(number.into()),
            Self::Uint(number) => Some(number.into()),
            Self::Ulong(number) => number.try_into().ok(),
            Self::Byte(number) => Some(number.into()),
            Self::Short(number) => Some(number.into()),
            Self::Int(number) => Some(number.into()),
            Self::Long(number) | Self::Timestamp(number) => Some(number),
            _ => None,
        }
    }

    /// A string value.
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::String(text.into())
    }

    /// A symbol value. The caller passes ASCII.
    pub fn symbol(text: impl Into<Box<str>>) -> Self {
        Self::Symbol(Symbol(text.into()))
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Map {
    /// The value under `key`, be the key a string or a symbol.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known.as_text() == Some(key)).map(|(_, value)| value)
    }

    /// The text under `key`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_text)
    }

    /// Adds an entry under a symbol.
    pub fn annotate(&mut self, key: &str, value: Value) {
        self.0.push((Value::symbol(key), value));
    }

    /// Adds an entry under a string.
    pub fn put(&mut self, key: &str, value: Value) {
        self.0.push((Value::string(key), value));
    }
}
