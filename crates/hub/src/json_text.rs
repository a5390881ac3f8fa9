//! JSON that is written piece by piece: for what is written with every device that is made.
//!
//! Used by the device and the twin for their records and answers, whose members are always the same. What is not written by
//! the thousand is left to serde. It checks nothing: the pieces must come to JSON.

/// Appends pieces of JSON.
pub(crate) trait JsonText {
    /// Text that is JSON already: names, punctuation, and strings that need no escapes.
    fn raw(&mut self, text: &str);

    /// A string.
    fn string(&mut self, value: &str);

    /// A whole number.
    fn integer(&mut self, number: i64);

    /// A string, or `null`.
    fn string_or_null(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.string(value),
            None => self.raw("null"),
        }
    }
}

impl JsonText for Vec<u8> {
    fn raw(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, value: &str) {
        // Every byte is looked at, whatever came before: that is done many bytes at a time.
        let is_odd = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        if value.bytes().fold(0, |odd, byte| odd | u8::from(is_odd(byte))) > 0 {
            self.raw(&serde_json::Value::from(value).to_string());
        } else {
            self.push(b'"');
            self.raw(value);
            self.push(b'"');
        }
    }

    fn integer(&mut self, number: i64) {
        /// As many digits as an `i64` can have.
        const DIGITS: usize = 19;
        let (mut digits, mut first, mut rest) = ([b'0'; DIGITS], DIGITS - 1, number.unsigned_abs());
        while rest >= 10 {
            digits[first] += u8::try_from(rest % 10).unwrap_or_default();
            (first, rest) = (first - 1, rest / 10);
        }
        digits[first] += u8::try_from(rest).unwrap_or_default();
        if number < 0 {
            self.push(b'-');
        }
        self.extend_from_slice(&digits[first..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn strings_are_written_as_serde_writes_them() {
        for value in
            ["", "dev1", "A-b:c.d%'", "ü€", "\"", "\\", "a\nb", "\u{0}\u{1f}", "\u{7f}", "long and \"odd\" text"]
        {
            assert_eq!(written(|text| text.string(value)), serde_json::to_string(value).unwrap());
        }
        assert_eq!(written(|text| text.string_or_null(None)), "null");
    }

    #[test]
    fn integers_are_written_digit_by_digit() {
        for number in [0, 7, 10, -1, 637_345_907_159_909_997, i64::MAX, i64::MIN] {
            assert_eq!(written(|text| text.integer(number)), number.to_string());
        }
    }
}
