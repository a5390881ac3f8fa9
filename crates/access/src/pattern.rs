//! Action patterns of role definitions: `*` stands for any text, letters compare without case.

/// Whether `pattern` covers `action`.
///
/// Source: "Understand Azure role definitions", on the wildcard. Linear in both lengths but for backtracking to the last
/// star, so a hostile pattern costs no more than their product.
#[must_use]
pub fn matches_action(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < action.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&action[from]) => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((star_at, star_from)) => {
                    at = star_at + 1;
                    from = star_from + 1;
                    star = Some((star_at, from));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_spans_segments() {
        assert!(matches_action("Microsoft.Devices/IotHubs/*/read", "Microsoft.Devices/iotHubs/devices/READ"));
        assert!(matches_action("*/read", "Microsoft.Devices/iotHubs/Read"));
        assert!(matches_action("*", "anything/at/all"));
        assert!(matches_action("Microsoft.Devices/IotHubs/*", "Microsoft.Devices/IotHubs/devices/write"));
    }

    #[test]
    fn what_a_pattern_does_not_say_it_does_not_cover() {
        assert!(!matches_action("Microsoft.Devices/IotHubs/*/read", "Microsoft.Devices/IotHubs/devices/write"));
        assert!(!matches_action("Microsoft.Devices/IotHubs/twins/*", "Microsoft.Devices/IotHubs/devices/read"));
        assert!(!matches_action("Microsoft.Devices/IotHubs/devices/read", "Microsoft.Devices/IotHubs/devices/reads"));
        assert!(!matches_action("", "x"));
        assert!(matches_action("", ""));
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = "*a".repeat(200);
        assert!(!matches_action(&pattern, &"a".repeat(199)));
    }
}
