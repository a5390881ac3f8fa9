//! What the body of an instance's PUT or PATCH asks for, and the instance that comes of it.
//!
//! Source: `DigitalTwinsDescription` and `DigitalTwinsPatchDescription` of 2023-01-31.

use std::collections::BTreeMap;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::TwinsInstance;
use serde_json::{Map, Value};

use crate::errors::BAD_REQUEST;
use crate::fields::Fields;
use crate::managed_identity::{self, IdentityChange};
use crate::schema::Member;
use crate::schema::Shape::{List, Object, Word};

/// Members of the body that the service sets itself; sent back by clients that write what they read.
const READ_ONLY: [&str; 5] =
    ["createdTime", "lastUpdatedTime", "provisioningState", "hostName", "privateEndpointConnections"];

/// What the properties may be that are kept as they were sent.
const PROPERTIES: &[Member] =
    &[("publicNetworkAccess", Word(&["Enabled", "Disabled"])), ("privateEndpointConnections", List(&Object(&[])))];

/// The parts of a body that are there.
#[derive(Debug, Clone)]
pub(crate) struct InstanceChange {
    pub(crate) location: Option<String>,
    pub(crate) identity: Option<IdentityChange>,
    tags: Option<BTreeMap<String, String>>,
    other_properties: Map<String, Value>,
}

impl InstanceChange {
    /// Reads and checks the body.
    pub(crate) fn read(request: &Request) -> Result<Self, ServiceError> {
        let mut body = Fields::of(request)?;
        let location = body.text("location")?;
        let tags = body.text_map("tags")?;
        let identity = managed_identity::read(&mut body)?;
        let properties = body.fields("properties")?.unwrap_or_default();
        let mut properties = properties.fitted(PROPERTIES, &BAD_REQUEST)?;
        properties.drop(&READ_ONLY);
        Ok(Self { location, identity, tags, other_properties: properties.rest() })
    }

    /// The instance that a PUT makes of `base`: what the body leaves out goes back to its default.
    pub(crate) fn replace(&self, base: &TwinsInstance) -> TwinsInstance {
        TwinsInstance {
            tags: self.tags.clone().unwrap_or_default(),
            other_properties: self.other_properties.clone(),
            ..base.clone()
        }
    }

    /// The instance that a PATCH makes of `base`: what the body leaves out stays.
    pub(crate) fn merge(&self, base: &TwinsInstance) -> TwinsInstance {
        let mut instance = base.clone();
        if let Some(tags) = &self.tags {
            instance.tags.clone_from(tags);
        }
        instance.other_properties.extend(self.other_properties.clone());
        instance
    }
}
