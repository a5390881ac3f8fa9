//! What a token is for: a host and a path below it, however it was spelt.
//!
//! Clients name it `localhost%2Fdevices%2Fdev1`, `https://localhost:8443`, `amqps://localhost`, `sb://localhost/hub1` or
//! `https://iothubs.azure.net/.default`. `amqp` reads which links may lean on a token, and the doors in `server` where it is
//! to be judged; whether the token really is for it, they decide from the token itself.

use percent_encoding::percent_decode_str;

/// A host and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Lower case, without port.
    pub host: String,
    /// The path's segments, decoded; none is empty.
    pub segments: Vec<String>,
}

impl Audience {
    /// Reads a text, whatever it is: one that is no audience is a host that nobody has.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let decoded = percent_decode_str(text.trim()).decode_utf8_lossy();
        let rest = decoded.split_once("://").map_or(&*decoded, |(_scheme, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Self { host: bare_host(host), segments }
    }

    /// Whether it reaches `path`: it names it or something above it. Letters compare without case; a device's own case is
    /// the door's to check.
    #[must_use]
    pub fn covers(&self, path: &[&str]) -> bool {
        self.segments.len() <= path.len()
            && self.segments.iter().zip(path).all(|(own, other)| own.eq_ignore_ascii_case(other))
    }
}

/// A host without its port, in lower case.
#[must_use]
pub fn bare_host(host: &str) -> String {
    let host = host.trim();
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !bare.ends_with(':') => bare,
        _ => host,
    };
    bare.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_a_host_and_a_path() {
        for (text, host, segments) in [
            ("localhost%2Fdevices%2FDev1", "localhost", &["devices", "Dev1"][..]),
            ("Hub.azure-devices.net/devices/d/modules/m", "hub.azure-devices.net", &["devices", "d", "modules", "m"]),
            ("https://localhost:8443", "localhost", &[]),
            ("amqps://localhost", "localhost", &[]),
            ("sb://localhost/hub1/consumergroups/$Default", "localhost", &["hub1", "consumergroups", "$Default"]),
            ("https://iothubs.azure.net/.default", "iothubs.azure.net", &[".default"]),
            ("[::1]:5671/devices/d", "[::1]", &["devices", "d"]),
        ] {
            let read = Audience::read(text);
            assert_eq!((read.host.as_str(), read.segments.as_slice()), (host, &*owned(segments)), "{text}");
        }
    }

    #[test]
    fn a_path_is_covered_by_whole_segments() {
        let device = Audience::read("h/devices/dev1");
        assert!(device.covers(&["devices", "dev1"]));
        assert!(device.covers(&["devices", "dev1", "modules", "m"]));
        assert!(!device.covers(&["devices", "dev10"]));
        assert!(!device.covers(&["devices"]));
        assert!(Audience::read("h").covers(&["devices", "dev1"]));
    }

    fn owned(segments: &[&str]) -> Vec<String> {
        segments.iter().map(|segment| (*segment).to_owned()).collect()
    }
}
