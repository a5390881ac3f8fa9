//! What a back end's link stands on, and whether that holds still. Made by the door of back ends when it lets a link in, looked
//! at by `lasting` whenever something may have changed.

use iolite_identity::{Caller, Entrance};
use iolite_kernel::{Operation, Request, Timestamp};
use iolite_resources::Resource;

use super::Doors;
use super::lasting::Lasting;

/// What a link stands on.
pub(super) struct LinkStanding {
    pub(super) lasting: Lasting,
    pub(super) operation: &'static Operation,
    pub(super) request: Request,
    pub(super) entrance: Entrance,
    /// The entity whose own policy let it in.
    pub(super) entity: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
}

impl LinkStanding {
    /// Whether it would be let in still; where not, that is on record.
    pub(super) fn holds(&self, doors: &Doors) -> bool {
        let kept = match &self.entity {
            // An entity's own key is looked at where the entity is.
            Some(path) => return self.holds_at_entity(doors, path),
            None => self.lasting.check_at(doors, self.entrance),
        };
        if let Err(rejection) = kept {
            self.lasting.record(doors, self.operation, &self.request, rejection);
            return false;
        }
        let Caller::Principal(_) = &self.lasting.caller else { return true };
        let Some(hub) = doors.estate.hubs.get(&self.lasting.hub) else { return false };
        let resource = Resource::Hub(hub);
        if doors.access.still_allows(&self.lasting.caller, self.operation, &self.request, &resource) {
            return true;
        }
        self.lasting.deny(doors, self.operation, &self.request, &resource);
        false
    }

    fn holds_at_entity(&self, doors: &Doors, path: &str) -> bool {
        let Caller::Policy(caller) = &self.lasting.caller else { return false };
        let entity = doors.hub.event_entity(path).ok().flatten();
        entity.and_then(|entity| entity.own_policy).is_some_and(|policy| {
            policy.key_name == caller.policy && iolite_identity::Footing::of_key(&policy.primary_key) == caller.footing
        })
    }
}
