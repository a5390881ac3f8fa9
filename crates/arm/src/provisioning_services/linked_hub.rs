//! The hubs that a provisioning service is linked to: read from its body, checked against its identity, and written.
//!
//! Source: `IotHubDefinitionDescription`, of 2022-12-12 for links by connection string and of 2026-11-01 for those by
//! identity (`authenticationType`, `hostName`, `selectedUserAssignedIdentityResourceId`). Keys are masked in answers, and
//! a masked key sent back leaves the link's credential as it stands.

use iolite_kernel::{ResourceId, Secret, ServiceError};
use iolite_resources::{LinkAuthentication, LinkedHub, ResourceIdentity};
use serde_json::{Map, Value, json};

use crate::Arm;
use crate::errors::{ARGUMENT_INVALID, ARGUMENT_NULL};
use crate::fields::Fields;
use crate::masking::{is_masked, mask};

/// Source: the DPS quotas.
const MOST_LINKS: usize = 50;

/// A link as a body asks for it; its host is not yet resolved.
#[derive(Debug, Clone)]
pub(crate) struct LinkChange {
    host: String,
    authentication: LinkAuthentication,
    location: String,
    allocation_weight: Option<u32>,
    apply_allocation_policy: Option<bool>,
}

/// Reads `iotHubs`; `None` where the body does not speak of them.
pub(crate) fn read(properties: &mut Fields) -> Result<Option<Vec<LinkChange>>, ServiceError> {
    let Some(items) = properties.items("iotHubs")? else { return Ok(None) };
    if items.len() > MOST_LINKS {
        return Err(invalid(format!("A provisioning service has at most {MOST_LINKS} linked hubs.")));
    }
    items.into_iter().map(read_one).collect::<Result<_, _>>().map(Some)
}

/// The links that come of a body's, given those that stand and the identity that the service will have.
pub(crate) fn apply(
    arm: &Arm,
    changes: &[LinkChange],
    standing: &[LinkedHub],
    identity: Option<&ResourceIdentity>,
) -> Result<Vec<LinkedHub>, ServiceError> {
    let mut links: Vec<LinkedHub> = Vec::new();
    for change in changes {
        let host_name = resolve(arm, &change.host);
        if links.iter().any(|link| link.host_name == host_name) {
            return Err(invalid(format!("The hub '{host_name}' is linked twice.")));
        }
        let before = standing.iter().find(|link| link.host_name == host_name);
        links.push(LinkedHub {
            authentication: credential(change, before, identity)?,
            host_name,
            location: change.location.clone(),
            allocation_weight: change.allocation_weight,
            apply_allocation_policy: change.apply_allocation_policy,
        });
    }
    Ok(links)
}

/// A link as answers have it.
pub(crate) fn document(link: &LinkedHub) -> Value {
    let mut document = Map::new();
    document.insert("name".to_owned(), json!(link.host_name));
    document.insert("location".to_owned(), json!(link.location));
    if let Some(weight) = link.allocation_weight {
        document.insert("allocationWeight".to_owned(), json!(weight));
    }
    if let Some(apply) = link.apply_allocation_policy {
        document.insert("applyAllocationPolicy".to_owned(), json!(apply));
    }
    let by_identity = |document: &mut Map<String, Value>, kind| {
        document.insert("hostName".to_owned(), json!(link.host_name));
        document.insert("authenticationType".to_owned(), json!(kind));
    };
    match &link.authentication {
        LinkAuthentication::ConnectionString(text) => {
            document.insert("connectionString".to_owned(), json!(mask(text.reveal())));
        }
        LinkAuthentication::SystemAssigned => by_identity(&mut document, "SystemAssigned"),
        LinkAuthentication::UserAssigned(id) => {
            by_identity(&mut document, "UserAssigned");
            document.insert("selectedUserAssignedIdentityResourceId".to_owned(), json!(id));
        }
    }
    Value::Object(document)
}

fn read_one(mut item: Fields) -> Result<LinkChange, ServiceError> {
    let missing = |item: &Fields, name| ServiceError::new(&ARGUMENT_NULL, format!("'{}' is missing.", item.path(name)));
    let kind = item.text("authenticationType")?.unwrap_or_else(|| "KeyBased".to_owned());
    let connection_string = item.text("connectionString")?;
    let host_name = item.text("hostName")?;
    let identity = item.text("selectedUserAssignedIdentityResourceId")?;
    let (host, authentication) = match kind.to_ascii_lowercase().as_str() {
        "keybased" => {
            let text = connection_string.ok_or_else(|| missing(&item, "connectionString"))?;
            (host_of(&text)?, LinkAuthentication::ConnectionString(Secret::new(text)))
        }
        "systemassigned" => (host_name.ok_or_else(|| missing(&item, "hostName"))?, LinkAuthentication::SystemAssigned),
        "userassigned" => {
            let text = identity.ok_or_else(|| missing(&item, "selectedUserAssignedIdentityResourceId"))?;
            let id = ResourceId::parse(&text).map_err(|_| invalid(format!("'{text}' is not a resource id.")))?;
            (host_name.ok_or_else(|| missing(&item, "hostName"))?, LinkAuthentication::UserAssigned(id))
        }
        _ => {
            return Err(invalid(format!(
                "'{kind}' is not a way to sign in to a hub: KeyBased, SystemAssigned and UserAssigned are."
            )));
        }
    };
    let allocation_weight = item.number("allocationWeight")?;
    if allocation_weight.is_some_and(|weight| !(1..=1000).contains(&weight)) {
        return Err(invalid("The allocation weight of a linked hub is 1 to 1000."));
    }
    Ok(LinkChange {
        host,
        authentication,
        location: item.text("location")?.ok_or_else(|| missing(&item, "location"))?,
        allocation_weight,
        apply_allocation_policy: item.flag("applyAllocationPolicy")?,
    })
}

/// The host of a hub's connection string, which must have a policy and its key too.
fn host_of(connection_string: &str) -> Result<String, ServiceError> {
    let part = |name: &str| {
        let mut parts = connection_string.split(';').filter_map(|part| part.split_once('='));
        parts.find(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    match (part("HostName"), part("SharedAccessKeyName"), part("SharedAccessKey")) {
        (Some(host), Some(policy), Some(key)) if !host.is_empty() && !policy.is_empty() && !key.is_empty() => {
            Ok(host.to_owned())
        }
        _ => Err(invalid(
            "A linked hub's connection string has the parts HostName, SharedAccessKeyName and SharedAccessKey.",
        )),
    }
}

/// The hub's own host name for a host that may be an address of this machine: several hubs can share `localhost` and
/// differ by port.
fn resolve(arm: &Arm, host: &str) -> String {
    let bare = host.split(':').next().unwrap_or(host);
    let hubs: Vec<_> = arm.estate.hubs.all("").into_iter().map(|(_, hub)| hub).collect();
    if let Some(hub) = hubs.iter().find(|hub| hub.host_name.eq_ignore_ascii_case(bare)) {
        return hub.host_name.clone();
    }
    let dialled = |hub: &&iolite_store::Versioned<iolite_resources::Hub>| arm.surroundings.endpoints.host_of(&hub.id);
    let exact = hubs.iter().find(|hub| dialled(hub).is_some_and(|known| known.eq_ignore_ascii_case(host)));
    let by_name = || {
        hubs.iter().find(|hub| {
            dialled(hub).is_some_and(|known| known.split(':').next().unwrap_or_default().eq_ignore_ascii_case(host))
        })
    };
    exact.or_else(by_name).map_or_else(|| bare.to_ascii_lowercase(), |hub| hub.host_name.clone())
}

fn credential(
    change: &LinkChange,
    before: Option<&LinkedHub>,
    identity: Option<&ResourceIdentity>,
) -> Result<LinkAuthentication, ServiceError> {
    match &change.authentication {
        LinkAuthentication::ConnectionString(text) if is_masked(text.reveal()) => {
            match before.map(|link| &link.authentication) {
                Some(LinkAuthentication::ConnectionString(known)) => {
                    Ok(LinkAuthentication::ConnectionString(known.clone()))
                }
                _ => Err(invalid("The key of a linked hub's connection string is masked, and no link has it.")),
            }
        }
        LinkAuthentication::SystemAssigned if identity.is_none_or(|held| held.system_assigned.is_none()) => {
            Err(invalid("A link by SystemAssigned needs the system-assigned identity of the provisioning service."))
        }
        LinkAuthentication::UserAssigned(id) if identity.is_none_or(|held| !held.user_assigned.contains(id)) => {
            Err(invalid(format!("The provisioning service has no user-assigned identity '{id}' to link a hub by.")))
        }
        other => Ok(other.clone()),
    }
}

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, text)
}
