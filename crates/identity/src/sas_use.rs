//! Who used shared access policies lately: what the switch that turns them off warns with.
//!
//! The door writes it; `iolite deny-sas` and the warning through Resource Manager read it. It remembers no token.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

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

/// The users of every resource's policies, the latest first.
#[derive(Debug, Default)]
pub(crate) struct SasUses(Mutex<HashMap<ResourceId, Vec<SasUse>>>);

impl SasUses {
    /// Remembers that `client` used `policy` of `resource` at `now`.
    pub(crate) fn record(&self, resource: &ResourceId, policy: &str, client: &Client, now: Timestamp) {
        let mut resources = self.0.lock();
        let Some(users) = resources.get_mut(resource) else {
            if resources.len() >= RESOURCES {
                forget_one(&mut resources);
            }
            resources.insert(resource.clone(), vec![first_use(policy, client, now)]);
            return;
        };
        let known = users.iter().position(|user| {
            user.policy == policy && user.address == client.address && *user.agent == *shown_agent(client)
        });
        if let Some(place) = known {
            users[..=place].rotate_right(1);
            users[0].last_used_at = now;
            users[0].count = users[0].count.saturating_add(1);
        } else {
            users.truncate(USERS_PER_RESOURCE - 1);
            users.insert(0, first_use(policy, client, now));
        }
    }

    /// The users of `resource`'s policies, the latest first.
    pub(crate) fn of(&self, resource: &ResourceId) -> Vec<SasUse> {
        self.0.lock().get(resource).cloned().unwrap_or_default()
    }
}

fn first_use(policy: &str, client: &Client, now: Timestamp) -> SasUse {
    SasUse {
        policy: policy.to_owned(),
        address: client.address,
        agent: shown_agent(client).into(),
        last_used_at: now,
        count: 1,
    }
}

fn shown_agent(client: &Client) -> &str {
    &client.agent[..client.agent.floor_char_boundary(AGENT_BYTES)]
}

/// Drops the resource that was used longest ago.
fn forget_one(resources: &mut HashMap<ResourceId, Vec<SasUse>>) {
    let oldest = resources.iter().min_by_key(|(_, users)| users.first().map(|user| user.last_used_at));
    if let Some(id) = oldest.map(|(id, _)| id.clone()) {
        resources.remove(&id);
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
