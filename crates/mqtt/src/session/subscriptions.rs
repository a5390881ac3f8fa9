//! What a client subscribed to, at most five filters.

use iolite_messaging::Features;

use super::Violation;
use crate::topic::{Branch, Filter};

/// "Subscriptions per connection", limits of the hub's MQTT endpoint.
const MAXIMUM: usize = 5;
/// The bit, above those of the filters, that says that ids were not spelled as they are.
const ENCODED: u8 = 1 << 7;

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

    /// What a session leaves behind: a bit for each filter that outlives the connection. Subscriptions that bring messages
    /// do at QoS 1 only; all others are served at QoS 0 whatever was granted.
    pub(super) fn lasting(&self) -> u8 {
        let lasting = self.0.iter().filter(|known| known.qos == 1 || !known.filter.brings_messages());
        lasting.fold(0, |bits, known| bits | known.filter.bit() | if known.spelled.is_some() { ENCODED } else { 0 })
    }

    /// Takes up what an earlier session left. Ids that were spelled in another way come back percent-encoded as the SDKs
    /// encode them.
    pub(super) fn restore(&mut self, lasting: u8, branch: &Branch) {
        let encoded = (lasting & ENCODED != 0).then(|| branch.encoded().into_boxed_str());
        self.0 = Filter::ALL
            .into_iter()
            .filter(|filter| lasting & filter.bit() != 0)
            .map(|filter| Subscription {
                filter,
                qos: 1,
                spelled: encoded.clone().filter(|_| filter.brings_messages()),
            })
            .collect();
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
        self.0.iter().filter(move |known| known.filter.brings_messages() && fits(known.filter))
    }

    fn has(&self, filter: Filter) -> bool {
        self.0.iter().any(|known| known.filter == filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a second session has after the first one subscribed to `filters`.
    fn taken_up(branch: &Branch, filters: &[(&str, u8)]) -> Subscriptions {
        let (mut first, mut second) = (Subscriptions::default(), Subscriptions::default());
        for (filter, qos) in filters {
            first.add(filter, *qos, branch).unwrap();
        }
        second.restore(first.lasting(), branch);
        second
    }

    #[test]
    fn twins_and_methods_outlive_a_connection_at_any_qos() {
        let filters = ["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#", "$iothub/methods/POST/#"];
        let known = taken_up(&Branch::new("d", None), &filters.map(|filter| (filter, 0)));
        assert_eq!(known.features(), Features { methods: true, desired: true, device_bound: false });
        assert!(known.twin_answers());
    }

    #[test]
    fn a_module_can_subscribe_anew_to_all_that_it_had() {
        let branch = Branch::new("d", Some("m"));
        let filters = [
            "devices/d/modules/m/inputs/#",
            "devices/d/modules/m/messages/devicebound/#",
            "$iothub/twin/res/#",
            "$iothub/twin/PATCH/properties/desired/#",
            "$iothub/methods/POST/#",
        ];
        let mut known = taken_up(&branch, &filters.map(|filter| (filter, 1)));
        assert!(filters.iter().all(|filter| known.add(filter, 1, &branch).is_ok()));
    }

    #[test]
    fn an_encoded_branch_is_taken_up_encoded() {
        let branch = Branch::new("a#b", None);
        let known = taken_up(&branch, &[("devices/a%23b/messages/devicebound/#", 1)]);
        assert_eq!(known.delivery(false), Some((Some("devices/a%23b"), 1)));
        let known = taken_up(&branch, &[("devices/a#b/messages/devicebound/#", 1)]);
        assert_eq!(known.delivery(false), Some((None, 1)));
    }
}
