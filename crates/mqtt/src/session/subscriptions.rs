//! What a client subscribed to, at most five filters.

use iolite_messaging::Features;

use super::Violation;
use crate::topic::{Branch, Filter};

/// "Subscriptions per connection", limits of the hub's MQTT endpoint.
const MAXIMUM: usize = 5;

/// A client's subscriptions.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Vec<Subscription>);

#[derive(Debug)]
struct Subscription {
    filter: Filter,
    /// As granted: 0 or 1.
    qos: u8,
    /// The identity's branch as the client spelled it, where that differs.
    spelled: Option<Box<str>>,
}

impl Subscriptions {
    /// Adds a subscription, or replaces the one of the same filter (MQTT-3.8.4-3); the QoS granted, 1 for 2.
    pub(super) fn add(&mut self, text: &str, qos: u8, branch: &Branch) -> Result<u8, Violation> {
        let (filter, spelled) = Filter::read(text, branch).ok_or_else(|| Violation::UnknownFilter(text.into()))?;
        let qos = qos.min(1);
        let spelled = (!spelled.is_empty() && spelled != branch.path()).then(|| spelled.into());
        let subscription = Subscription { filter, qos, spelled };
        match self.0.iter().position(|known| known.filter == filter) {
            Some(at) => self.0[at] = subscription,
            None if self.0.len() == MAXIMUM => return Err(Violation::Subscriptions),
            None => self.0.push(subscription),
        }
        Ok(qos)
    }

    /// Takes a subscription away, if there is one.
    pub(super) fn remove(&mut self, text: &str, branch: &Branch) {
        if let Some((filter, _)) = Filter::read(text, branch) {
            self.0.retain(|known| known.filter != filter);
        }
    }

    /// The subscription that an earlier connection left.
    pub(super) fn restore_device_bound(&mut self, branch: &Branch) {
        let filter = if branch.module_id().is_some() { Filter::Module } else { Filter::DeviceBound };
        self.0.push(Subscription { filter, qos: 1, spelled: None });
    }

    /// What the hub must tell.
    pub(super) fn features(&self) -> Features {
        Features {
            methods: self.has(Filter::Methods),
            desired: self.has(Filter::Desired),
            device_bound: self.device_bound().is_some(),
        }
    }

    /// Whether answers to twin requests are wanted.
    pub(super) fn twin_answers(&self) -> bool {
        self.has(Filter::TwinAnswers)
    }

    /// The QoS of the subscriptions that bring messages to the device, if there is one.
    pub(super) fn device_bound(&self) -> Option<u8> {
        self.bringing(|_| true).map(|known| known.qos).max()
    }

    /// Whether messages to the device are subscribed to in a way that outlives the connection: at QoS 1.
    pub(super) fn lasting_device_bound(&self) -> bool {
        self.device_bound() == Some(1)
    }

    /// How a message goes out, to a module's input or not: the branch as the client spelled it, and the QoS. The highest
    /// QoS counts where subscriptions overlap (MQTT-3.3.5-1).
    pub(super) fn delivery(&self, input: bool) -> Option<(Option<&str>, u8)> {
        let fits = |filter| match filter {
            Filter::Inputs => input,
            Filter::DeviceBound => !input,
            _ => true,
        };
        let best = self.bringing(fits).max_by_key(|known| known.qos)?;
        Some((best.spelled.as_deref(), best.qos))
    }

    fn bringing(&self, fits: impl Fn(Filter) -> bool) -> impl Iterator<Item = &Subscription> {
        let brings = |filter| matches!(filter, Filter::DeviceBound | Filter::Inputs | Filter::Module);
        self.0.iter().filter(move |known| brings(known.filter) && fits(known.filter))
    }

    fn has(&self, filter: Filter) -> bool {
        self.0.iter().any(|known| known.filter == filter)
    }
}
