//! The resource that a shared access signature is for, and whether it covers what a caller asks for.

/// A decoded `sr`, in lower case: a host without its port, and the segments behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUri {
    text: String,
    host_end: usize,
    path_start: usize,
}

/// The scheme that marks an Event Hubs resource; no other resource has a scheme.
const EVENT_HUBS: &str = "sb://";

/// Hosts by which every resource answers on this machine.
pub(crate) const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What a token must cover.
#[derive(Debug, Clone, Copy)]
pub struct SasAudience<'a> {
    /// The resource's own host name.
    pub host: &'a str,
    /// The origin that the caller dialled, `https://localhost:8443`.
    pub origin: &'a str,
}

impl ResourceUri {
    /// Reads a resource, already decoded once. Anything is a resource; most cover nothing.
    #[must_use]
    pub fn parse(decoded: &str) -> Self {
        let text = decoded.to_ascii_lowercase();
        let authority_end = text.find('/').unwrap_or(text.len());
        let host_end = without_port(&text[..authority_end]).len();
        Self { path_start: authority_end, host_end, text }
    }

    /// The resource as a person reads it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is one of Event Hubs: those are good at the Event Hubs endpoint only.
    #[must_use]
    pub fn is_event_hubs(&self) -> bool {
        self.text.starts_with(EVENT_HUBS)
    }

    /// The first segment, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[..self.host_end]
    }

    /// The segments behind the host; none for the root. An empty segment is one that matches nothing.
    pub fn segments(&self) -> impl Iterator<Item = &str> + Clone {
        let path = &self.text[self.path_start..];
        path.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/'))
    }

    /// Whether it is a host and no more.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.path_start == self.text.len()
    }

    /// Whether the host is the audience's: its own name, a name of this machine, or the name that was dialled.
    #[must_use]
    pub fn is_at(&self, audience: SasAudience<'_>) -> bool {
        let host = self.host();
        host.eq_ignore_ascii_case(audience.host)
            || LOCAL_HOSTS.contains(&host)
            || host.eq_ignore_ascii_case(dialled_host(audience.origin))
    }

    /// Whether the segments begin `path`, each one whole, with at least `least` of them. Case does not matter: the
    /// documented form is lower case, and the SDKs write ids as they are.
    #[must_use]
    pub fn begins(&self, path: &[&str], least: usize) -> bool {
        let mut count = 0;
        let fits = self.segments().all(|segment| {
            count += 1;
            path.get(count - 1).is_some_and(|wanted| segment.eq_ignore_ascii_case(wanted))
        });
        fits && count >= least
    }
}

/// The host of an origin, without scheme and port.
pub(crate) fn dialled_host(origin: &str) -> &str {
    without_port(origin.split_once("://").map_or(origin, |(_, rest)| rest))
}

/// A host without its port; the colons of an address in brackets are its own.
fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if authority[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) => &authority[..colon],
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: SasAudience<'static> =
        SasAudience { host: "contoso-hub.azure-devices.net", origin: "https://gateway.example:8443" };

    #[test]
    fn the_port_and_the_case_of_the_host_do_not_matter() {
        for text in [
            "contoso-hub.azure-devices.net",
            "Contoso-Hub.Azure-Devices.NET:443",
            "localhost:8443",
            "[::1]:8443",
            "gateway.example",
        ] {
            assert!(ResourceUri::parse(text).is_at(HUB), "{text}");
        }
        for text in
            ["other.azure-devices.net", "", "localhost.example", "https://localhost", "[::1]:x", "localhost%2fdevices"]
        {
            assert!(!ResourceUri::parse(text).is_at(HUB), "{text}");
        }
    }

    #[test]
    fn a_resource_covers_by_whole_segment() {
        let path = ["devices", "Dev10"];
        for (text, fits) in [
            ("h/devices/dev10", true),
            ("h/devices/DEV10", true),
            ("h/devices/dev1", false),
            ("h/devices/dev100", false),
            ("h/devices/dev10/", false),
            ("h//devices/dev10", false),
            ("h/devices/dev10/modules/m", false),
            ("h/devices", false),
            ("h", false),
            ("h/", false),
        ] {
            assert_eq!(ResourceUri::parse(text).begins(&path, 2), fits, "{text}");
        }
        assert!(ResourceUri::parse("h").begins(&path, 0));
        assert!(ResourceUri::parse("h/devices").begins(&path, 0));
        assert!(!ResourceUri::parse("h/").begins(&path, 0));
    }

    #[test]
    fn an_event_hubs_resource_is_known_by_its_scheme() {
        assert!(ResourceUri::parse("SB://localhost/hub").is_event_hubs());
        assert!(!ResourceUri::parse("localhost/sb://").is_event_hubs());
    }
}
