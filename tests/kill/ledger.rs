//! What one writer did to the world: what it was told is done, and what it asked last without being told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::draws::Draws;

/// The hub of the built-in world.
pub(crate) const HUB: &str = "/subscriptions/c0ffee00-0000-4000-8000-000000000002/resourceGroups/contoso/providers/Microsoft.Devices/IotHubs/contoso-hub";
/// "IoT Hub Data Reader", documented.
const READER: &str = "b447c946-2db7-41ec-983d-d8bf3b1c77e3";

const HUB_VERSION: &str = "api-version=2021-04-12";
const DPS_VERSION: &str = "api-version=2021-10-01";
const ARM_VERSION: &str = "api-version=2022-04-01";

/// What can be there or not, and bears the number of the change that made it what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    /// A device's identity, with the number in `statusReason`.
    Device(String),
    /// A device's twin, with the number in its tags and in its desired properties.
    Twin(String),
    /// An individual enrolment, with the number in `deviceId` and in its initial twin.
    Enrolment(String),
    /// A role assignment, with the number in its description.
    Assignment(String),
}

/// What is there, and by which change.
pub(crate) type State = BTreeMap<Thing, u64>;

/// Whose door a change goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Hub,
    Dps,
    Arm,
}

/// One request that changes the world, and what is there afterwards; `None` for what is gone.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) door: Door,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) if_match: bool,
    pub(crate) body: Value,
    after: Vec<(Thing, Option<u64>)>,
}

/// One writer's book.
pub(crate) struct Ledger {
    writer: u64,
    turn: u64,
    draws: Draws,
    known: State,
    unsure: Option<Change>,
}

impl Ledger {
    /// An empty book.
    pub(crate) const fn new(writer: u64) -> Self {
        Self { writer, turn: 0, draws: Draws::new(writer), known: State::new(), unsure: None }
    }

    /// How many things are there.
    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    /// The next change that the writer asks for.
    pub(crate) fn next(&mut self) -> Change {
        match self.draws.below(16) {
            0..=4 => self.new_device(),
            5..=6 => self.device_update(),
            7..=9 => self.twin_patch(),
            10 => self.device_removal(),
            11..=13 => self.enrolment(),
            _ => self.assignment(),
        }
    }

    /// A change that was answered.
    pub(crate) fn acknowledge(&mut self, change: Change) {
        apply(&mut self.known, change);
    }

    /// A change that was asked for and not answered.
    pub(crate) fn leave_unsure(&mut self, change: Change) {
        self.unsure = Some(change);
    }

    /// From here on, what was not answered must not have been done.
    pub(crate) fn forget_unsure(&mut self) {
        self.unsure = None;
    }

    /// Compares the book with what is there; the unanswered change counts as done or not done as a whole.
    pub(crate) fn settle(&mut self, found: &State) {
        let found: State =
            found.iter().filter(|(thing, _)| self.owns(thing)).map(|(thing, turn)| (thing.clone(), *turn)).collect();
        if let Some(change) = self.unsure.take().filter(|_| found != self.known) {
            apply(&mut self.known, change);
        }
        assert_eq!(found, self.known, "left: what is there; right: what writer {} was told", self.writer);
    }

    fn owns(&self, thing: &Thing) -> bool {
        let own = self.prefix();
        match thing {
            Thing::Device(id) | Thing::Twin(id) | Thing::Enrolment(id) => id.starts_with(&own),
            Thing::Assignment(id) => id.starts_with(&self.assignment_prefix()),
        }
    }

    fn prefix(&self) -> String {
        format!("writer-{}-", self.writer)
    }

    fn assignment_prefix(&self) -> String {
        format!("c0ffee00-0000-4000-9000-{:04}", self.writer)
    }

    fn turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// A device that was not there before, and its twin with it.
    pub(crate) fn new_device(&mut self) -> Change {
        let turn = self.turn();
        let id = format!("{}{turn}", self.prefix());
        Change {
            door: Door::Hub,
            method: "PUT",
            target: format!("/devices/{id}?{HUB_VERSION}"),
            if_match: false,
            body: device(&id, turn),
            after: vec![(Thing::Device(id.clone()), Some(turn)), (Thing::Twin(id), Some(0))],
        }
    }

    fn device_update(&mut self) -> Change {
        let Some(id) = self.some_device() else { return self.new_device() };
        let turn = self.turn();
        Change {
            door: Door::Hub,
            method: "PUT",
            target: format!("/devices/{id}?{HUB_VERSION}"),
            if_match: true,
            body: device(&id, turn),
            after: vec![(Thing::Device(id), Some(turn))],
        }
    }

    fn device_removal(&mut self) -> Change {
        let Some(id) = self.some_device() else { return self.new_device() };
        Change {
            door: Door::Hub,
            method: "DELETE",
            target: format!("/devices/{id}?{HUB_VERSION}"),
            if_match: true,
            body: Value::Null,
            after: vec![(Thing::Device(id.clone()), None), (Thing::Twin(id), None)],
        }
    }

    fn twin_patch(&mut self) -> Change {
        let Some(id) = self.some_device() else { return self.new_device() };
        let turn = self.turn();
        Change {
            door: Door::Hub,
            method: "PATCH",
            target: format!("/twins/{id}?{HUB_VERSION}"),
            if_match: false,
            body: json!({"tags": {"turn": turn}, "properties": {"desired": {"turn": turn}}}),
            after: vec![(Thing::Twin(id), Some(turn))],
        }
    }

    /// Makes an enrolment, or changes or removes one.
    fn enrolment(&mut self) -> Change {
        let standing: Vec<String> = self.ids(|thing| match thing {
            Thing::Enrolment(id) => Some(id),
            _ => None,
        });
        let (turn, standing) = (self.turn(), self.one_of(standing));
        let id = standing.clone().unwrap_or_else(|| format!("{}{turn}", self.prefix()));
        let gone = standing.is_some() && self.draws.below(4) == 0;
        let body = json!({
            "registrationId": id,
            "attestation": {"type": "symmetricKey", "symmetricKey": {}},
            "deviceId": format!("turn-{turn}"),
            "initialTwin": {"tags": {"turn": turn}},
        });
        Change {
            door: Door::Dps,
            method: if gone { "DELETE" } else { "PUT" },
            target: format!("/enrollments/{id}?{DPS_VERSION}"),
            if_match: standing.is_some(),
            body: if gone { Value::Null } else { body },
            after: vec![(Thing::Enrolment(id), (!gone).then_some(turn))],
        }
    }

    /// Gives the writer's principal a role, or takes it away again.
    fn assignment(&mut self) -> Change {
        let standing = self.ids(|thing| match thing {
            Thing::Assignment(id) => Some(id),
            _ => None,
        });
        let (turn, standing) = (self.turn(), standing.into_iter().next());
        let gone = standing.is_some();
        let id = standing.unwrap_or_else(|| format!("{}{turn:08}", self.assignment_prefix()));
        let properties = json!({
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
            "principalId": format!("c0ffee00-0000-4000-8000-0000000001{}", 12 + self.writer),
            "description": turn.to_string(),
        });
        Change {
            door: Door::Arm,
            method: if gone { "DELETE" } else { "PUT" },
            target: format!("{HUB}/providers/Microsoft.Authorization/roleAssignments/{id}?{ARM_VERSION}"),
            if_match: false,
            body: if gone { Value::Null } else { json!({"properties": properties}) },
            after: vec![(Thing::Assignment(id), (!gone).then_some(turn))],
        }
    }

    fn some_device(&mut self) -> Option<String> {
        let devices = self.ids(|thing| match thing {
            Thing::Device(id) => Some(id),
            _ => None,
        });
        self.one_of(devices)
    }

    fn ids(&self, of: impl Fn(&Thing) -> Option<&String>) -> Vec<String> {
        self.known.keys().filter_map(of).cloned().collect()
    }

    /// One of them; now and then none, so that there will be more.
    fn one_of(&mut self, mut ids: Vec<String>) -> Option<String> {
        let drawn = usize::try_from(self.draws.below(ids.len() as u64 + 1)).ok()?;
        (drawn < ids.len()).then(|| ids.swap_remove(drawn))
    }
}

fn device(id: &str, turn: u64) -> Value {
    let status = if turn.is_multiple_of(2) { "enabled" } else { "disabled" };
    json!({"deviceId": id, "status": status, "statusReason": turn.to_string()})
}

fn apply(state: &mut State, change: Change) {
    for (thing, turn) in change.after {
        match turn {
            Some(turn) => state.insert(thing, turn),
            None => state.remove(&thing),
        };
    }
}
