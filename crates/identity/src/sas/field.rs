//! The encoding of a field's value: percent escapes in either case, as in a form.

use std::borrow::Cow;

/// Decodes `text` once. A bare `+` stands for a space, as the services' own reader has it; an escape cut short, or one
/// that makes no UTF-8, is `None`.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_in_either_case_and_once() {
        assert_eq!(decode("a%2fb%2Fc").unwrap(), "a/b/c");
        assert_eq!(decode("a%252Fb").unwrap(), "a%2Fb");
        assert_eq!(decode("plain").unwrap(), "plain");
        assert_eq!(decode("a+b").unwrap(), "a b");
    }

    #[test]
    fn an_escape_that_is_none_is_refused() {
        for text in ["%", "%2", "%zz", "a%", "%+1", "%ff"] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
