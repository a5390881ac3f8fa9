//! What a Digital Twin Model Identifier looks like; asked wherever a model is named.
//!
//! Source: the DTMI specification and the DTDL v2 and v3 language descriptions (segments of letters, digits and
//! underscores, a version of up to nine digits, an interface's identifier of up to 128 characters; v3 adds a minor
//! version of up to six digits and lets the version be left out).

/// The longest identifier of an interface, in characters.
const LONGEST: usize = 128;

/// Whether `text` can name a model: a DTMI as DTDL v2 or v3 has it.
pub(crate) fn is_model_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("dtmi:") else { return false };
    let (path, version) = match rest.split_once(';') {
        Some((path, version)) => (path, Some(version)),
        None => (rest, None),
    };
    text.len() <= LONGEST && path.split(':').all(is_segment) && version.is_none_or(is_version)
}

/// Whether the identifier states a version, as DTDL v2 demands.
pub(crate) fn has_version(id: &str) -> bool {
    id.contains(';')
}

fn is_segment(segment: &str) -> bool {
    segment.starts_with(|first: char| first.is_ascii_alphabetic())
        && !segment.ends_with('_')
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_version(version: &str) -> bool {
    match version.split_once('.') {
        Some((major, minor)) => is_number(major, 9) && is_number(minor, 6),
        None => is_number(version, 9),
    }
}

fn is_number(text: &str, most_digits: usize) -> bool {
    !text.is_empty()
        && text.len() <= most_digits
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_both_language_versions_are_known() {
        for id in
            ["dtmi:example:Room;1", "dtmi:a_b:c2;999999999", "dtmi:x;1", "dtmi:com:example:T;1.2", "dtmi:example:Room"]
        {
            assert!(is_model_id(id), "{id}");
        }
    }

    #[test]
    fn texts_that_are_no_identifiers_are_refused() {
        let long = format!("dtmi:{};1", "a".repeat(128));
        for id in [
            "",
            "Room",
            "dtmi:",
            "dtmi:;1",
            "DTMI:a;1",
            "dtmi:a:;1",
            "dtmi:1a;1",
            "dtmi:a_;1",
            "dtmi:a b;1",
            "dtmi:a;0",
            "dtmi:a;01",
            "dtmi:a;1234567890",
            "dtmi:a;1.",
            "dtmi:a;",
            "dtmi:ä;1",
            "dtmi:_a;1",
            &long,
        ] {
            assert!(!is_model_id(id), "{id}");
        }
    }
}
