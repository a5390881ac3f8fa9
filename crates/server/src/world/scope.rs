//! The short ways to write a scope in a world file and on the command line.

use iolite_kernel::Scope;
use iolite_resources::{Estate, Hub, ProvisioningService, TwinsInstance};

use super::WorldFile;

/// The scope that `text` stands for in `world`; the error says what is not there.
pub(super) fn resolve(world: &WorldFile, text: &str) -> Result<Scope, String> {
    let first = world.subscriptions.first().map(|entry| entry.id.as_str()).unwrap_or_default();
    let group_scope = |name: &str| {
        let entry = world.resource_groups.iter().find(|group| group.name.eq_ignore_ascii_case(name));
        entry.map(|group| Scope::resource_group(group.subscription.as_deref().unwrap_or(first), &group.name))
    };
    let below = |group: &str, kind: &str, name: &str| {
        group_scope(group)
            .and_then(|scope| scope.subscription_id().map(|id| Scope::resource(id, scope.name(), kind, name)))
    };
    let (word, name) = text.split_once(':').unwrap_or((text, ""));
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let found = match word {
        "subscription" if name.is_empty() => Some(Scope::subscription(first)),
        "subscription" => {
            world.subscriptions.iter().find(|entry| same(&entry.id)).map(|entry| Scope::subscription(&entry.id))
        }
        "group" => group_scope(name),
        "management-group" => world
            .management_groups
            .iter()
            .find(|group| same(&group.name))
            .map(|group| Scope::management_group(&group.name)),
        "hub" => world
            .iot_hubs
            .iter()
            .find(|hub| same(&hub.name))
            .and_then(|hub| below(&hub.resource_group, Hub::TYPE, &hub.name)),
        "dps" => world
            .provisioning_services
            .iter()
            .find(|service| same(&service.name))
            .and_then(|service| below(&service.resource_group, ProvisioningService::TYPE, &service.name)),
        "twins" => world
            .digital_twins
            .iter()
            .find(|twins| same(&twins.name))
            .and_then(|twins| below(&twins.resource_group, TwinsInstance::TYPE, &twins.name)),
        _ => return Scope::parse(text).map_err(|error| error.to_string()),
    };
    found.ok_or_else(|| format!("`{text}` names nothing of this world"))
}

/// The scope that `text` stands for in a running world.
pub(crate) fn resolve_running(estate: &Estate, text: &str) -> Result<Scope, String> {
    let (word, name) = text.split_once(':').unwrap_or((text, ""));
    let first = || estate.subscriptions.page("", None, 1).into_iter().next().map(|(_, found)| found.value.id.clone());
    let found = match word {
        "subscription" if name.is_empty() => first().map(|id| Scope::subscription(&id)),
        "subscription" => {
            estate.subscriptions.get(&name.to_ascii_lowercase()).map(|found| Scope::subscription(&found.id))
        }
        "group" => estate
            .resource_groups
            .all("")
            .into_iter()
            .find(|(_, group)| group.id.name().eq_ignore_ascii_case(name))
            .map(|(_, group)| group.id.clone()),
        "management-group" => {
            estate.management_groups.get(&name.to_ascii_lowercase()).map(|found| Scope::management_group(&found.name))
        }
        "hub" => estate.hub(name).map(|found| found.id.clone()),
        "dps" => estate.provisioning_service(name).map(|found| found.id.clone()),
        "twins" => estate.twins_instance(name).map(|found| found.id.clone()),
        _ => return Scope::parse(text).map_err(|error| error.to_string()),
    };
    found.ok_or_else(|| format!("`{text}` names nothing of this world"))
}
