//! Role definitions, built-in and custom, and the book they are kept in.

use std::sync::Arc;

use iolite_kernel::{Scope, Timestamp};
use iolite_store::{Record, Store, Table};
use serde::{Deserialize, Serialize};

use crate::{DenyAssignment, RoleAssignment, matches_action};

/// A role definition; custom ones are keyed by their id in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinition {
    /// The GUID that role definition ids end in.
    pub id: String,
    /// The role's name (`roleName`).
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether it is a custom role.
    #[serde(default)]
    pub custom: bool,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// Where it can be assigned; the root for built-in roles.
    #[serde(default = "everywhere")]
    pub assignable_scopes: Vec<Scope>,
    /// When it was made, for custom roles.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it was last changed, for custom roles.
    #[serde(default)]
    pub changed_at: Option<Timestamp>,
}

impl Record for RoleDefinition {
    const COLLECTION: &'static str = "role-definitions";
}

/// One block of a role's permissions: what is listed less what is excepted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Control-plane actions.
    pub actions: Vec<String>,
    /// Control-plane actions taken away again.
    pub not_actions: Vec<String>,
    /// Data-plane actions.
    pub data_actions: Vec<String>,
    /// Data-plane actions taken away again.
    pub not_data_actions: Vec<String>,
}

fn everywhere() -> Vec<Scope> {
    vec![Scope::root()]
}

/// How one permission block or role stands to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage<'a> {
    /// It allows it.
    Allows,
    /// A pattern lists it, but this one takes it away again.
    Excepted(&'a str),
    /// Nothing lists it.
    Unlisted,
}

impl Permission {
    /// How the block stands to a data (`data`) or control action.
    pub(crate) fn coverage(&self, action: &str, data: bool) -> Coverage<'_> {
        let (listed, excepted) =
            if data { (&self.data_actions, &self.not_data_actions) } else { (&self.actions, &self.not_actions) };
        if !listed.iter().any(|pattern| matches_action(pattern, action)) {
            return Coverage::Unlisted;
        }
        match excepted.iter().find(|pattern| matches_action(pattern, action)) {
            Some(pattern) => Coverage::Excepted(pattern),
            None => Coverage::Allows,
        }
    }
}

impl RoleDefinition {
    /// How the role stands to an action: one block that allows it is enough.
    pub(crate) fn coverage(&self, action: &str, data: bool) -> Coverage<'_> {
        let mut best = Coverage::Unlisted;
        for permission in &self.permissions {
            match permission.coverage(action, data) {
                Coverage::Allows => return Coverage::Allows,
                Coverage::Excepted(pattern) => best = Coverage::Excepted(pattern),
                Coverage::Unlisted => {}
            }
        }
        best
    }

    /// Whether the role allows the data or control action.
    #[must_use]
    pub fn allows(&self, action: &str, data: bool) -> bool {
        self.coverage(action, data) == Coverage::Allows
    }

    /// Whether the role has control actions and no data action at all, as Owner, Contributor and Reader.
    #[must_use]
    pub fn is_control_plane_only(&self) -> bool {
        self.permissions.iter().all(|permission| permission.data_actions.is_empty())
    }
}

/// The roles, assignments and deny assignments of a world.
#[derive(Clone)]
pub struct RoleBook {
    built_in: Arc<[Arc<RoleDefinition>]>,
    /// Custom roles by lower-case id.
    pub custom: Table<RoleDefinition>,
    /// Role assignments by `principal/name`, both lower case.
    pub assignments: Table<RoleAssignment>,
    /// Deny assignments by lower-case name.
    pub denies: Table<DenyAssignment>,
}

impl RoleBook {
    /// The book kept in `store`, with the built-in roles of the data file.
    ///
    /// # Errors
    /// Where the data file that the binary was built with is not what it should be; a test reads it too.
    pub fn new(store: &Store) -> Result<Self, serde_json::Error> {
        let built_in: Vec<RoleDefinition> = serde_json::from_str(include_str!("../data/built-in-roles.json"))?;
        Ok(Self {
            built_in: built_in.into_iter().map(Arc::new).collect(),
            custom: store.table(),
            assignments: store.table(),
            denies: store.table(),
        })
    }

    /// The built-in roles, in the data file's order.
    #[must_use]
    pub fn built_in(&self) -> &[Arc<RoleDefinition>] {
        &self.built_in
    }

    /// Every role, built-in ones first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<RoleDefinition>> {
        let custom = self.custom.all("").into_iter().map(|(_, role)| role.value);
        self.built_in.iter().cloned().chain(custom).collect()
    }

    /// The role whose GUID is `id`, or whose full definition id ends in it; without case.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<Arc<RoleDefinition>> {
        let guid = id.rsplit('/').next().unwrap_or(id);
        let built_in = self.built_in.iter().find(|role| role.id.eq_ignore_ascii_case(guid)).cloned();
        built_in.or_else(|| self.custom.get(&guid.to_ascii_lowercase()).map(|role| role.value))
    }

    /// The role with this name or id, without case.
    #[must_use]
    pub fn role_named(&self, text: &str) -> Option<Arc<RoleDefinition>> {
        self.role(text).or_else(|| self.all().into_iter().find(|role| role.name.eq_ignore_ascii_case(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> RoleBook {
        RoleBook::new(&Store::memory()).unwrap()
    }

    #[test]
    fn owner_has_every_control_action_and_no_data_action() {
        let owner = book().role_named("owner").unwrap();
        assert!(owner.allows("Microsoft.Devices/iotHubs/listkeys/Action", false));
        assert!(!owner.allows("Microsoft.Devices/IotHubs/devices/read", true));
        assert!(owner.is_control_plane_only());
    }

    #[test]
    fn contributor_cannot_assign_roles() {
        let contributor = book().role_named("Contributor").unwrap();
        let action = "Microsoft.Authorization/roleAssignments/write";
        assert_eq!(contributor.coverage(action, false), Coverage::Excepted("Microsoft.Authorization/*/Write"));
        assert!(contributor.allows("Microsoft.Devices/iotHubs/listkeys/Action", false));
    }

    #[test]
    fn the_data_reader_of_a_provisioning_service_cannot_read_attestation_details() {
        let reader = book().role("10745317-c249-44a1-a5ce-3a4353c0bbd8").unwrap();
        assert!(!reader.allows("Microsoft.Devices/provisioningServices/attestationmechanism/details/action", true));
        assert!(reader.allows("Microsoft.Devices/provisioningServices/enrollments/read", true));
    }

    #[test]
    fn the_twin_contributor_can_query_twins_and_not_read_devices() {
        let role = book().role_named("IoT Hub Twin Contributor").unwrap();
        assert!(role.allows("Microsoft.Devices/IotHubs/twins/read", true));
        assert!(!role.allows("Microsoft.Devices/IotHubs/devices/read", true));
    }
}
