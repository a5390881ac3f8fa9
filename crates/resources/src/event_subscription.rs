//! The record of an Event Grid subscription to a hub's events.
//!
//! Written by `arm`, read by the hub's Event Grid. Source: `EventSubscription` of Microsoft.EventGrid 2022-06-15, as far as
//! it is emulated: webhooks.

use std::fmt;

use iolite_kernel::{Secret, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

/// An event subscription; keyed by `{hub}/{name}`, both in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSubscription {
    /// Its name.
    pub name: String,
    /// Where events go. The query often holds a key.
    pub endpoint_url: Secret,
    /// How events look.
    pub schema: DeliverySchema,
    /// Which events are wanted; all kinds where it is `None`.
    pub included_event_types: Option<Vec<String>>,
    /// How subjects begin.
    pub subject_begins_with: String,
    /// How subjects end.
    pub subject_ends_with: String,
    /// Whether subjects are compared with case.
    pub subject_case_sensitive: bool,
    /// How many events go in one request at most.
    pub max_events_per_batch: u32,
    /// How often an event is tried at most, 1 to 30.
    pub max_delivery_attempts: u32,
    /// For how many minutes an event is tried, 1 to 1440.
    pub event_time_to_live_minutes: u32,
    /// Labels.
    pub labels: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Record for EventSubscription {
    const COLLECTION: &'static str = "hub.event-subscriptions";
}

impl EventSubscription {
    /// ARM's type name.
    pub const TYPE: &'static str = "Microsoft.EventGrid/eventSubscriptions";

    /// The subscription `name` that sends everything to `endpoint_url`, with Event Grid's own defaults.
    #[must_use]
    pub const fn new(name: String, endpoint_url: Secret, created_at: Timestamp) -> Self {
        Self {
            name,
            endpoint_url,
            schema: DeliverySchema::EventGridSchema,
            included_event_types: None,
            subject_begins_with: String::new(),
            subject_ends_with: String::new(),
            subject_case_sensitive: false,
            max_events_per_batch: 1,
            max_delivery_attempts: 30,
            event_time_to_live_minutes: 1440,
            labels: Vec::new(),
            expires_at: None,
            created_at,
        }
    }

    /// The key of the subscription `name` to the hub keyed `hub`.
    #[must_use]
    pub fn key(hub: &str, name: &str) -> String {
        format!("{hub}/{}", name.to_ascii_lowercase())
    }
}

/// How events look when they are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliverySchema {
    /// Event Grid's own.
    EventGridSchema,
    /// CloudEvents 1.0.
    #[serde(rename = "CloudEventSchemaV1_0")]
    CloudEventSchemaV1,
}

impl fmt::Display for DeliverySchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::EventGridSchema => "EventGridSchema",
            Self::CloudEventSchemaV1 => "CloudEventSchemaV1_0",
        })
    }
}
