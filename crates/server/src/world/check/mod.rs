//! What a world file must hold to beyond its form: names that exist, ids that are ids, rights that are rights.

mod people;
mod resources;
mod roles;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fmt;

use iolite_arm::is_location;
use iolite_kernel::{Scope, Uuid};

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
            remedy:
                "the fields are described by docs/world.schema.json, which the control API serves as world/schema.json"
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
    /// Made when first asked for: most of a world's roles are named without a look at them.
    built_in: OnceCell<HashSet<String>>,
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
            let before = &self.world.management_groups[..index];
            let Some(parent) = &group.parent else { continue };
            if !before.iter().any(|other| other.name.eq_ignore_ascii_case(parent)) {
                let at = format!("management_groups[{index}].parent");
                let problem = format!("there is no management group `{parent}` before this one");
                return self.wrong(at, problem, "name one of the file's, and put parents before their children");
            }
        }
        for (index, entry) in self.world.subscriptions.iter().enumerate() {
            self.guid(format!("subscriptions[{index}].id"), &entry.id)?;
            if let Some(group) = entry.management_group.as_deref().filter(|group| !known(group)) {
                let at = format!("subscriptions[{index}].management_group");
                return self.wrong(at, format!("there is no management group `{group}`"), "name one of the file's");
            }
        }
        for (index, group) in self.world.resource_groups.iter().enumerate() {
            if !is_location(&group.location) {
                let problem = format!("`{}` is no location of Azure", group.location);
                let remedy = "name a region, such as westeurope; `az account list-locations` lists them";
                return self.wrong(format!("resource_groups[{index}].location"), problem, remedy);
            }
            let is_missing =
                |id: &&str| !self.world.subscriptions.iter().any(|entry| entry.id.eq_ignore_ascii_case(id));
            if let Some(id) = group.subscription.as_deref().filter(is_missing) {
                let at = format!("resource_groups[{index}].subscription");
                let problem = format!("there is no subscription with the id `{id}`");
                return self.wrong(at, problem, "give the id of one of the file's [[subscriptions]]");
            }
        }
        Ok(())
    }

    fn scope(&self, at: &str, text: &str) -> Result<Scope, WorldError> {
        match scope::resolve(self.world, text) {
            Ok(scope) => Ok(scope),
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
