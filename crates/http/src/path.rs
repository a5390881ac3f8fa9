//! Paths: split, decoded segment by segment, never normalised, so that an encoded slash stays inside its segment.

use std::borrow::Cow;
use std::sync::Arc;

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

/// Splits and decodes a path. Empty segments at the start are dropped (`az` appends to a base that ends in a slash); one
/// at the end too, and in Resource Manager's paths those in the middle (azure-mgmt-authorization leaves an empty parent
/// path between two slashes). `None` where a segment is not UTF-8 or has a control character.
pub(crate) fn segments(path: &str) -> Option<SmallVec<[Cow<'_, str>; 8]>> {
    let trimmed = path.trim_start_matches('/');
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Some(SmallVec::new());
    }
    let managed = ["subscriptions/", "providers/"]
        .iter()
        .any(|word| trimmed.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
    trimmed
        .split('/')
        .filter(|segment| !managed || !segment.is_empty())
        .map(|segment| {
            if segment.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%') {
                return Some(Cow::Borrowed(segment));
            }
            let decoded = percent_decode_str(segment).decode_utf8().ok()?;
            if decoded.chars().any(char::is_control) { None } else { Some(decoded) }
        })
        .collect()
}

/// Reads a query string in order; `+` stays a plus, as the services read it. Undecodable bytes become U+FFFD.
pub(crate) fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    if text.contains('%') { percent_decode_str(text).decode_utf8_lossy().into_owned() } else { text.to_owned() }
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
        assert_eq!(query("a=1+1&b=%20"), vec![("a".into(), "1+1".into()), ("b".into(), " ".into())]);
    }
}
