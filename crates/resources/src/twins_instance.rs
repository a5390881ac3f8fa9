//! The record of an Azure Digital Twins instance.

use std::collections::BTreeMap;

use iolite_kernel::{ResourceId, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ResourceIdentity;

/// A Digital Twins instance; keyed by its name in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwinsInstance {
    /// Its full id.
    pub id: ResourceId,
    /// Its location.
    pub location: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its own host name (`contoso-twins.api.weu.digitaltwins.azure.net`).
    pub host_name: String,
    /// The identity it acts under.
    pub identity: Option<ResourceIdentity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Every other ARM property, as it was sent.
    pub other_properties: Map<String, Value>,
}

impl Record for TwinsInstance {
    const COLLECTION: &'static str = "twins-instances";
}

impl TwinsInstance {
    /// ARM's type name.
    pub const TYPE: &'static str = "Microsoft.DigitalTwins/digitalTwinsInstances";
}
