//! The back ends' side of the hub in memory.

use std::sync::Arc;
use std::sync::Mutex;

use iolite_identity::Credential;
use iolite_kernel::{ServiceError, Timestamp};
use iolite_messaging::{
    Acceptance, Arrival, CloseReason, DeviceBoundSender, Doing, EntityFacts, EventReader, EventWindow, FoundEvent,
    LinkEnd, Management, Message, Notice, NoticeReceiver, PartitionFacts, Position, ServiceAddress, ServiceDoor,
    ServiceLink, Settlement, SignInError, SystemName, TokenGrant,
};
use tokio::sync::oneshot;

use super::{NOT_FOUND, World};

pub(crate) struct Door(pub(crate) Arc<World>);

fn facts() -> EntityFacts {
    EntityFacts {
        host: "localhost".into(),
        path: "hub1".into(),
        created_at: Timestamp::UNIX_EPOCH,
        partitions: vec!["0".into(), "1".into()],
    }
}

impl ServiceDoor for Door {
    fn check_token(
        &self,
        _arrival: &Arrival,
        audience: &str,
        credential: &Credential,
    ) -> Doing<'_, Result<TokenGrant, SignInError>> {
        self.0.state.lock().unwrap().tokens_checked.push(audience.to_owned());
        let believed = self.0.believe(credential).map(|expires_at| TokenGrant { expires_at });
        Box::pin(async move { believed })
    }

    fn open(
        &self,
        _arrival: &Arrival,
        credential: &Credential,
        address: ServiceAddress,
    ) -> Doing<'_, Result<ServiceLink, SignInError>> {
        let world = self.0.clone();
        let believed = world.believe(credential);
        Box::pin(async move {
            let expires_at = believed?;
            let not_found = || SignInError::NotFound(ServiceError::new(&NOT_FOUND, "There is no such entity."));
            let own =
                |entity: &Option<String>| entity.as_deref().is_none_or(|entity| entity.eq_ignore_ascii_case("hub1"));
            let mut redirect = None;
            let name = format!("{address:?}");
            let acceptance = match address {
                ServiceAddress::DeviceBound => Acceptance::DeviceBound(Box::new(Commands(world.clone()))),
                ServiceAddress::Feedback | ServiceAddress::FileNotifications => {
                    Acceptance::Notices(Box::new(Notices(world.clone())))
                }
                ServiceAddress::EventsManagement { entity } => {
                    if !own(&entity) {
                        return Err(not_found());
                    }
                    redirect = entity.is_none().then(facts);
                    Acceptance::Management(Box::new(Facts(world.clone())))
                }
                ServiceAddress::Events { entity, partition, from, .. } => {
                    if !own(&entity) {
                        return Err(not_found());
                    }
                    redirect = entity.is_none().then(facts);
                    let next = if partition == "0" { world.first(from) } else { i64::MAX };
                    Acceptance::Events(Box::new(Reader { world: world.clone(), next: Mutex::new(next) }))
                }
            };
            let (ending, ended) = oneshot::channel();
            world.state.lock().unwrap().link_ends.push((name, ending));
            let ground = world.ground.clone();
            let end = Box::pin(async move {
                tokio::select! {
                    () = ground.wait_until(expires_at) => LinkEnd::Closed(CloseReason::Expired),
                    Ok(end) = ended => end,
                }
            });
            Ok(ServiceLink { acceptance, end, redirect })
        })
    }
}

impl World {
    fn first(&self, from: Position) -> i64 {
        let state = self.state.lock().unwrap();
        let after = |number: i64, inclusive| if inclusive { number } else { number + 1 };
        match from {
            Position::Earliest => 0,
            Position::Latest => i64::try_from(state.events.len()).unwrap(),
            Position::Sequence(number, inclusive) => after(number, inclusive),
            Position::Offset(offset, inclusive) => after(offset / 100, inclusive),
            Position::EnqueuedAfter(moment) => {
                i64::try_from(state.events.iter().take_while(|event| event.enqueued_at <= moment).count()).unwrap()
            }
        }
    }

    fn facts(&self) -> PartitionFacts {
        let state = self.state.lock().unwrap();
        let last = state.events.last();
        PartitionFacts {
            first_sequence_number: 0,
            last_sequence_number: last.map_or(-1, |event| event.sequence_number),
            last_offset: last.map_or(-1, |event| event.offset),
            last_enqueued_at: last.map(|event| event.enqueued_at),
        }
    }
}

struct Commands(Arc<World>);

impl DeviceBoundSender for Commands {
    fn send(&self, message: Message) -> Doing<'_, Result<(), ServiceError>> {
        let world = self.0.clone();
        Box::pin(async move {
            let to = message.system(SystemName::To).unwrap_or_default().to_owned();
            let device = to.split('/').nth(2).unwrap_or_default().to_owned();
            if device.is_empty() || device == "unknown" {
                return Err(ServiceError::new(&NOT_FOUND, device));
            }
            world.send_to_device(&device, message);
            world.notify(r#"[{"originalMessageId":"m1","statusCode":"Success","deviceId":"dev1"}]"#);
            Ok(())
        })
    }
}

struct Notices(Arc<World>);

impl NoticeReceiver for Notices {
    fn next(&self) -> Doing<'_, Result<Notice, ServiceError>> {
        let mut changed = self.0.notices_changed.subscribe();
        Box::pin(async move {
            loop {
                if let Some(notice) = self.0.state.lock().unwrap().notices.pop_front() {
                    return Ok(notice);
                }
                changed.changed().await.unwrap();
            }
        })
    }

    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>> {
        self.0.state.lock().unwrap().settled.push((lock_token.to_owned(), format!("{settlement:?}")));
        Box::pin(async { Ok(()) })
    }
}

struct Facts(Arc<World>);

impl Management for Facts {
    fn entity(&self) -> EntityFacts {
        facts()
    }

    fn partition(&self, id: &str) -> Option<PartitionFacts> {
        let empty = PartitionFacts {
            first_sequence_number: 0,
            last_sequence_number: -1,
            last_offset: -1,
            last_enqueued_at: None,
        };
        match id {
            "0" => Some(self.0.facts()),
            "1" => Some(empty),
            _ => None,
        }
    }
}

struct Reader {
    world: Arc<World>,
    next: Mutex<i64>,
}

impl EventReader for Reader {
    fn next(&self, window: EventWindow) -> Doing<'_, Result<Vec<FoundEvent>, ServiceError>> {
        let mut changed = self.world.events_changed.subscribe();
        Box::pin(async move {
            loop {
                let from = *self.next.lock().unwrap();
                let found: Vec<FoundEvent> = {
                    let state = self.world.state.lock().unwrap();
                    let from = usize::try_from(from).unwrap_or(usize::MAX);
                    state.events.iter().skip(from).take(window.events).cloned().collect()
                };
                if !found.is_empty() {
                    *self.next.lock().unwrap() += i64::try_from(found.len()).unwrap();
                    return Ok(found);
                }
                changed.changed().await.unwrap();
            }
        })
    }

    fn facts(&self) -> PartitionFacts {
        self.world.facts()
    }
}
