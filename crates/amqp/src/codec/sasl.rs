//! The SASL frames' bodies (part 5, section 5.3.3). Challenges are never sent: no mechanism here needs one.

use bytes::{Bytes, BytesMut};

use super::composite::{composite, read_composite};
use super::read::{DecodeError, Reader};
use super::value::{Symbol, Symbols};

composite! {
    /// What the server lets choose from.
    SaslMechanisms = 0x40 {
        /// The mechanisms.
        mechanisms: Symbols,
    }
}

composite! {
    /// What the client chose.
    SaslInit = 0x41 {
        /// The mechanism.
        mechanism: Symbol,
        /// What it shows.
        initial_response: Option<Bytes>,
        /// The host that is meant.
        hostname: Option<Box<str>>,
    }
}

composite! {
    /// How it ended.
    SaslOutcome = 0x44 {
        /// 0 good, 1 not believed, 2 to 4 failed otherwise.
        code: u8,
        /// More, by mechanism.
        additional_data: Option<Bytes>,
    }
}

/// A SASL frame.
#[derive(Debug, Clone, PartialEq)]
pub enum SaslFrame {
    /// The server's offer.
    Mechanisms(SaslMechanisms),
    /// The client's choice.
    Init(SaslInit),
    /// The server's verdict.
    Outcome(SaslOutcome),
    /// A challenge, or a response to one.
    Challenge,
}

impl SaslFrame {
    /// Reads a SASL frame's body.
    pub fn read(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (code, fields) = read_composite(&mut reader)?;
        if !reader.is_empty() {
            return Err(DecodeError("a SASL frame is longer than what it holds"));
        }
        match code {
            SaslInit::CODE => SaslInit::read(fields).map(Self::Init),
            SaslMechanisms::CODE => SaslMechanisms::read(fields).map(Self::Mechanisms),
            SaslOutcome::CODE => SaslOutcome::read(fields).map(Self::Outcome),
            0x42 | 0x43 => Ok(Self::Challenge),
            _ => Err(DecodeError("a SASL frame is unknown")),
        }
    }
}

/// Appends the frame body that offers `mechanisms`.
pub(crate) fn write_mechanisms(out: &mut BytesMut, mechanisms: &[&str]) {
    let mechanisms = Symbols(mechanisms.iter().map(|name| Symbol::from(*name)).collect());
    SaslMechanisms { mechanisms }.write(out);
}
