//! Which keys and secrets of a world everybody can know, told so that the user finds them in the world file; and where they
//! may not be served.

use std::net::IpAddr;

use crate::settings::{Settings, WellKnownKeys};

/// Keys and secrets that are public knowledge.
#[derive(Debug, Default)]
pub(crate) struct PublicKeys {
    /// Of each resource its policies, in the order of the world.
    policies: Vec<(String, Vec<(Which, String)>)>,
    /// The principals.
    principals: Vec<String>,
}

/// Which of a policy's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Both,
    Primary,
    Secondary,
}

impl Which {
    /// Those of the two, if any.
    pub(crate) const fn of(primary: bool, secondary: bool) -> Option<Self> {
        match (primary, secondary) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Primary),
            (false, true) => Some(Self::Secondary),
            (false, false) => None,
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Both => "both keys of",
            Self::Primary => "the primary key of",
            Self::Secondary => "the secondary key of",
        }
    }
}

impl PublicKeys {
    /// Adds keys of a resource's policy.
    pub(crate) fn add_policy(&mut self, resource: &str, policy: &str, which: Which) {
        let added = (which, policy.to_owned());
        match self.policies.last_mut().filter(|(last, _)| last == resource) {
            Some((_, known)) => known.push(added),
            None => self.policies.push((resource.to_owned(), vec![added])),
        }
    }

    /// Adds a principal's secret.
    pub(crate) fn add_principal(&mut self, name: &str) {
        self.principals.push(name.to_owned());
    }

    /// A line for each resource, and one for the principals.
    pub(crate) fn told(self) -> Vec<String> {
        let line = |(resource, policies): &(String, Vec<(Which, String)>)| {
            let of = |which: Which| {
                let names = policies.iter().filter(|(known, _)| *known == which).map(|(_, name)| name.as_str());
                let names: Vec<&str> = names.collect();
                (!names.is_empty()).then(|| format!("{} {}", which.told(), names.join(", ")))
            };
            let parts: Vec<String> =
                [Which::Both, Which::Primary, Which::Secondary].into_iter().filter_map(of).collect();
            format!("{resource}: {}", parts.join("; "))
        };
        let mut lines: Vec<String> = self.policies.iter().map(line).collect();
        if !self.principals.is_empty() {
            lines.push(format!("the client secret or password of {}", self.principals.join(", ")));
        }
        lines
    }
}

/// How far the emulator is heard, and whether with keys that everybody knows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reach {
    beyond_loopback: Option<IpAddr>,
    allows_well_known_keys: bool,
}

impl Reach {
    /// What the settings ask for.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            beyond_loopback: settings.bind.filter(|address| !address.is_loopback()),
            allows_well_known_keys: settings.allow_well_known_keys,
        }
    }

    /// Refuses `keys`, which everybody knows, where others could use them; `remedy` is what helps here besides consent.
    pub(crate) fn check(&self, keys: &[String], remedy: &str) -> Result<(), WellKnownKeys> {
        match self.beyond_loopback {
            Some(address) if !self.allows_well_known_keys && !keys.is_empty() => {
                Err(WellKnownKeys { address, keys: keys.to_vec(), remedy: remedy.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_told_once_and_by_its_place() {
        let mut keys = PublicKeys::default();
        for (resource, policy, which) in [
            ("hub-one", "owner", Which::Both),
            ("hub-one", "device", Which::Secondary),
            ("hub-one", "service", Which::Both),
            ("dps-one", "owner", Which::Primary),
        ] {
            keys.add_policy(resource, policy, which);
        }
        keys.add_principal("app");
        keys.add_principal("ada");
        let told = [
            "hub-one: both keys of owner, service; the secondary key of device",
            "dps-one: the primary key of owner",
            "the client secret or password of app, ada",
        ];
        assert_eq!(keys.told(), told);
    }

    #[test]
    fn only_what_everybody_knows_is_refused_and_only_beyond_loopback() {
        let reach = |bind: &str, allows: bool| {
            let settings = Settings { bind: bind.parse().ok(), allow_well_known_keys: allows, ..Settings::default() };
            Reach::of(&settings)
        };
        let keys = ["hub-one: both keys of owner".to_owned()];
        let refused = reach("0.0.0.0", false).check(&keys, "do this").unwrap_err().to_string();
        assert!(refused.contains("0.0.0.0") && refused.contains(&keys[0]) && refused.contains("do this"), "{refused}");
        assert!(reach("0.0.0.0", false).check(&[], "").is_ok());
        assert!(reach("0.0.0.0", true).check(&keys, "").is_ok());
        for bind in ["", "127.0.0.2", "::1"] {
            assert!(reach(bind, false).check(&keys, "").is_ok(), "{bind}");
        }
    }
}
