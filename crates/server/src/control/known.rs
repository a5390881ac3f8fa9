//! What a call of the control API names, found in the running world. Where it is not there, the refusal says what is.

use iolite_kernel::Scope;
use iolite_resources::{Hub, Principal, PrincipalKind, ProvisioningService, TwinsInstance};
use iolite_store::Versioned;

use super::{Control, Refused};
use crate::world::resolve_running;

/// So many names are told; the ready file has the rest.
const MOST_NAMES: usize = 16;

/// The kinds of resources, in a person's words.
const KINDS: [(&str, &str); 3] = [
    ("hub", Hub::TYPE),
    ("provisioning service", ProvisioningService::TYPE),
    ("Digital Twins instance", TwinsInstance::TYPE),
];

impl Control {
    /// The principal that `text` names: by its world name, object id, client id or user name.
    pub(super) fn principal(&self, text: &str) -> Result<Versioned<Principal>, Refused> {
        let estate = &self.house.estate;
        estate.principal_named(text).ok_or_else(|| {
            let all = estate.principals.all("").into_iter().map(|(_, found)| found);
            let callers = all.filter(|found| !matches!(found.kind, PrincipalKind::Group { .. }));
            missing("principal", text, callers.map(|found| found.name.clone()).collect())
        })
    }

    /// The hub called `name`; the first one where nothing is named.
    pub(super) fn hub(&self, name: Option<&str>) -> Result<Versioned<Hub>, Refused> {
        let name = self.name_or_first(Hub::TYPE, name);
        self.house.estate.hub(&name).ok_or_else(|| self.missing_resource(Hub::TYPE, &name))
    }

    /// The provisioning service called `name`; the first one where nothing is named.
    pub(super) fn provisioning_service(&self, name: Option<&str>) -> Result<Versioned<ProvisioningService>, Refused> {
        let name = self.name_or_first(ProvisioningService::TYPE, name);
        let found = self.house.estate.provisioning_service(&name);
        found.ok_or_else(|| self.missing_resource(ProvisioningService::TYPE, &name))
    }

    /// The scope that `text` stands for. One that is written out may be of something that is not there: see
    /// [`nothing_at`](Self::nothing_at).
    pub(super) fn scope(&self, text: &str) -> Result<Scope, Refused> {
        resolve_running(&self.house.estate, text).map_err(|message| match text.split_once(':') {
            Some(("hub", name)) => self.missing_resource(Hub::TYPE, name),
            Some(("dps", name)) => self.missing_resource(ProvisioningService::TYPE, name),
            Some(("twins", name)) => self.missing_resource(TwinsInstance::TYPE, name),
            Some(("group", name)) => missing("resource group", name, self.groups()),
            Some(("subscription", name)) => missing("subscription", name, self.subscriptions()),
            _ => Refused::bad_request(message),
        })
    }

    /// What is missing where a scope names something that is not there; a request to it would find nobody.
    pub(super) fn nothing_at(&self, scope: &Scope) -> Option<Refused> {
        let estate = &self.house.estate;
        let subscription = scope.subscription_id()?;
        if estate.subscriptions.get(&subscription.to_ascii_lowercase()).is_none() {
            return Some(missing("subscription", subscription, self.subscriptions()));
        }
        let group = scope.group_name()?;
        if estate.resource_groups.get(&format!("{subscription}/{group}").to_ascii_lowercase()).is_none() {
            return Some(missing("resource group", group, self.groups()));
        }
        let (kind, name) = KINDS.iter().find_map(|(_, kind)| Some((*kind, named(scope, kind)?)))?;
        let found = match kind {
            Hub::TYPE => estate.hub(name).map(|found| found.id.clone()),
            ProvisioningService::TYPE => estate.provisioning_service(name).map(|found| found.id.clone()),
            _ => estate.twins_instance(name).map(|found| found.id.clone()),
        };
        // Another group's resource of that name is another one.
        let is_there = found.is_some_and(|id| id.covers(scope));
        (!is_there).then(|| self.missing_resource(kind, name))
    }

    fn name_or_first(&self, kind: &str, name: Option<&str>) -> String {
        let first = || self.house.origins.first(kind).unwrap_or_default().to_string();
        name.filter(|name| !name.is_empty()).map_or_else(first, str::to_owned)
    }

    fn missing_resource(&self, kind: &str, name: &str) -> Refused {
        let what = KINDS.iter().find(|(_, known)| *known == kind).map_or(kind, |(what, _)| *what);
        missing(what, name, self.house.origins.names_in_order(kind))
    }

    fn groups(&self) -> Vec<String> {
        self.house.estate.resource_groups.all("").into_iter().map(|(_, group)| group.id.name().to_owned()).collect()
    }

    fn subscriptions(&self) -> Vec<String> {
        self.house.estate.subscriptions.all("").into_iter().map(|(_, found)| found.id.clone()).collect()
    }
}

/// The name of the resource of type `kind` that a scope is, or is in.
fn named<'a>(scope: &'a Scope, kind: &str) -> Option<&'a str> {
    let text = scope.as_str();
    let marker = format!("/providers/{kind}/").to_ascii_lowercase();
    let start = text.to_ascii_lowercase().find(&marker)? + marker.len();
    text.get(start..)?.split('/').next()
}

fn missing(what: &str, name: &str, mut there: Vec<String>) -> Refused {
    if there.is_empty() {
        return Refused::bad_request(format!("this world has no {what}"));
    }
    there.sort();
    let more = if there.len() > MOST_NAMES { ", … (the ready file has them all)" } else { "" };
    there.truncate(MOST_NAMES);
    Refused::bad_request(format!("there is no {what} `{name}`; there are {}{more}", there.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_below_a_resource_names_it_in_any_case() {
        let scope = |rest: &str| Scope::parse(&format!("/subscriptions/s/resourceGroups/g/providers/{rest}")).unwrap();
        assert_eq!(named(&scope("microsoft.devices/iothubs/One/certificates/c"), Hub::TYPE), Some("One"));
        assert_eq!(named(&scope("Microsoft.Devices/ProvisioningServices/p"), Hub::TYPE), None);
    }

    #[test]
    fn what_is_missing_is_told_with_what_there_is() {
        let names = |count: usize| (0..count).map(|number| format!("hub-{number:02}")).collect::<Vec<_>>();
        assert_eq!(missing("hub", "x", names(2)).message, "there is no hub `x`; there are hub-00, hub-01");
        assert_eq!(missing("hub", "x", names(0)).message, "this world has no hub");
        let many = missing("hub", "x", names(40)).message;
        assert!(many.contains("hub-15, …") && !many.contains("hub-16"), "{many}");
    }
}
