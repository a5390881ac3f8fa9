//! Which addresses a hub lets in: `publicNetworkAccess`, `ipFilterRules` and `networkRuleSets` of its ARM properties.
//!
//! Read by `arm`, which refuses what cannot be read, and by `identity`, which stands at the door. Source: `IotHubProperties`
//! of 2023-06-30 and Microsoft's page on IP filters.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value};

/// The most rules of one kind (documented).
const MOST_RULES: usize = 100;

/// What stands in the way of a caller's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barrier {
    /// `publicNetworkAccess` is `Disabled`, and there is no other network here.
    PublicAccessDisabled,
    /// The rule of `ipFilterRules` with this name rejects it.
    Rejected(String),
    /// No rule of `networkRuleSets` allows it.
    NotAllowed,
}

/// The rules of one hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRules {
    public_access: bool,
    filters: Vec<Filter>,
    allowed: Option<AllowList>,
}

/// A rule of `ipFilterRules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    name: String,
    accepts: bool,
    range: Range,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AllowList {
    allow_by_default: bool,
    for_events: bool,
    ranges: Vec<Range>,
}

/// An IPv4 range, as an address and how many of its bits count. Hubs know no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    network: u32,
    mask: u32,
}

/// Properties that are no rules; where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRulesError(String);

impl fmt::Display for NetworkRulesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for NetworkRulesError {}

impl NetworkRules {
    /// Reads them from a hub's ARM properties; `None` where there are none, as at most hubs.
    pub fn read(properties: &Map<String, Value>) -> Result<Option<Self>, NetworkRulesError> {
        let public_access = has_public_access(properties)?;
        let filters = match member(properties, "ipFilterRules") {
            None => Vec::new(),
            Some(rules) => named_rules(rules, "ipFilterRules", read_filter)?,
        };
        let allowed = match member(properties, "networkRuleSets") {
            None => None,
            Some(Value::Object(set)) => Some(read_allow_list(set)?),
            Some(_) => return Err(wrong("networkRuleSets is not an object")),
        };
        if public_access && filters.is_empty() && allowed.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { public_access, filters, allowed }))
    }

    /// What keeps `address` from the hub's own endpoints.
    #[must_use]
    pub fn barrier(&self, address: IpAddr) -> Option<Barrier> {
        if !self.public_access {
            return Some(Barrier::PublicAccessDisabled);
        }
        let rejected = first_to_reject(self.filters.iter(), address);
        rejected.or_else(|| self.allowed.as_ref().and_then(|list| list.barrier(address)))
    }

    /// What keeps `address` from the built-in Event Hubs-compatible endpoint: the older rules do not reach it, the newer do
    /// where they say so (`applyToBuiltInEventHubEndpoint`).
    #[must_use]
    pub fn barrier_to_events(&self, address: IpAddr) -> Option<Barrier> {
        if !self.public_access {
            return Some(Barrier::PublicAccessDisabled);
        }
        self.allowed.as_ref().filter(|list| list.for_events).and_then(|list| list.barrier(address))
    }
}

/// Whether `publicNetworkAccess` of a hub, a provisioning service or a Digital Twins instance is not `Disabled`.
pub fn has_public_access(properties: &Map<String, Value>) -> Result<bool, NetworkRulesError> {
    match text(properties, "publicNetworkAccess", "properties")? {
        None => Ok(true),
        Some(word) => one_of(word, "publicNetworkAccess", ["Disabled", "Enabled"]),
    }
}

/// The first of `filters` that holds `address` decides; it is named where it rejects.
pub(crate) fn first_to_reject<'a>(mut filters: impl Iterator<Item = &'a Filter>, address: IpAddr) -> Option<Barrier> {
    let first = filters.find(|filter| filter.range.holds(address))?;
    (!first.accepts).then(|| Barrier::Rejected(first.name.clone()))
}

impl AllowList {
    fn barrier(&self, address: IpAddr) -> Option<Barrier> {
        let is_in = self.allow_by_default || self.ranges.iter().any(|range| range.holds(address));
        (!is_in).then_some(Barrier::NotAllowed)
    }
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        Some(Self { network: u32::from(address.parse::<Ipv4Addr>().ok()?) & mask, mask })
    }

    /// An IPv6 address stands for the IPv4 one it carries; this machine's own for `127.0.0.1`. Others are in no range but
    /// the one that holds everything.
    fn holds(self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(address) if address.is_loopback() => Some(Ipv4Addr::LOCALHOST),
            IpAddr::V6(address) => address.to_ipv4_mapped(),
        };
        address.map_or(self.mask == 0, |address| u32::from(address) & self.mask == self.network)
    }
}

pub(crate) fn read_filter(rule: &Map<String, Value>, name: &str, path: &str) -> Result<Filter, NetworkRulesError> {
    let action = text(rule, "action", path)?.ok_or_else(|| wrong(format!("{path}.action is missing")))?;
    let accepts = one_of(action, &format!("{path}.action"), ["Reject", "Accept"])?;
    Ok(Filter { name: name.to_owned(), accepts, range: read_range(rule, path)? })
}

fn read_allow_list(set: &Map<String, Value>) -> Result<AllowList, NetworkRulesError> {
    let path = "networkRuleSets";
    let allow_by_default = match text(set, "defaultAction", path)? {
        None => false,
        Some(word) => one_of(word, "networkRuleSets.defaultAction", ["Deny", "Allow"])?,
    };
    let for_events = match member(set, "applyToBuiltInEventHubEndpoint") {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => return Err(wrong("networkRuleSets.applyToBuiltInEventHubEndpoint is not a boolean")),
    };
    let ranges = match member(set, "ipRules") {
        None => Vec::new(),
        Some(rules) => named_rules(rules, "networkRuleSets.ipRules", |rule, _, path| {
            if let Some(action) = text(rule, "action", path)?.filter(|action| !action.eq_ignore_ascii_case("Allow")) {
                return Err(wrong(format!("{path}.action is '{action}'; it can be Allow only")));
            }
            read_range(rule, path)
        })?,
    };
    Ok(AllowList { allow_by_default, for_events, ranges })
}

/// A list of rules whose names differ.
pub(crate) fn named_rules<T>(
    rules: &Value,
    path: &str,
    read: impl Fn(&Map<String, Value>, &str, &str) -> Result<T, NetworkRulesError>,
) -> Result<Vec<T>, NetworkRulesError> {
    let Value::Array(rules) = rules else { return Err(wrong(format!("{path} is not a list"))) };
    if rules.len() > MOST_RULES {
        return Err(wrong(format!("{path} has {} rules; it can have {MOST_RULES}", rules.len())));
    }
    let mut names: Vec<String> = Vec::new();
    let mut found = Vec::with_capacity(rules.len());
    for (index, rule) in rules.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::Object(rule) = rule else { return Err(wrong(format!("{path} is not an object"))) };
        let name = text(rule, "filterName", &path)?.filter(|name| (1..=128).contains(&name.len()));
        let name = name.ok_or_else(|| wrong(format!("{path}.filterName is not a name of 1 to 128 characters")))?;
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(wrong(format!("{path}.filterName is the name of another rule")));
        }
        names.push(name.to_owned());
        found.push(read(rule, name, &path)?);
    }
    Ok(found)
}

fn read_range(rule: &Map<String, Value>, path: &str) -> Result<Range, NetworkRulesError> {
    let mask = text(rule, "ipMask", path)?.unwrap_or_default();
    Range::parse(mask).ok_or_else(|| wrong(format!("{path}.ipMask is not an IPv4 address or range in CIDR notation")))
}

/// Whether `word` is the second of two words rather than the first; without case.
fn one_of(word: &str, path: &str, words: [&str; 2]) -> Result<bool, NetworkRulesError> {
    match words.iter().position(|known| known.eq_ignore_ascii_case(word)) {
        Some(index) => Ok(index == 1),
        None => Err(wrong(format!("{path} is neither {} nor {}", words[0], words[1]))),
    }
}

pub(crate) fn text<'a>(
    map: &'a Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<Option<&'a str>, NetworkRulesError> {
    match member(map, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(format!("{path}.{name} is not a string"))),
    }
}

/// A member by its name without case, as Resource Manager reads them; `null` counts as left out.
pub(crate) fn member<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found =
        map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

pub(crate) fn wrong(text: impl Into<String>) -> NetworkRulesError {
    NetworkRulesError(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(properties: Value) -> Result<Option<NetworkRules>, NetworkRulesError> {
        let Value::Object(map) = properties else { panic!() };
        NetworkRules::read(&map)
    }

    fn barrier(properties: &Value, address: &str) -> Option<Barrier> {
        rules(properties.clone()).unwrap().unwrap().barrier(address.parse().unwrap())
    }

    #[test]
    fn a_hub_that_says_nothing_lets_everybody_in() {
        for properties in [
            json!({}),
            json!({"publicNetworkAccess": "Enabled", "ipFilterRules": [], "networkRuleSets": null}),
            json!({"publicNetworkAccess": null}),
        ] {
            assert_eq!(rules(properties).unwrap(), None);
        }
    }

    #[test]
    fn the_first_filter_that_fits_decides_and_none_lets_in() {
        let properties = json!({"ipFilterRules": [
            {"filterName": "office", "action": "Accept", "ipMask": "10.1.0.0/16"},
            {"filterName": "rest", "action": "Reject", "ipMask": "10.0.0.0/8"},
        ]});
        assert_eq!(barrier(&properties, "10.1.2.3"), None);
        assert_eq!(barrier(&properties, "10.2.2.3"), Some(Barrier::Rejected("rest".to_owned())));
        assert_eq!(barrier(&properties, "::ffff:10.2.2.3"), Some(Barrier::Rejected("rest".to_owned())));
        assert_eq!(barrier(&properties, "192.168.0.1"), None);
        let events = rules(properties).unwrap().unwrap();
        assert_eq!(events.barrier_to_events("10.2.2.3".parse().unwrap()), None);
    }

    #[test]
    fn a_rule_set_lets_in_what_it_names_and_nothing_else() {
        let set = |events: bool, default: Option<&str>| {
            json!({"networkRuleSets": {
                "defaultAction": default, "applyToBuiltInEventHubEndpoint": events,
                "ipRules": [{"filterName": "this machine", "ipMask": "127.0.0.1"}],
            }})
        };
        assert_eq!(barrier(&set(false, None), "127.0.0.1"), None);
        assert_eq!(barrier(&set(false, None), "::1"), None, "this machine by its other name");
        assert_eq!(barrier(&set(false, None), "127.0.0.2"), Some(Barrier::NotAllowed));
        assert_eq!(barrier(&set(false, None), "2001:db8::1"), Some(Barrier::NotAllowed));
        assert_eq!(barrier(&set(false, Some("Allow")), "127.0.0.2"), None);
        let to_events = |events| {
            let found = rules(set(events, None)).unwrap().unwrap();
            found.barrier_to_events("127.0.0.2".parse().unwrap())
        };
        assert_eq!((to_events(false), to_events(true)), (None, Some(Barrier::NotAllowed)));
    }

    #[test]
    fn without_public_access_nobody_gets_in() {
        let properties = json!({"publicNetworkAccess": "Disabled"});
        assert_eq!(barrier(&properties, "127.0.0.1"), Some(Barrier::PublicAccessDisabled));
        let events = rules(properties).unwrap().unwrap();
        assert_eq!(events.barrier_to_events("::1".parse().unwrap()), Some(Barrier::PublicAccessDisabled));
    }

    #[test]
    fn everything_is_in_the_range_of_no_bits() {
        let properties = json!({"ipFilterRules": [{"filterName": "all", "action": "Reject", "ipMask": "0.0.0.0/0"}]});
        for address in ["8.8.8.8", "127.0.0.1", "2001:db8::1"] {
            assert!(barrier(&properties, address).is_some(), "{address}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_place() {
        let filter = |name: &str, action: &str, mask: &str| json!({"ipFilterRules": [{"filterName": name, "action": action, "ipMask": mask}]});
        let twice = json!({"filterName": "A", "action": "Accept", "ipMask": "1.1.1.1"});
        for properties in [
            filter("", "Accept", "1.1.1.1"),
            filter("a", "Allow", "1.1.1.1"),
            filter("a", "Accept", "1.1.1.1/33"),
            filter("a", "Accept", "1.1.1"),
            filter("a", "Accept", "::1"),
            json!({"ipFilterRules": {}}),
            json!({"ipFilterRules": [7]}),
            json!({"ipFilterRules": [twice.clone(), twice]}),
            json!({"ipFilterRules": vec![json!({}); 101]}),
            json!({"networkRuleSets": []}),
            json!({"networkRuleSets": {"defaultAction": "Maybe"}}),
            json!({"networkRuleSets": {"applyToBuiltInEventHubEndpoint": "yes"}}),
            json!({"networkRuleSets": {"ipRules": [{"filterName": "a", "action": "Deny", "ipMask": "1.1.1.1"}]}}),
            json!({"publicNetworkAccess": "Off"}),
            json!({"publicNetworkAccess": true}),
        ] {
            assert!(rules(properties.clone()).is_err(), "{properties}");
        }
    }
}
