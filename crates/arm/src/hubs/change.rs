//! What the body of a hub's PUT or PATCH asks for, and the hub that comes of it.
//!
//! Source: `IotHubDescription` of 2023-06-30; numbers of refusals from recorded traffic and the troubleshooting page.

use std::collections::BTreeMap;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::{Hub, HubSku};
use serde_json::{Map, Value};

use crate::errors::{ARGUMENT_INVALID, ARGUMENT_NULL, INVALID_MIN_TLS_VERSION, PARTITION_COUNT_OUT_OF_RANGE};
use crate::fields::Fields;
use crate::hubs::properties::{PROPERTIES, check_network};
use crate::hubs::routing;
use crate::managed_identity::{self, IdentityChange};
use crate::masking;
use crate::policies::{self, HUB_POLICIES, PolicyChange};

/// Members of a hub's body that the service sets itself; sent back by clients that write what they read.
const READ_ONLY: [&str; 6] =
    ["provisioningState", "state", "hostName", "locations", "privateEndpointConnections", "deviceHostName"];

/// The parts of a body that are there.
#[derive(Debug, Clone)]
pub(crate) struct HubChange {
    pub(crate) location: Option<String>,
    pub(crate) sku: Option<HubSku>,
    pub(crate) identity: Option<IdentityChange>,
    tags: Option<BTreeMap<String, String>>,
    policies: Option<Vec<PolicyChange>>,
    disable_local_auth: Option<bool>,
    disable_device_sas: Option<bool>,
    disable_module_sas: Option<bool>,
    retention_days: Option<u32>,
    partition_count: Option<u32>,
    other_properties: Map<String, Value>,
}

impl HubChange {
    /// Reads and checks the body.
    pub(crate) fn read(request: &Request) -> Result<Self, ServiceError> {
        let mut body = Fields::of(request)?;
        let location = body.text("location")?;
        let tags = body.text_map("tags")?;
        let sku = body.fields("sku")?.map(read_sku).transpose()?;
        let identity = managed_identity::read(&mut body)?;
        let properties = body.fields("properties")?.unwrap_or_default();
        let mut properties = properties.fitted(PROPERTIES, &ARGUMENT_INVALID)?;
        properties.drop(&READ_ONLY);
        let (retention_days, partition_count) = read_events(&mut properties)?;
        check_tls_version(&mut properties.clone())?;
        check_network(properties.kept())?;
        Ok(Self {
            location,
            sku,
            identity,
            tags,
            policies: policies::read(&mut properties, &HUB_POLICIES)?,
            disable_local_auth: properties.flag("disableLocalAuth")?,
            disable_device_sas: properties.flag("disableDeviceSAS")?,
            disable_module_sas: properties.flag("disableModuleSAS")?,
            retention_days,
            partition_count,
            other_properties: properties.rest(),
        })
    }

    /// The hub that a PUT makes of `base`, which is new or stands already: what the body leaves out goes back to its
    /// default, but for policies, partitions and consumer groups, which stay.
    pub(crate) fn replace(&self, base: &Hub, arm: &crate::Arm) -> Result<Hub, ServiceError> {
        let mut hub = self.merge(base, arm)?;
        hub.tags = self.tags.clone().unwrap_or_default();
        hub.disable_local_auth = self.disable_local_auth.unwrap_or(false);
        hub.disable_device_sas = self.disable_device_sas.unwrap_or(false);
        hub.disable_module_sas = self.disable_module_sas.unwrap_or(false);
        hub.other_properties = self.kept_properties(base);
        Ok(hub)
    }

    /// The hub that a PATCH makes of `base`: what the body leaves out stays.
    pub(crate) fn merge(&self, base: &Hub, arm: &crate::Arm) -> Result<Hub, ServiceError> {
        let mut hub = base.clone();
        if let Some(tags) = &self.tags {
            hub.tags.clone_from(tags);
        }
        if let Some(sku) = &self.sku {
            if (sku.name == "F1") != (base.sku.name == "F1") {
                return Err(invalid("A free hub stays free, and another one cannot become free."));
            }
            hub.sku = sku.clone();
        }
        if let Some(changes) = &self.policies {
            hub.policies = policies::apply(changes, &base.policies, arm.ground.entropy.as_ref());
        }
        hub.disable_local_auth = self.disable_local_auth.unwrap_or(base.disable_local_auth);
        hub.disable_device_sas = self.disable_device_sas.unwrap_or(base.disable_device_sas);
        hub.disable_module_sas = self.disable_module_sas.unwrap_or(base.disable_module_sas);
        hub.events.retention_days = self.retention_days.unwrap_or(base.events.retention_days);
        if self.partition_count.is_some_and(|count| count != base.events.partition_count) {
            return Err(ServiceError::new(
                &PARTITION_COUNT_OUT_OF_RANGE,
                "The number of partitions is fixed when the hub is made.",
            ));
        }
        let kept = self.kept_properties(base);
        routing::check::check(&kept, &hub.sku.name)?;
        hub.other_properties.extend(kept);
        Ok(hub)
    }

    /// Sets what only a new hub can choose.
    pub(crate) fn settle(&self, hub: &mut Hub) {
        if let Some(count) = self.partition_count {
            hub.events.partition_count = count;
        }
    }

    fn kept_properties(&self, base: &Hub) -> Map<String, Value> {
        let mut kept = self.other_properties.clone();
        masking::unmask(&mut kept, &base.other_properties);
        kept
    }
}

fn read_sku(mut fields: Fields) -> Result<HubSku, ServiceError> {
    let name = fields.text("name")?.ok_or_else(|| ServiceError::new(&ARGUMENT_NULL, "'sku.name' is missing."))?;
    let capacity = fields.number("capacity")?.unwrap_or(1);
    let most = match name.to_ascii_uppercase().as_str() {
        "F1" => 1,
        "S1" | "S2" | "B1" | "B2" => 200,
        "S3" | "B3" => 10,
        _ => return Err(invalid(format!("'{name}' is not a sku of hubs: F1, S1, S2, S3, B1, B2 and B3 are."))),
    };
    if !(1..=most).contains(&capacity) {
        return Err(invalid(format!("A hub of the sku {name} has 1 to {most} units, not {capacity}.")));
    }
    Ok(HubSku { name: name.to_ascii_uppercase(), capacity })
}

/// Retention and partitions of the built-in endpoint. Its other members are the service's own.
fn read_events(properties: &mut Fields) -> Result<(Option<u32>, Option<u32>), ServiceError> {
    let Some(mut endpoints) = properties.fields("eventHubEndpoints")? else { return Ok((None, None)) };
    let Some(mut events) = endpoints.fields("events")? else { return Ok((None, None)) };
    let (days, partitions) = (events.number("retentionTimeInDays")?, events.number("partitionCount")?);
    if days.is_some_and(|days| !(1..=7).contains(&days)) {
        return Err(invalid("Messages are kept for 1 to 7 days."));
    }
    if partitions.is_some_and(|count| !(2..=128).contains(&count)) {
        return Err(ServiceError::new(&PARTITION_COUNT_OUT_OF_RANGE, "A hub has 2 to 128 partitions."));
    }
    Ok((days, partitions))
}

fn check_tls_version(properties: &mut Fields) -> Result<(), ServiceError> {
    match properties.text("minTlsVersion")?.as_deref() {
        None | Some("1.0" | "1.2") => Ok(()),
        Some(other) => Err(ServiceError::new(
            &INVALID_MIN_TLS_VERSION,
            format!("'{other}' is not a TLS version of hubs: 1.0 and 1.2 are."),
        )),
    }
}

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, text)
}
