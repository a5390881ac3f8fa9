//! What the body of a subscription's PUT or PATCH asks for, and the subscription that comes of it.

use iolite_kernel::{Request, Secret, ServiceError, Timestamp};
use iolite_resources::{DeliverySchema, EventSubscription};

use super::document::without_query;
use crate::errors::{BAD_REQUEST, NOT_SUPPORTED};
use crate::fields::Fields;

/// The kinds of events that hubs have (event-schema-iot-hub).
pub(super) const EVENT_TYPES: [&str; 5] = [
    "Microsoft.Devices.DeviceCreated",
    "Microsoft.Devices.DeviceDeleted",
    "Microsoft.Devices.DeviceConnected",
    "Microsoft.Devices.DeviceDisconnected",
    "Microsoft.Devices.DeviceTelemetry",
];

/// The parts of a body that are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    destination: Option<Destination>,
    filter: Option<Filter>,
    schema: Option<DeliverySchema>,
    max_delivery_attempts: Option<u32>,
    event_time_to_live_minutes: Option<u32>,
    labels: Option<Vec<String>>,
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Destination {
    /// A client that writes what it read does not know the query.
    url: Option<String>,
    base_url: Option<String>,
    max_events_per_batch: Option<u32>,
}

#[derive(Debug, Clone, Default)]
struct Filter {
    included_event_types: Option<Vec<String>>,
    begins_with: Option<String>,
    ends_with: Option<String>,
    case_sensitive: Option<bool>,
}

impl Change {
    /// Reads a PUT, whose members stand below `properties`.
    pub(super) fn of_put(request: &Request) -> Result<Self, ServiceError> {
        let mut body = Fields::of(request)?;
        Self::read(&mut body.fields("properties")?.unwrap_or_default())
    }

    /// Reads a PATCH, whose members stand at the top (`EventSubscriptionUpdateParameters`).
    pub(super) fn of_patch(request: &Request) -> Result<Self, ServiceError> {
        Self::read(&mut Fields::of(request)?)
    }

    fn read(fields: &mut Fields) -> Result<Self, ServiceError> {
        for unsupported in ["deadLetterDestination", "deadLetterWithResourceIdentity", "deliveryWithResourceIdentity"] {
            if fields.take(unsupported).is_some() {
                return Err(not_supported(format!(
                    "'{unsupported}' is not emulated: a webhook gets events or loses them."
                )));
            }
        }
        let schema = fields.text("eventDeliverySchema")?.map(|name| read_schema(&name)).transpose()?;
        let expires_at = fields.text("expirationTimeUtc")?;
        let expires_at = expires_at.map(|text| {
            text.parse().map_err(|_| bad(format!("'expirationTimeUtc' is not a moment of ISO 8601: '{text}'.")))
        });
        let mut change = Self {
            destination: fields.fields("destination")?.map(read_destination).transpose()?,
            filter: fields.fields("filter")?.map(read_filter).transpose()?,
            schema,
            labels: fields.texts("labels")?,
            expires_at: expires_at.transpose()?,
            ..Self::default()
        };
        if let Some(mut policy) = fields.fields("retryPolicy")? {
            change.max_delivery_attempts = policy.number("maxDeliveryAttempts")?;
            change.event_time_to_live_minutes = policy.number("eventTimeToLiveInMinutes")?;
        }
        within("maxDeliveryAttempts", change.max_delivery_attempts, 1, 30)?;
        within("eventTimeToLiveInMinutes", change.event_time_to_live_minutes, 1, 1440)?;
        Ok(change)
    }

    /// The subscription `name` that a PUT makes, over `standing` where there is one.
    pub(super) fn replace(
        &self,
        name: &str,
        standing: Option<&EventSubscription>,
        now: Timestamp,
    ) -> Result<EventSubscription, ServiceError> {
        let destination = self.destination.as_ref().ok_or_else(|| bad("'properties.destination' is missing."))?;
        let created_at = standing.map_or(now, |standing| standing.created_at);
        self.merge(&EventSubscription::new(name.to_owned(), url(destination, standing)?, created_at))
    }

    /// The subscription that a PATCH makes of `base`: what the body leaves out stays.
    pub(super) fn merge(&self, base: &EventSubscription) -> Result<EventSubscription, ServiceError> {
        let mut merged = base.clone();
        if let Some(destination) = &self.destination {
            merged.endpoint_url = url(destination, Some(base))?;
            merged.max_events_per_batch = destination.max_events_per_batch.unwrap_or(base.max_events_per_batch);
        }
        if let Some(filter) = self.filter.clone() {
            merged.included_event_types = filter.included_event_types;
            merged.subject_begins_with = filter.begins_with.unwrap_or_default();
            merged.subject_ends_with = filter.ends_with.unwrap_or_default();
            merged.subject_case_sensitive = filter.case_sensitive.unwrap_or_default();
        }
        merged.schema = self.schema.unwrap_or(base.schema);
        merged.max_delivery_attempts = self.max_delivery_attempts.unwrap_or(base.max_delivery_attempts);
        merged.event_time_to_live_minutes = self.event_time_to_live_minutes.unwrap_or(base.event_time_to_live_minutes);
        if let Some(labels) = &self.labels {
            merged.labels.clone_from(labels);
        }
        merged.expires_at = self.expires_at.or(base.expires_at);
        Ok(merged)
    }
}

fn read_schema(name: &str) -> Result<DeliverySchema, ServiceError> {
    let known = [DeliverySchema::EventGridSchema, DeliverySchema::CloudEventSchemaV1];
    let found = known.into_iter().find(|schema| schema.to_string().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        if name.eq_ignore_ascii_case("CustomInputSchema") {
            return bad("A hub's events have no custom input schema: EventGridSchema and CloudEventSchemaV1_0 are.");
        }
        bad(format!("'{name}' is not a schema: EventGridSchema and CloudEventSchemaV1_0 are."))
    })
}

fn read_destination(mut destination: Fields) -> Result<Destination, ServiceError> {
    let kind = destination.text("endpointType")?.ok_or_else(|| bad("'destination.endpointType' is missing."))?;
    if !kind.eq_ignore_ascii_case("WebHook") {
        return Err(not_supported(format!("The destination '{kind}' is not emulated: use a WebHook.")));
    }
    let mut properties = destination.fields("properties")?.unwrap_or_default();
    let found = Destination {
        url: properties.text("endpointUrl")?,
        base_url: properties.text("endpointBaseUrl")?,
        max_events_per_batch: properties.number("maxEventsPerBatch")?,
    };
    if properties.take("azureActiveDirectoryApplicationIdOrUri").is_some() {
        return Err(not_supported("Webhooks protected by Entra are not emulated: put a key into the address instead."));
    }
    let mappings = properties.items("deliveryAttributeMappings")?.unwrap_or_default();
    if !mappings.is_empty() {
        return Err(not_supported("Delivery attribute mappings are not emulated."));
    }
    within("maxEventsPerBatch", found.max_events_per_batch, 1, 5000)?;
    Ok(found)
}

fn read_filter(mut filter: Fields) -> Result<Filter, ServiceError> {
    if !filter.items("advancedFilters")?.unwrap_or_default().is_empty() {
        let text =
            "Advanced filters are not emulated: filter by kind and subject, or telemetry by a route to 'eventgrid'.";
        return Err(not_supported(text));
    }
    let included_event_types = filter.texts("includedEventTypes")?.filter(|kinds| !kinds.is_empty());
    // "All" is what clients of the first versions send.
    let included_event_types =
        included_event_types.filter(|kinds| !kinds.iter().any(|kind| kind.eq_ignore_ascii_case("All")));
    if let Some(kinds) = &included_event_types
        && let Some(unknown) =
            kinds.iter().find(|kind| !EVENT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)))
    {
        return Err(bad(format!("Hubs have no events of the type '{unknown}': {} are.", EVENT_TYPES.join(", "))));
    }
    Ok(Filter {
        included_event_types,
        begins_with: filter.text("subjectBeginsWith")?,
        ends_with: filter.text("subjectEndsWith")?,
        case_sensitive: filter.flag("isSubjectCaseSensitive")?,
    })
}

/// The address in the body; or the standing one, of which the body names the part that answers show.
fn url(destination: &Destination, standing: Option<&EventSubscription>) -> Result<Secret, ServiceError> {
    let Some(url) = &destination.url else {
        let same = |standing: &&EventSubscription| {
            let base = without_query(standing.endpoint_url.reveal());
            destination.base_url.as_deref().is_none_or(|shown| shown == base)
        };
        let found = standing.filter(same).map(|standing| standing.endpoint_url.clone());
        return found.ok_or_else(|| bad("'destination.properties.endpointUrl' is missing."));
    };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if host.is_empty() || host.starts_with(['/', '?', '#', ':']) || url.len() > 2048 {
        return Err(bad("'destination.properties.endpointUrl' is not an absolute http or https address."));
    }
    Ok(Secret::new(url))
}

fn within(name: &str, value: Option<u32>, least: u32, most: u32) -> Result<(), ServiceError> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(bad(format!("'{name}' is not from {least} to {most}."))),
        _ => Ok(()),
    }
}

fn bad(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&BAD_REQUEST, text)
}

fn not_supported(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&NOT_SUPPORTED, text)
}
