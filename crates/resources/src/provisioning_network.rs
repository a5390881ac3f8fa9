//! Which addresses a provisioning service lets in: `publicNetworkAccess` and `ipFilterRules` of its ARM properties.
//!
//! Read by `arm`, which refuses what cannot be read, and by `identity`, which stands at the door. Source:
//! `IotDpsPropertiesDescription` of 2022-12-12 and Microsoft's page on the service's IP filters.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::network::{Filter, first_to_reject, member, named_rules, read_filter, text, wrong};
use crate::{Barrier, NetworkRulesError, has_public_access};

/// Which API of a provisioning service is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisioningApi {
    /// That of back ends: enrolments and registration states.
    Service,
    /// That of devices: registering.
    Device,
}

/// The rules of one provisioning service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningNetworkRules {
    public_access: bool,
    filters: Vec<Targeted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Targeted {
    /// `None` for both.
    api: Option<ProvisioningApi>,
    filter: Filter,
}

impl ProvisioningNetworkRules {
    /// Reads them from a provisioning service's ARM properties; `None` where there are none, as at most services.
    pub fn read(properties: &Map<String, Value>) -> Result<Option<Self>, NetworkRulesError> {
        let public_access = has_public_access(properties)?;
        let filters = match member(properties, "ipFilterRules") {
            None => Vec::new(),
            Some(rules) => named_rules(rules, "ipFilterRules", |rule, name, path| {
                Ok(Targeted { api: read_target(rule, path)?, filter: read_filter(rule, name, path)? })
            })?,
        };
        Ok((!public_access || !filters.is_empty()).then_some(Self { public_access, filters }))
    }

    /// What keeps `address` from `api`.
    #[must_use]
    pub fn barrier(&self, api: ProvisioningApi, address: IpAddr) -> Option<Barrier> {
        if !self.public_access {
            return Some(Barrier::PublicAccessDisabled);
        }
        let about = self.filters.iter().filter(|rule| rule.api.is_none_or(|target| target == api));
        first_to_reject(about.map(|rule| &rule.filter), address)
    }
}

/// A rule that does not say is about both.
fn read_target(rule: &Map<String, Value>, path: &str) -> Result<Option<ProvisioningApi>, NetworkRulesError> {
    match text(rule, "target", path)?.map(str::to_ascii_lowercase).as_deref() {
        None | Some("all") => Ok(None),
        Some("serviceapi") => Ok(Some(ProvisioningApi::Service)),
        Some("deviceapi") => Ok(Some(ProvisioningApi::Device)),
        Some(_) => Err(wrong(format!("{path}.target is neither all nor serviceApi nor deviceApi"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(properties: Value) -> Result<Option<ProvisioningNetworkRules>, NetworkRulesError> {
        let Value::Object(map) = properties else { panic!() };
        ProvisioningNetworkRules::read(&map)
    }

    fn reject(target: Option<&str>) -> Value {
        json!({"ipFilterRules": [{"filterName": "no", "action": "Reject", "ipMask": "127.0.0.1", "target": target}]})
    }

    #[test]
    fn a_rule_is_about_the_api_that_it_names() {
        let (here, rejected) = ("127.0.0.1".parse().unwrap(), Some(Barrier::Rejected("no".to_owned())));
        for (target, by_service, by_device) in [
            (None, rejected.clone(), rejected.clone()),
            (Some("All"), rejected.clone(), rejected.clone()),
            (Some("serviceApi"), rejected.clone(), None),
            (Some("deviceApi"), None, rejected),
        ] {
            let rules = rules(reject(target)).unwrap().unwrap();
            assert_eq!(rules.barrier(ProvisioningApi::Service, here), by_service, "{target:?}");
            assert_eq!(rules.barrier(ProvisioningApi::Device, here), by_device, "{target:?}");
            assert_eq!(rules.barrier(ProvisioningApi::Service, "127.0.0.2".parse().unwrap()), None);
        }
    }

    #[test]
    fn the_first_rule_about_an_api_decides_for_it() {
        let rule = |name, action, mask, target| json!({"filterName": name, "action": action, "ipMask": mask, "target": target});
        let rules = rules(json!({"ipFilterRules": [
            rule("devices", "Accept", "10.1.0.0/16", "deviceApi"), rule("rest", "Reject", "10.0.0.0/8", "all"),
        ]}));
        let (rules, address) = (rules.unwrap().unwrap(), "10.1.2.3".parse().unwrap());
        assert_eq!(rules.barrier(ProvisioningApi::Device, address), None);
        assert_eq!(rules.barrier(ProvisioningApi::Service, address), Some(Barrier::Rejected("rest".to_owned())));
    }

    #[test]
    fn without_public_access_neither_api_is_reached() {
        let rules = rules(json!({"publicNetworkAccess": "Disabled"})).unwrap().unwrap();
        for api in [ProvisioningApi::Service, ProvisioningApi::Device] {
            assert_eq!(rules.barrier(api, "::1".parse().unwrap()), Some(Barrier::PublicAccessDisabled));
        }
    }

    #[test]
    fn a_service_that_says_nothing_has_no_rules_and_what_is_none_is_refused() {
        assert_eq!(rules(json!({"publicNetworkAccess": "Enabled", "ipFilterRules": []})).unwrap(), None);
        for wrong in [json!({"ipFilterRules": 5}), reject(Some("everything")), json!({"publicNetworkAccess": "x"})] {
            assert!(rules(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
