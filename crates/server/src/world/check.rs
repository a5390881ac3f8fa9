//! What a world file must hold to beyond its form: names that exist, ids that are ids, rights that are rights.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fmt;

use iolite_access::RoleBook;
use iolite_hub::blobs::{StorageAccount, is_container_name};
use iolite_identity::{describe_authority, read_certificate};
use iolite_kernel::{Rights, Uuid};
use iolite_store::Store;

use super::file::{CertificateEntry, PolicyEntry, PrincipalEntry, PrincipalEntryKind, StorageEntry};
use super::{WorldFile, scope};

/// What is wrong with a world file, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldError {
    /// The file and the place in it.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for WorldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}\n  {}", self.place, self.problem, self.remedy)
    }
}

impl std::error::Error for WorldError {}

impl WorldError {
    /// A file that is not TOML, or not of the world's form.
    pub(super) fn syntax(place: &str, text: &str, error: &toml::de::Error) -> Self {
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        let (line, column) =
            (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1);
        Self {
            place: format!("{place}, line {line}, column {column}"),
            problem: error.message().to_owned(),
            remedy: "the fields are described by the JSON Schema that the control API serves at world/schema.json"
                .to_owned(),
        }
    }
}

/// Checks everything that the form cannot say.
pub(super) fn check(world: &WorldFile, place: &str) -> Result<(), WorldError> {
    let checker = Checker { world, place, built_in: OnceCell::new() };
    checker.tenant()?;
    checker.containers()?;
    checker.hubs()?;
    checker.provisioning_services()?;
    checker.twins()?;
    checker.principals()?;
    checker.roles()
}

struct Checker<'a> {
    world: &'a WorldFile,
    place: &'a str,
    built_in: OnceCell<HashSet<String>>,
}

/// The names and the ids of the built-in roles, in lower case.
fn built_in_roles() -> HashSet<String> {
    let book = RoleBook::new(&Store::memory());
    let roles = book.iter().flat_map(RoleBook::built_in);
    roles.flat_map(|role| [role.name.to_ascii_lowercase(), role.id.to_ascii_lowercase()]).collect()
}

impl Checker<'_> {
    fn wrong<T>(&self, at: impl fmt::Display, problem: impl Into<String>, remedy: &str) -> Result<T, WorldError> {
        Err(WorldError { place: format!("{}, {at}", self.place), problem: problem.into(), remedy: remedy.to_owned() })
    }

    fn guid(&self, at: impl fmt::Display, text: &str) -> Result<(), WorldError> {
        match Uuid::try_parse(text) {
            Ok(_) => Ok(()),
            Err(_) => self.wrong(at, format!("`{text}` is not a GUID"), "write 8-4-4-4-12 hexadecimal digits"),
        }
    }

    fn tenant(&self) -> Result<(), WorldError> {
        self.guid("tenant.id", &self.world.tenant.id)?;
        if self.world.tenant.token_lifetime_seconds == 0 {
            return self.wrong("tenant.token_lifetime_seconds", "tokens must live a while", "give 1 second or more");
        }
        Ok(())
    }

    fn containers(&self) -> Result<(), WorldError> {
        if self.world.subscriptions.is_empty() {
            return self.wrong("subscriptions", "there is none", "add a [[subscriptions]] with an id and a name");
        }
        self.unique("management_groups", self.world.management_groups.iter().map(|group| group.name.as_str()))?;
        self.unique("subscriptions", self.world.subscriptions.iter().map(|entry| entry.id.as_str()))?;
        self.unique("resource_groups", self.world.resource_groups.iter().map(|group| group.name.as_str()))?;
        let known = |name: &str| self.world.management_groups.iter().any(|group| group.name.eq_ignore_ascii_case(name));
        for (index, group) in self.world.management_groups.iter().enumerate() {
            if let Some(parent) = group.parent.as_deref().filter(|parent| !known(parent)) {
                let at = format!("management_groups[{index}].parent");
                return self.wrong(at, format!("there is no management group `{parent}`"), "name one of the file's");
            }
        }
        for (index, entry) in self.world.subscriptions.iter().enumerate() {
            if let Some(group) = entry.management_group.as_deref().filter(|group| !known(group)) {
                let at = format!("subscriptions[{index}].management_group");
                return self.wrong(at, format!("there is no management group `{group}`"), "name one of the file's");
            }
        }
        Ok(())
    }

    fn hubs(&self) -> Result<(), WorldError> {
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
            self.policies(&at, &hub.policies)?;
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

    fn provisioning_services(&self) -> Result<(), WorldError> {
        let services = &self.world.provisioning_services;
        self.unique("provisioning_services", services.iter().map(|service| service.name.as_str()))?;
        for (index, service) in services.iter().enumerate() {
            let at = format!("provisioning_services[{index}]");
            self.name(&at, &service.name, 3, 64)?;
            self.group(&at, &service.resource_group)?;
            self.policies(&at, &service.policies)?;
            for (link_index, link) in service.links.iter().enumerate() {
                let at = format!("{at}.links[{link_index}]");
                if !self.world.iot_hubs.iter().any(|hub| hub.name.eq_ignore_ascii_case(&link.hub)) {
                    let problem = format!("there is no hub `{}`", link.hub);
                    return self.wrong(format!("{at}.hub"), problem, "name one of the file's [[iot_hubs]]");
                }
                if link.weight.is_some_and(|weight| !(1..=1000).contains(&weight)) {
                    return self.wrong(format!("{at}.weight"), "out of range", "give 1 to 1000");
                }
                if link.by == super::file::LinkBy::Identity && service.identity.is_none() {
                    let remedy = "give the provisioning service an identity = { object_id, client_id }";
                    return self.wrong(format!("{at}.by"), "the service has no identity to link by", remedy);
                }
            }
        }
        Ok(())
    }

    fn twins(&self) -> Result<(), WorldError> {
        self.unique("digital_twins", self.world.digital_twins.iter().map(|twins| twins.name.as_str()))?;
        for (index, twins) in self.world.digital_twins.iter().enumerate() {
            let at = format!("digital_twins[{index}]");
            self.name(&at, &twins.name, 3, 63)?;
            self.group(&at, &twins.resource_group)?;
        }
        Ok(())
    }

    fn principals(&self) -> Result<(), WorldError> {
        self.unique("principals", self.world.principals.iter().map(|principal| principal.name.as_str()))?;
        for (index, principal) in self.world.principals.iter().enumerate() {
            self.principal(&format!("principals[{index}] ({})", principal.name), principal)?;
        }
        Ok(())
    }

    fn principal(&self, at: &str, principal: &PrincipalEntry) -> Result<(), WorldError> {
        for (field, id) in [("object_id", &principal.object_id), ("client_id", &principal.client_id)] {
            if let Some(id) = id {
                self.guid(format!("{at}.{field}"), id)?;
            }
        }
        let missing = match principal.kind {
            PrincipalEntryKind::User if principal.user_name.is_none() => Some("user_name"),
            PrincipalEntryKind::User if principal.password.is_none() => Some("password"),
            PrincipalEntryKind::ManagedIdentity if principal.resource_group.is_none() => Some("resource_group"),
            _ => None,
        };
        if let Some(field) = missing {
            return self.wrong(format!("{at}.{field}"), "is missing", "this kind of principal needs it");
        }
        if let Some(group) = &principal.resource_group {
            self.group(at, group)?;
        }
        for member in &principal.members {
            if !self.world.principals.iter().any(|known| known.name.eq_ignore_ascii_case(member)) {
                let problem = format!("there is no principal `{member}`");
                return self.wrong(format!("{at}.members"), problem, "name members by their `name` in this file");
            }
        }
        for (index, role) in principal.roles.iter().enumerate() {
            self.scope(&format!("{at}.roles[{index}].scope"), &role.scope)?;
            if !self.knows_role(&role.role) {
                let problem = format!("there is no role `{}`", role.role);
                let remedy =
                    "`iolite roles` lists the built-in ones by name; add a [[custom_roles]] for one of your own";
                return self.wrong(format!("{at}.roles[{index}].role"), problem, remedy);
            }
        }
        Ok(())
    }

    /// Whether it is the name or the id of a built-in role or of one of the file's.
    fn knows_role(&self, text: &str) -> bool {
        let guid = text.rsplit('/').next().unwrap_or(text);
        let is_custom = self.world.custom_roles.iter().any(|role| {
            role.name.eq_ignore_ascii_case(text) || role.id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(guid))
        });
        let is_built_in = |text: &str| self.built_in.get_or_init(built_in_roles).contains(&text.to_ascii_lowercase());
        is_custom || is_built_in(text) || is_built_in(guid)
    }

    fn principal_names(&self, at: &str, names: &[String]) -> Result<(), WorldError> {
        let known = |name: &String| {
            name == "everyone" || self.world.principals.iter().any(|known| known.name.eq_ignore_ascii_case(name))
        };
        match names.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let problem = format!("there is no principal `{name}`");
                self.wrong(at, problem, "name principals by their `name` in this file, or say `everyone`")
            }
        }
    }

    fn roles(&self) -> Result<(), WorldError> {
        self.unique("custom_roles", self.world.custom_roles.iter().map(|role| role.name.as_str()))?;
        for (index, role) in self.world.custom_roles.iter().enumerate() {
            for scope in &role.assignable_scopes {
                self.scope(&format!("custom_roles[{index}].assignable_scopes"), scope)?;
            }
        }
        for (index, deny) in self.world.deny_assignments.iter().enumerate() {
            let at = format!("deny_assignments[{index}]");
            self.scope(&format!("{at}.scope"), &deny.scope)?;
            self.principal_names(&format!("{at}.principals"), &deny.principals)?;
            self.principal_names(&format!("{at}.excluded_principals"), &deny.excluded_principals)?;
        }
        Ok(())
    }

    fn policies(&self, at: &str, policies: &[PolicyEntry]) -> Result<(), WorldError> {
        for (index, policy) in policies.iter().enumerate() {
            if let Err(error) = policy.rights.parse::<Rights>() {
                return self.wrong(
                    format!("{at}.policies[{index}].rights"),
                    error.to_string(),
                    "separate them by commas",
                );
            }
        }
        Ok(())
    }

    fn scope(&self, at: &str, text: &str) -> Result<(), WorldError> {
        match scope::resolve(self.world, text) {
            Ok(_) => Ok(()),
            Err(problem) => self.wrong(
                at,
                problem,
                "write hub:NAME, dps:NAME, twins:NAME, group:NAME, subscription, management-group:NAME, / or a full id",
            ),
        }
    }

    fn group(&self, at: &str, name: &str) -> Result<(), WorldError> {
        if self.world.resource_groups.iter().any(|group| group.name.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        self.wrong(
            format!("{at}.resource_group"),
            format!("there is no resource group `{name}`"),
            "add a [[resource_groups]] of that name",
        )
    }

    fn name(&self, at: &str, name: &str, shortest: usize, longest: usize) -> Result<(), WorldError> {
        let fits = (shortest..=longest).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if fits {
            return Ok(());
        }
        self.wrong(
            format!("{at}.name"),
            format!("`{name}` is not a name that Azure takes"),
            &format!("use {shortest} to {longest} letters, digits and hyphens, no hyphen at either end"),
        )
    }

    fn unique<'n>(&self, at: &str, names: impl Iterator<Item = &'n str>) -> Result<(), WorldError> {
        let mut seen = HashSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name.to_ascii_lowercase()) {
                return self.wrong(
                    format!("{at}[{index}]"),
                    format!("`{name}` is there twice"),
                    "rename one of the two",
                );
            }
        }
        Ok(())
    }
}
