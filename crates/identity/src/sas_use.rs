//! Who used shared access policies lately: what the switch that turns them off warns with.
//!
//! The door writes it; `iolite deny-sas` and the warning through Resource Manager read it. It remembers no token.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use iolite_kernel::{Client, ResourceId, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;

/// How many different users of one resource's policies are remembered; the one unseen for longest makes way.
const USERS_PER_RESOURCE: usize = 64;

/// How many resources are remembered at most: as many as anyone makes, and a bound for those who make and delete.
const RESOURCES: usize = 1024;

/// How many bytes of a user agent are remembered.
const AGENT_BYTES: usize = 256;

/// One user of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SasUse {
    /// The policy's name.
    pub policy: String,
    /// The address it was used from, where there is one.
    pub address: Option<IpAddr>,
    /// The user agent it was used by, cut at 256 bytes; empty where none was sent.
    pub agent: Arc<str>,
    /// When it was used last.
    pub last_used_at: Timestamp,
    /// How many times, as far as remembered.
    pub count: u64,
}

/// The users of every resource's policies.
#[derive(Debug, Default)]
pub(crate) struct SasUses(Mutex<HashMap<ResourceId, Vec<Arc<User>>>>);

/// A user of a policy, who may be held on to while a connection lasts, so that one more use is counted without a look-up.
#[derive(Debug)]
pub(crate) struct User {
    policy: String,
    address: Option<IpAddr>,
    agent: Arc<str>,
    /// In microseconds of Unix time.
    last_used_at: AtomicI64,
    count: AtomicU64,
    /// Whether there was no room left for this one.
    forgotten: AtomicBool,
}

impl SasUses {
    /// Remembers that `client` used `policy` of `resource` at `now`.
    pub(crate) fn record(&self, resource: &ResourceId, policy: &str, client: &Client, now: Timestamp) -> Arc<User> {
        let mut resources = self.0.lock();
        if !resources.contains_key(resource) && resources.len() >= RESOURCES {
            forget_one(&mut resources);
        }
        let users = resources.entry(resource.clone()).or_default();
        if let Some(known) = users.iter().find(|user| user.policy == policy && user.again(client, now)) {
            return known.clone();
        }
        if users.len() >= USERS_PER_RESOURCE
            && let Some((place, _)) = users.iter().enumerate().min_by_key(|(_, user)| user.last_used_at())
        {
            users.remove(place).forgotten.store(true, Ordering::Relaxed);
        }
        let user = Arc::new(User::first(policy, client, now));
        users.push(user.clone());
        user
    }

    /// The users of `resource`'s policies, the latest first.
    pub(crate) fn of(&self, resource: &ResourceId) -> Vec<SasUse> {
        // Of those of the same moment, the one that came last is told first.
        let mut uses: Vec<SasUse> =
            self.0.lock().get(resource).into_iter().flatten().rev().map(|user| user.as_of_now()).collect();
        uses.sort_by_key(|each| std::cmp::Reverse(each.last_used_at));
        uses
    }
}

impl User {
    fn first(policy: &str, client: &Client, now: Timestamp) -> Self {
        Self {
            policy: policy.to_owned(),
            address: client.address,
            agent: shown_agent(client).into(),
            last_used_at: AtomicI64::new(now.as_microsecond()),
            count: AtomicU64::new(1),
            forgotten: AtomicBool::new(false),
        }
    }

    /// Counts one more use of the policy by `client`; false where this is somebody else, or one who is not listed any more.
    pub(crate) fn again(&self, client: &Client, now: Timestamp) -> bool {
        if self.address != client.address
            || *self.agent != *shown_agent(client)
            || self.forgotten.load(Ordering::Relaxed)
        {
            return false;
        }
        self.last_used_at.store(now.as_microsecond(), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn last_used_at(&self) -> i64 {
        self.last_used_at.load(Ordering::Relaxed)
    }

    fn as_of_now(&self) -> SasUse {
        SasUse {
            policy: self.policy.clone(),
            address: self.address,
            agent: self.agent.clone(),
            last_used_at: Timestamp::from_microsecond(self.last_used_at()).unwrap_or(Timestamp::MAX),
            count: self.count.load(Ordering::Relaxed),
        }
    }
}

fn shown_agent(client: &Client) -> &str {
    &client.agent[..client.agent.floor_char_boundary(AGENT_BYTES)]
}

/// Drops the resource that was used longest ago.
fn forget_one(resources: &mut HashMap<ResourceId, Vec<Arc<User>>>) {
    let oldest = resources.iter().min_by_key(|(_, users)| users.iter().map(|user| user.last_used_at()).max());
    if let Some(users) = oldest.map(|(id, _)| id.clone()).and_then(|id| resources.remove(&id)) {
        for user in users {
            user.forgotten.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(agent: &str) -> Client {
        Client { address: None, agent: agent.into() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_latest_user_comes_first_and_is_counted() {
        let (uses, hub) = (SasUses::default(), ResourceId::resource("s", "g", "Microsoft.Devices/IotHubs", "h"));
        uses.record(&hub, "service", &client("one"), at(1));
        uses.record(&hub, "service", &client("two"), at(2));
        uses.record(&hub, "service", &client("one"), at(3));
        let found = uses.of(&hub);
        assert_eq!(found.len(), 2);
        assert_eq!((&*found[0].agent, found[0].count, found[0].last_used_at), ("one", 2, at(3)));
        assert_eq!((&*found[1].agent, found[1].count), ("two", 1));
    }

    #[test]
    fn a_use_is_counted_by_whoever_holds_on_to_the_user_until_there_is_no_room_for_him() {
        let (uses, hub) = (SasUses::default(), ResourceId::root());
        let first = uses.record(&hub, "service", &client("one"), at(1));
        assert!(first.again(&client("one"), at(2)) && !first.again(&client("two"), at(2)));
        assert_eq!((uses.of(&hub)[0].count, uses.of(&hub)[0].last_used_at), (2, at(2)));
        for number in 0..USERS_PER_RESOURCE {
            uses.record(&hub, "service", &client(&number.to_string()), at(3));
        }
        assert!(!first.again(&client("one"), at(4)));
        uses.record(&hub, "service", &client("one"), at(4));
        assert_eq!((&*uses.of(&hub)[0].agent, uses.of(&hub)[0].count), ("one", 1));
    }

    #[test]
    fn a_long_user_agent_is_cut_and_known_again() {
        let (uses, hub) = (SasUses::default(), ResourceId::root());
        for _ in 0..2 {
            uses.record(&hub, "service", &client(&"é".repeat(10_000)), at(1));
        }
        let found = uses.of(&hub);
        assert_eq!((found.len(), found[0].agent.len(), found[0].count), (1, AGENT_BYTES, 2));
    }

    #[test]
    fn both_bounds_hold_and_what_is_unseen_for_longest_makes_way() {
        let uses = SasUses::default();
        let hub = |number: usize| ResourceId::resource("s", "g", "Microsoft.Devices/IotHubs", &format!("h{number}"));
        for number in 0..=RESOURCES {
            uses.record(&hub(number), "service", &client(""), at(i64::try_from(number).unwrap()));
        }
        assert!(uses.of(&hub(0)).is_empty());
        assert_eq!(uses.of(&hub(RESOURCES)).len(), 1);
        for number in 0..USERS_PER_RESOURCE + 5 {
            uses.record(&hub(1), "service", &client(&number.to_string()), at(5000));
        }
        assert_eq!(uses.of(&hub(1)).len(), USERS_PER_RESOURCE);
        assert_eq!(*uses.of(&hub(1))[0].agent, *(USERS_PER_RESOURCE + 4).to_string());
    }
}
