//! What a world's custom roles and deny assignments must hold to: Resource Manager's rules for role definitions.

use std::collections::HashSet;

use iolite_access::RoleBook;
use iolite_arm::is_action;
use iolite_kernel::Scope;
use iolite_store::Store;

use super::super::file::CustomRoleEntry;
use super::super::scope::resolve;
use super::{Checker, WorldError};

impl Checker<'_> {
    pub(super) fn roles(&self) -> Result<(), WorldError> {
        self.unique("custom_roles", self.world.custom_roles.iter().map(|role| role.name.as_str()))?;
        for (index, role) in self.world.custom_roles.iter().enumerate() {
            self.custom_role(&format!("custom_roles[{index}]"), role)?;
        }
        for (index, deny) in self.world.deny_assignments.iter().enumerate() {
            let at = format!("deny_assignments[{index}]");
            self.scope(&format!("{at}.scope"), &deny.scope)?;
            self.actions(&format!("{at}.actions"), deny.actions.iter().chain(&deny.not_actions))?;
            self.actions(&format!("{at}.data_actions"), deny.data_actions.iter().chain(&deny.not_data_actions))?;
            self.principal_names(&format!("{at}.principals"), &deny.principals)?;
            self.principal_names(&format!("{at}.excluded_principals"), &deny.excluded_principals)?;
        }
        Ok(())
    }

    fn custom_role(&self, at: &str, role: &CustomRoleEntry) -> Result<(), WorldError> {
        if let Some(id) = &role.id {
            self.guid(format!("{at}.id"), id)?;
        }
        if self.is_built_in(&role.name) || role.id.as_ref().is_some_and(|id| self.is_built_in(id)) {
            let problem = format!("`{}` is a built-in role", role.name);
            return self.wrong(at, problem, "give it a name and an id of its own");
        }
        self.actions(&format!("{at}.actions"), role.actions.iter().chain(&role.not_actions))?;
        self.actions(&format!("{at}.data_actions"), role.data_actions.iter().chain(&role.not_data_actions))?;
        for scope in &role.assignable_scopes {
            let at = format!("{at}.assignable_scopes");
            if self.scope(&at, scope)? == Scope::root() {
                return self.wrong(
                    at,
                    "a custom role cannot be assignable at `/`",
                    "name a management group or subscription",
                );
            }
        }
        Ok(())
    }

    fn actions<'n>(&self, at: &str, mut actions: impl Iterator<Item = &'n String>) -> Result<(), WorldError> {
        match actions.find(|action| !is_action(action)) {
            None => Ok(()),
            Some(action) => {
                let problem = format!("`{action}` is no action of any provider");
                self.wrong(at, problem, "write Provider/type/verb, with * for any text; `iolite roles` lists actions")
            }
        }
    }

    /// Whether a role may be assigned at a scope. Built-in ones may everywhere, custom ones below their own scopes.
    pub(super) fn is_assignable(&self, role: &str, scope: &Scope) -> bool {
        let Some(role) = self.custom_role_named(role) else { return true };
        let first = || self.world.subscriptions.first().map(|entry| Scope::subscription(&entry.id));
        let above = self.management_groups_above(scope);
        let own = role.assignable_scopes.iter().filter_map(|text| resolve(self.world, text).ok());
        let default = first().filter(|_| role.assignable_scopes.is_empty());
        own.chain(default).any(|assignable| assignable.covers(scope) || above.contains(&assignable))
    }

    /// The management groups that a scope is in, the nearest first.
    fn management_groups_above(&self, scope: &Scope) -> Vec<Scope> {
        let groups = &self.world.management_groups;
        let find = |name: &str| groups.iter().find(|group| group.name.eq_ignore_ascii_case(name));
        let subscription = scope
            .subscription_id()
            .and_then(|id| self.world.subscriptions.iter().find(|entry| entry.id.eq_ignore_ascii_case(id)));
        let first = match subscription {
            Some(entry) => entry.management_group.as_deref(),
            None => find(scope.name()).and_then(|group| group.parent.as_deref()),
        };
        // Parents stand before their children in the file, so this ends.
        let chain = std::iter::successors(first, |name| find(name).and_then(|group| group.parent.as_deref()));
        chain.map(Scope::management_group).collect()
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

    /// Whether it is the name or the id of a built-in role or of one of the file's.
    pub(super) fn knows_role(&self, text: &str) -> bool {
        self.custom_role_named(text).is_some() || self.is_built_in(text) || self.is_built_in(last_segment(text))
    }

    fn custom_role_named(&self, text: &str) -> Option<&CustomRoleEntry> {
        let guid = last_segment(text);
        self.world.custom_roles.iter().find(|role| {
            role.name.eq_ignore_ascii_case(text) || role.id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(guid))
        })
    }

    fn is_built_in(&self, text: &str) -> bool {
        self.built_in.get_or_init(built_in_roles).contains(&text.to_ascii_lowercase())
    }
}

/// The GUID of a role definition's full id.
fn last_segment(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// The names and the ids of the built-in roles, in lower case.
fn built_in_roles() -> HashSet<String> {
    let book = RoleBook::new(&Store::memory());
    let roles = book.iter().flat_map(RoleBook::built_in);
    roles.flat_map(|role| [role.name.to_ascii_lowercase(), role.id.to_ascii_lowercase()]).collect()
}
