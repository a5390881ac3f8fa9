//! What a world's hubs, provisioning services and Digital Twins instances must hold to. Resource Manager's own rules for
//! them are asked where there are any, so that a file cannot make what no request could.

use iolite_arm::{
    HUB_POLICIES, PROVISIONING_POLICIES, PolicyRules, check_hub_properties, is_policy_key, is_policy_name,
};
use iolite_hub::blobs::{StorageAccount, is_container_name};
use iolite_identity::{describe_authority, read_certificate};
use iolite_kernel::Rights;

use super::super::file::{CertificateEntry, LinkBy, LinkEntry, PolicyEntry, ProvisioningServiceEntry, StorageEntry};
use super::super::seed::storage_properties;
use super::{Checker, WorldError};

/// The policies that every hub has.
const BUILT_IN_POLICIES: [&str; 5] = ["iothubowner", "service", "device", "registryRead", "registryReadWrite"];

impl Checker<'_> {
    pub(super) fn hubs(&self) -> Result<(), WorldError> {
        self.unique("iot_hubs", self.world.iot_hubs.iter().map(|hub| hub.name.as_str()))?;
        for (index, hub) in self.world.iot_hubs.iter().enumerate() {
            let at = format!("iot_hubs[{index}]");
            self.name(&at, &hub.name, 3, 50)?;
            self.group(&at, &hub.resource_group)?;
            if !["F1", "S1", "S2", "S3", "B1", "B2", "B3"].contains(&hub.sku.as_str()) {
                let at = format!("{at}.sku");
                return self.wrong(at, format!("`{}` is not a tier", hub.sku), "F1, S1, S2, S3, B1, B2 or B3");
            }
            if !(2..=128).contains(&hub.partitions) {
                return self.wrong(format!("{at}.partitions"), "out of range", "give 2 to 128 partitions");
            }
            self.policies(&at, &hub.policies, &HUB_POLICIES)?;
            self.storage(&at, hub.storage.as_ref())?;
            self.certificates(&at, &hub.certificates)?;
        }
        Ok(())
    }

    fn storage(&self, at: &str, storage: Option<&StorageEntry>) -> Result<(), WorldError> {
        let Some(storage) = storage else { return Ok(()) };
        if let Err(error) = StorageAccount::parse(&storage.connection_string) {
            let at = format!("{at}.storage.connection_string");
            return self.wrong(at, error.to_string(), "give the account's name and key, or UseDevelopmentStorage=true");
        }
        if !is_container_name(&storage.container) {
            let problem = format!("`{}` is no name of a container", storage.container);
            let help = "3 to 63 lower-case letters, digits and single hyphens";
            return self.wrong(format!("{at}.storage.container"), problem, help);
        }
        if let Err(problem) = check_hub_properties(&storage_properties(storage)) {
            let remedy = "give sas_ttl as an ISO 8601 duration such as PT1H, from a minute to a day";
            return self.wrong(format!("{at}.storage"), problem, remedy);
        }
        Ok(())
    }

    fn certificates(&self, at: &str, certificates: &[CertificateEntry]) -> Result<(), WorldError> {
        self.unique(&format!("{at}.certificates"), certificates.iter().map(|entry| entry.name.as_str()))?;
        for (index, entry) in certificates.iter().enumerate() {
            let at = format!("{at}.certificates[{index}]");
            self.name(&at, &entry.name, 1, 64)?;
            if let Err(error) = read_certificate(&entry.certificate).and_then(|der| describe_authority(&der)) {
                return self.wrong(
                    format!("{at}.certificate"),
                    error.to_string(),
                    "give an authority's certificate, PEM",
                );
            }
        }
        Ok(())
    }

    pub(super) fn provisioning_services(&self) -> Result<(), WorldError> {
        let services = &self.world.provisioning_services;
        self.unique("provisioning_services", services.iter().map(|service| service.name.as_str()))?;
        for (index, service) in services.iter().enumerate() {
            let at = format!("provisioning_services[{index}]");
            self.name(&at, &service.name, 3, 64)?;
            self.group(&at, &service.resource_group)?;
            if let Some(id_scope) = service.id_scope.as_deref().filter(|id_scope| !is_id_scope(id_scope)) {
                let problem = format!("`{id_scope}` is no id scope");
                let remedy = "write 0ne and eight hexadecimal digits, or leave it out for one made from the name";
                return self.wrong(format!("{at}.id_scope"), problem, remedy);
            }
            self.policies(&at, &service.policies, &PROVISIONING_POLICIES)?;
            if let Some(identity) = &service.identity {
                self.guid(format!("{at}.identity.object_id"), &identity.object_id)?;
                self.guid(format!("{at}.identity.client_id"), &identity.client_id)?;
            }
            for (link_index, link) in service.links.iter().enumerate() {
                self.link(&format!("{at}.links[{link_index}]"), service, link)?;
            }
        }
        let id_scopes = services.iter().filter_map(|service| service.id_scope.as_deref());
        self.unique("provisioning_services id_scope", id_scopes)
    }

    fn link(&self, at: &str, service: &ProvisioningServiceEntry, link: &LinkEntry) -> Result<(), WorldError> {
        let Some(hub) = self.world.iot_hubs.iter().find(|hub| hub.name.eq_ignore_ascii_case(&link.hub)) else {
            let problem = format!("there is no hub `{}`", link.hub);
            return self.wrong(format!("{at}.hub"), problem, "name one of the file's [[iot_hubs]]");
        };
        if link.weight.is_some_and(|weight| !(1..=1000).contains(&weight)) {
            return self.wrong(format!("{at}.weight"), "out of range", "give 1 to 1000");
        }
        if link.by == LinkBy::Identity && service.identity.is_none() {
            let remedy = "give the provisioning service an identity = { object_id, client_id }";
            return self.wrong(format!("{at}.by"), "the service has no identity to link by", remedy);
        }
        let is_there = BUILT_IN_POLICIES.contains(&link.policy.as_str())
            || hub.policies.iter().any(|policy| policy.name == link.policy);
        if link.by == LinkBy::ConnectionString && !is_there {
            let problem = format!("the hub `{}` has no policy `{}`", hub.name, link.policy);
            return self.wrong(format!("{at}.policy"), problem, "name iothubowner or another policy of the hub");
        }
        Ok(())
    }

    pub(super) fn twins(&self) -> Result<(), WorldError> {
        self.unique("digital_twins", self.world.digital_twins.iter().map(|twins| twins.name.as_str()))?;
        for (index, twins) in self.world.digital_twins.iter().enumerate() {
            let at = format!("digital_twins[{index}]");
            self.name(&at, &twins.name, 3, 63)?;
            self.group(&at, &twins.resource_group)?;
        }
        Ok(())
    }

    fn policies(&self, at: &str, policies: &[PolicyEntry], rules: &PolicyRules) -> Result<(), WorldError> {
        self.unique(&format!("{at}.policies"), policies.iter().map(|policy| policy.name.as_str()))?;
        for (index, policy) in policies.iter().enumerate() {
            let at = format!("{at}.policies[{index}]");
            if !is_policy_name(&policy.name) {
                let problem = format!("`{}` cannot name a policy", policy.name);
                return self.wrong(format!("{at}.name"), problem, "use 1 to 64 letters, digits, '-', '.' and '_'");
            }
            let rights = policy.rights.parse::<Rights>();
            let rights = rights
                .or_else(|error| self.wrong(format!("{at}.rights"), error.to_string(), "separate them by commas"))?;
            if !rules.takes(rights) {
                let known: Vec<_> = rules.rights.iter().map(ToString::to_string).collect();
                let problem = format!("`{}` are not rights of this resource", policy.rights);
                return self.wrong(format!("{at}.rights"), problem, &format!("it knows {}", known.join(", ")));
            }
            for (name, key) in [("primary_key", &policy.primary_key), ("secondary_key", &policy.secondary_key)] {
                if key.as_deref().is_some_and(|key| !is_policy_key(key)) {
                    return self.wrong(
                        format!("{at}.{name}"),
                        "is not a key",
                        "give 16 to 64 bytes in base64, or leave it out for one made from the names",
                    );
                }
            }
        }
        Ok(())
    }
}

/// Whether devices could name a provisioning service by this: `0ne` and eight hexadecimal digits, as Azure gives them out.
fn is_id_scope(text: &str) -> bool {
    let digits = text.strip_prefix("0ne").unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
