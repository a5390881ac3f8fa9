//! What the body of a provisioning service's PUT or PATCH asks for, and the service that comes of it.
//!
//! Source: `ProvisioningServiceDescription` of 2022-12-12 and 2026-11-01.

use std::collections::BTreeMap;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::{AllocationPolicy, ProvisioningNetworkRules, ProvisioningService, ResourceIdentity};
use serde_json::{Map, Value};

use super::linked_hub::{self, LinkChange};
use crate::Arm;
use crate::errors::ARGUMENT_INVALID;
use crate::fields::Fields;
use crate::managed_identity::{self, IdentityChange};
use crate::masking;
use crate::policies::{self, PROVISIONING_POLICIES, PolicyChange};
use crate::schema::Member;
use crate::schema::Shape::{Flag, List, Object, Text, Word};

/// Members of the body that the service sets itself; sent back by clients that write what they read.
const READ_ONLY: [&str; 7] = [
    "provisioningState",
    "state",
    "idScope",
    "serviceOperationsHostName",
    "deviceProvisioningHostName",
    "portalOperationsHostName",
    "privateEndpointConnections",
];

/// What the properties may be that are kept as they were sent.
const PROPERTIES: &[Member] = &[
    ("publicNetworkAccess", Word(&["Enabled", "Disabled"])),
    (
        "ipFilterRules",
        List(&Object(&[
            ("filterName", Text),
            ("action", Word(&["Accept", "Reject"])),
            ("ipMask", Text),
            ("target", Word(&["all", "serviceApi", "deviceApi"])),
        ])),
    ),
    ("privateEndpointConnections", List(&Object(&[]))),
    ("enableDataResidency", Flag),
];

/// The parts of a body that are there.
#[derive(Debug, Clone)]
pub(crate) struct ServiceChange {
    pub(crate) location: Option<String>,
    pub(crate) capacity: Option<u32>,
    pub(crate) identity: Option<IdentityChange>,
    tags: Option<BTreeMap<String, String>>,
    policies: Option<Vec<PolicyChange>>,
    links: Option<Vec<LinkChange>>,
    allocation_policy: Option<AllocationPolicy>,
    other_properties: Map<String, Value>,
}

impl ServiceChange {
    /// Reads and checks the body.
    pub(crate) fn read(request: &Request) -> Result<Self, ServiceError> {
        let mut body = Fields::of(request)?;
        let location = body.text("location")?;
        let tags = body.text_map("tags")?;
        let capacity = body.fields("sku")?.map(read_sku).transpose()?;
        let identity = managed_identity::read(&mut body)?;
        let properties = body.fields("properties")?.unwrap_or_default();
        let mut properties = properties.fitted(PROPERTIES, &ARGUMENT_INVALID)?;
        ProvisioningNetworkRules::read(properties.kept())
            .map_err(|error| invalid(format!("The network rules cannot be read: {error}.")))?;
        properties.drop(&READ_ONLY);
        Ok(Self {
            location,
            capacity,
            identity,
            tags,
            policies: policies::read(&mut properties, &PROVISIONING_POLICIES)?,
            links: linked_hub::read(&mut properties)?,
            allocation_policy: read_allocation(&mut properties)?,
            other_properties: properties.rest(),
        })
    }

    /// The service that a PUT makes of `base`, which is new or stands already: what the body leaves out goes back to its
    /// default, but for the policies, which stay. `identity` is the one it will have.
    pub(crate) fn replace(
        &self,
        base: &ProvisioningService,
        identity: Option<&ResourceIdentity>,
        arm: &Arm,
    ) -> Result<ProvisioningService, ServiceError> {
        let mut service = self.merge(base, identity, arm)?;
        service.tags = self.tags.clone().unwrap_or_default();
        service.allocation_policy = self.allocation_policy.unwrap_or_default();
        service.other_properties = self.kept_properties(base);
        if self.links.is_none() {
            service.linked_hubs = Vec::new();
        }
        Ok(service)
    }

    /// The service that a PATCH makes of `base`: what the body leaves out stays.
    pub(crate) fn merge(
        &self,
        base: &ProvisioningService,
        identity: Option<&ResourceIdentity>,
        arm: &Arm,
    ) -> Result<ProvisioningService, ServiceError> {
        let mut service = base.clone();
        if let Some(tags) = &self.tags {
            service.tags.clone_from(tags);
        }
        if let Some(changes) = &self.policies {
            service.policies = policies::apply(changes, &base.policies, arm.ground.entropy.as_ref());
        }
        if let Some(changes) = &self.links {
            service.linked_hubs = linked_hub::apply(arm, changes, &base.linked_hubs, identity)?;
        }
        service.capacity = self.capacity.unwrap_or(base.capacity);
        service.allocation_policy = self.allocation_policy.unwrap_or(base.allocation_policy);
        service.other_properties.extend(self.kept_properties(base));
        Ok(service)
    }

    fn kept_properties(&self, base: &ProvisioningService) -> Map<String, Value> {
        let mut kept = self.other_properties.clone();
        masking::unmask(&mut kept, &base.other_properties);
        kept
    }
}

/// The units of the one sku there is.
fn read_sku(mut fields: Fields) -> Result<u32, ServiceError> {
    let name = fields.text("name")?.unwrap_or_else(|| "S1".to_owned());
    if !name.eq_ignore_ascii_case("S1") {
        return Err(invalid(format!("'{name}' is not a sku of provisioning services: S1 is.")));
    }
    let capacity = fields.number("capacity")?.unwrap_or(1);
    if !(1..=200).contains(&capacity) {
        return Err(invalid(format!("A provisioning service has 1 to 200 units, not {capacity}.")));
    }
    Ok(capacity)
}

fn read_allocation(properties: &mut Fields) -> Result<Option<AllocationPolicy>, ServiceError> {
    let Some(name) = properties.text("allocationPolicy")? else { return Ok(None) };
    match name.to_ascii_lowercase().as_str() {
        "hashed" => Ok(Some(AllocationPolicy::Hashed)),
        "geolatency" => Ok(Some(AllocationPolicy::GeoLatency)),
        "static" => Ok(Some(AllocationPolicy::Static)),
        _ => Err(invalid(format!("'{name}' is not an allocation policy: Hashed, GeoLatency and Static are."))),
    }
}

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, text)
}
