//! Paths: split, decoded segment by segment, never normalised, so that an encoded slash stays inside its segment.

use std::borrow::Cow;
use std::sync::Arc;

use iolite_kernel::SmolStr;
use percent_encoding::percent_decode_str;
use smallvec::SmallVec;

/// Which listener a request came in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// The shared origin, where Host, path and credential tell the services apart.
    Shared,
    /// The origin of one resource: its kind's ARM type and its name.
    Dedicated {
        /// `Microsoft.Devices/IotHubs` and the like.
        resource_type: &'static str,
        /// The resource's name, lower case.
        name: Arc<str>,
    },
    /// The plain control port: managed identity.
    Control,
}

/// What is known of a request when its place is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The listener.
    pub site: &'a Site,
    /// The host that was asked for, without the port, lower case.
    pub host: &'a str,
    /// The decoded path segments.
    pub segments: &'a [Cow<'a, str>],
    /// The `Authorization` value.
    pub authorization: Option<&'a str>,
    /// The host of the resource that a shared access signature in it names.
    pub signed_host: Option<&'a str>,
    /// The `api-version`.
    pub api_version: Option<&'a str>,
}

/// The decoded segments of a path.
pub(crate) type Segments<'a> = SmallVec<[Cow<'a, str>; 8]>;

/// Splits and decodes a path. Empty segments at the start are dropped (`az` appends to a base that ends in a slash); one
/// at the end too, and in Resource Manager's paths those in the middle (azure-mgmt-authorization leaves an empty parent
/// path between two slashes). `None` where a segment is not UTF-8 or has a control character.
pub(crate) fn segments(path: &str) -> Option<Segments<'_>> {
    let trimmed = path.trim_start_matches('/');
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Some(Segments::new());
    }
    let managed = ["subscriptions/", "providers/"]
        .iter()
        .any(|word| trimmed.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
    let plain = trimmed.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%');
    let mut segments = Segments::new();
    for segment in split(trimmed, b'/').filter(|segment| !managed || !segment.is_empty()) {
        segments.push(if plain { Cow::Borrowed(segment) } else { decoded_segment(segment)? });
    }
    Some(segments)
}

/// The segments of a path as they were sent, escapes and all.
pub(crate) fn undecoded(path: &str) -> Segments<'_> {
    split(path.trim_start_matches('/'), b'/').map(Cow::Borrowed).collect()
}

fn decoded_segment(segment: &str) -> Option<Cow<'_, str>> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    if decoded.chars().any(char::is_control) { None } else { Some(decoded) }
}

/// Reads a query string in order; `+` stays a plus, as the services read it. Undecodable bytes become U+FFFD.
pub(crate) fn query(text: &str) -> SmallVec<[(SmolStr, SmolStr); 2]> {
    let mut query = SmallVec::new();
    for pair in split(text, b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match find(pair, b'=') {
            Some(end) => (&pair[..end], &pair[end + 1..]),
            None => (pair, ""),
        };
        query.push((decoded(name), decoded(value)));
    }
    query
}

fn decoded(text: &str) -> SmolStr {
    if find(text, b'%').is_none() {
        return text.into();
    }
    percent_decode_str(text).decode_utf8_lossy().into()
}

/// What stands between the ASCII characters `at` of `text`.
fn split(text: &str, at: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = find(text, at);
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// Where the ASCII character `wanted` stands. Byte by byte: segments and pairs are short.
fn find(text: &str, wanted: u8) -> Option<usize> {
    text.bytes().position(|byte| byte == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Vec<String> {
        segments(path).unwrap().into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn an_encoded_slash_stays_in_its_segment() {
        assert_eq!(read("/devices/a%2Fb/modules"), ["devices", "a/b", "modules"]);
    }

    #[test]
    fn slashes_too_many_at_the_start_do_not_matter() {
        assert_eq!(read("//subscriptions/"), ["subscriptions"]);
        assert!(read("/").is_empty());
    }

    #[test]
    fn an_empty_segment_inside_is_dropped_for_resource_manager_only() {
        assert_eq!(read("/subscriptions/s//x"), ["subscriptions", "s", "x"]);
        assert_eq!(read("/devices//modules"), ["devices", "", "modules"]);
    }

    #[test]
    fn control_characters_and_broken_text_are_refused() {
        assert_eq!(segments("/devices/a%00b"), None);
        assert_eq!(segments("/devices/%ff"), None);
        assert_eq!(segments("/devices/a%0D%0Ab"), None);
    }

    #[test]
    fn a_plus_in_a_query_is_a_plus() {
        let pairs: Vec<(SmolStr, SmolStr)> =
            vec![("a".into(), "1+1".into()), ("b".into(), " ".into()), ("c".into(), "".into())];
        assert_eq!(query("a=1+1&&b=%20&c").into_vec(), pairs);
        assert!(query("").is_empty());
    }
}
