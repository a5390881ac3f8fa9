//! Reads integers, texts and byte strings off a packet's body (section 1.5), never past its end.

use super::{Malformed, malformed};

const SHORT: Malformed = malformed("2.2.3", "the packet ends before its content does");

/// What is left of a packet's body.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|taken| taken[0])
    }

    pub(super) fn number(&mut self) -> Result<u16, Malformed> {
        self.take(2).map(|taken| u16::from_be_bytes([taken[0], taken[1]]))
    }

    pub(super) fn packet_id(&mut self) -> Result<u16, Malformed> {
        match self.number()? {
            0 => Err(malformed("MQTT-2.3.1-1", "the packet identifier is 0")),
            id => Ok(id),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number()?;
        self.take(usize::from(length))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let bytes = self.bytes()?;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("MQTT-1.5.3-1", "a text is not UTF-8"))?;
        if text.contains('\0') {
            return Err(malformed("MQTT-1.5.3-2", "a text holds U+0000"));
        }
        Ok(text)
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(malformed("2.2.3", "the packet goes on after its content")) }
    }
}
