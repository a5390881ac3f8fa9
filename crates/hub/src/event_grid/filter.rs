//! Which events a subscription wants: by kind and by subject.

use iolite_resources::EventSubscription;

use super::EventType;
use super::event::subject;
use crate::routing::Routable;

/// Whether `subscription` wants an event of this kind.
pub(super) fn admits(subscription: &EventSubscription, kind: EventType, event: &Routable<'_>) -> bool {
    let wanted = subscription.included_event_types.as_ref();
    if wanted.is_some_and(|kinds| !kinds.iter().any(|name| kind.is_named(name))) {
        return false;
    }
    let (begins, ends) = (&subscription.subject_begins_with, &subscription.subject_ends_with);
    if begins.is_empty() && ends.is_empty() {
        return true;
    }
    let subject = subject(event);
    if subscription.subject_case_sensitive {
        return subject.starts_with(begins.as_str()) && subject.ends_with(ends.as_str());
    }
    let subject = subject.to_lowercase();
    subject.starts_with(&begins.to_lowercase()) && subject.ends_with(&ends.to_lowercase())
}
