//! Throttles and quotas of a hub's tier: off unless the hub says `throttling = true`.
//!
//! Asked by the table of operations, by sessions and by senders, before anything is done. All of it runs on the injected
//! clock. Source: iot-hub-devguide-quotas-throttling (2023): a burst over the rate is served for a while, then 429001 with
//! a Retry-After; 403002 once the day's messages are used up, until midnight UTC.

mod bucket;
mod tier;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;
use iolite_kernel::{ServiceError, Timestamp};
use iolite_resources::Hub as HubRecord;
use parking_lot::Mutex;
use serde_json::Value;

use crate::{Hub, errors};
use bucket::Bucket;
pub(crate) use tier::Meter;
use tier::{Rates, Tier};

/// The ARM property, and the world file's word, that turns it on.
const PROPERTY: &str = "throttling";
const SECONDS_A_DAY: i64 = 86_400;

/// The throttles of all hubs.
#[derive(Default)]
pub(crate) struct Throttles(Mutex<HashMap<String, Arc<HubThrottle>, RandomState>>);

/// The throttle of one hub.
pub(crate) struct HubThrottle {
    /// Whether it throttles at all: looked at for each message, so it is no lock.
    is_on: AtomicBool,
    state: Mutex<State>,
}

struct State {
    tier: Tier,
    buckets: HashMap<Meter, Bucket>,
    /// The day, and how many message units were used on it.
    day: i64,
    used: u64,
}

impl HubThrottle {
    fn new(hub: Option<&HubRecord>) -> Self {
        let state = State { tier: Tier::of(hub), buckets: HashMap::new(), day: 0, used: 0 };
        Self { is_on: AtomicBool::new(is_on(hub)), state: Mutex::new(state) }
    }

    /// Takes over what the hub's record says now.
    fn follow(&self, hub: &HubRecord) {
        let mut state = self.state.lock();
        let tier = Tier::of(Some(hub));
        if state.tier != tier {
            state.tier = tier;
            state.buckets.clear();
        }
        self.is_on.store(is_on(Some(hub)), Ordering::Release);
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Takes `amount` of `meter` at `now`, or refuses. The clock is read only where something is throttled.
    pub(crate) fn take(&self, meter: Meter, amount: f64, now: impl FnOnce() -> Timestamp) -> Result<(), ServiceError> {
        if !self.is_on() {
            return Ok(());
        }
        let now = now();
        let mut state = self.state.lock();
        let rates = state.tier.rates(meter);
        let bucket = state.buckets.entry(meter).or_insert_with(|| Bucket::full(rates, now));
        bucket.take(rates, amount, now).map_err(|wait| too_fast(meter, rates, wait))
    }

    /// How many scheduled jobs may be active at the same time; `None` where nothing is throttled.
    pub(crate) fn active_jobs(&self) -> Option<usize> {
        self.is_on().then(|| self.state.lock().tier.active_jobs())
    }

    /// Takes a message of `bytes` from the day's quota at `now`, or refuses.
    pub(crate) fn count_message(&self, bytes: usize, now: Timestamp) -> Result<(), ServiceError> {
        if !self.is_on() {
            return Ok(());
        }
        let mut state = self.state.lock();
        let day = now.as_second().div_euclid(SECONDS_A_DAY);
        if state.day != day {
            (state.day, state.used) = (day, 0);
        }
        let units = bytes.div_ceil(state.tier.message_bytes()).max(1) as u64;
        let most = state.tier.daily_messages();
        if state.used + units > most {
            let text = format!(
                "Total number of messages on IotHub exceeded the allocated quota. Max allowed message count: {most}."
            );
            return Err(ServiceError::new(&errors::IOT_HUB_QUOTA_EXCEEDED, text));
        }
        state.used += units;
        Ok(())
    }
}

fn is_on(hub: Option<&HubRecord>) -> bool {
    hub.is_some_and(|hub| hub.other_properties.get(PROPERTY) == Some(&Value::Bool(true)))
}

fn too_fast(meter: Meter, rates: Rates, wait: f64) -> ServiceError {
    let text = format!("{} are throttled at {} a second in this tier.", meter.name(), rates.per_second);
    let seconds = format!("{:.0}", wait.ceil().max(1.0));
    ServiceError::new(&errors::THROTTLING, text).with_header("retry-after", seconds)
}

impl Hub {
    /// The throttle of the hub keyed `hub`.
    pub(crate) fn throttle(&self, hub: &str) -> Arc<HubThrottle> {
        let mut known = self.throttles.0.lock();
        if let Some(found) = known.get(hub) {
            return found.clone();
        }
        let record = self.hubs.get(hub);
        let made = Arc::new(HubThrottle::new(record.as_deref()));
        known.insert(hub.to_owned(), made.clone());
        made
    }

    /// Takes `amount` of `meter` from the hub keyed `hub`, or refuses.
    pub(crate) fn meter(&self, hub: &str, meter: Meter, amount: f64) -> Result<(), ServiceError> {
        self.throttle(hub).take(meter, amount, || self.ground.now())
    }

    /// Lets the throttle follow what the hub's record says; a hub that is gone has none.
    pub(crate) fn follow_throttle(&self, hub: &str) {
        let known = self.throttles.0.lock().get(hub).cloned();
        match (known, self.hubs.get(hub)) {
            (Some(throttle), Some(record)) => throttle.follow(&record),
            (Some(_), None) => drop(self.throttles.0.lock().remove(hub)),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{World, named};

    async fn throttled() -> World {
        let world = World::new();
        world.put_hub_properties(json!({"throttling": true})).await;
        world
    }

    #[tokio::test]
    async fn nothing_is_throttled_unless_the_hub_says_so() {
        let world = World::new();
        world.put_hub_properties(json!({})).await;
        for _ in 0..1000 {
            world.hub.meter(World::KEY, Meter::Registry, 1.0).unwrap();
        }
    }

    #[tokio::test]
    async fn a_burst_is_served_and_then_refused_until_time_has_passed() {
        let world = throttled().await;
        let mut served = 0;
        let refused = loop {
            match world.call("Devices_GetIdentity", &[("id", "nobody")], &[], None).await.unwrap_err() {
                error if error.code == &errors::THROTTLING => break error,
                _ => served += 1,
            }
        };
        assert_eq!(served, 100, "a minute's worth in S1");
        assert_eq!(refused.headers, vec![("retry-after", "1".to_owned())]);
        world.advance(60);
        world.put_device("dev1", named("dev1")).await;
    }

    #[tokio::test]
    async fn a_day_has_so_many_messages_and_the_next_day_has_them_again() {
        let world = throttled().await;
        let throttle = world.hub.throttle(World::KEY);
        let now = world.hub.ground.now();
        let mut units = 0;
        while throttle.count_message(256 * 1024, now).is_ok() {
            units += 64;
        }
        assert_eq!(units, 400_000);
        assert_eq!(throttle.count_message(1, now).unwrap_err().code, &errors::IOT_HUB_QUOTA_EXCEEDED);
        world.advance(86_400);
        throttle.count_message(1, world.hub.ground.now()).unwrap();
    }

    #[tokio::test]
    async fn a_hub_that_is_told_to_throttle_does_so_at_once() {
        let world = World::new();
        world.put_hub_properties(json!({})).await;
        world.hub.meter(World::KEY, Meter::Query, 1000.0).unwrap();
        world.put_hub_properties(json!({"throttling": true})).await;
        world.hub.follow_throttle(World::KEY);
        world.hub.meter(World::KEY, Meter::Query, 1000.0).unwrap();
        assert!(world.hub.meter(World::KEY, Meter::Query, 1.0).is_err());
    }
}
