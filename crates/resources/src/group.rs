//! The containers above a resource.

use std::collections::BTreeMap;

use iolite_kernel::Scope;
use iolite_store::Record;
use serde::{Deserialize, Serialize};

/// A management group; keyed by its name in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagementGroup {
    /// Its name, the last segment of its scope.
    pub name: String,
    /// The name shown to people.
    pub display_name: String,
    /// The management group above it, where there is one.
    pub parent: Option<String>,
}

impl Record for ManagementGroup {
    const COLLECTION: &'static str = "management-groups";
}

/// A subscription; keyed by its id in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The name shown to people.
    pub display_name: String,
    /// The management group it is in, where there is one.
    pub management_group: Option<String>,
}

impl Record for Subscription {
    const COLLECTION: &'static str = "subscriptions";
}

/// A resource group; keyed by `subscription/name` in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceGroup {
    /// Its full id.
    pub id: Scope,
    /// Its location.
    pub location: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Record for ResourceGroup {
    const COLLECTION: &'static str = "resource-groups";
}
