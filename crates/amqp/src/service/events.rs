//! Events on their way to a reader: read from the stream in runs, as far as the reader's credit goes.

use std::collections::VecDeque;
use std::sync::Arc;

use iolite_kernel::ServiceError;
use iolite_messaging::{EventReader, EventWindow, FoundEvent, Position, ServiceAddress};

use super::jobs::Lease;
use super::link::Kind;
use super::message::write_event;
use super::service_links::Purpose;
use super::{Conversation, refusal};
use crate::engine::{LinkId, Sending};

/// How much is read from the stream at once.
const RUN: EventWindow = EventWindow { events: 256, bytes: 128 * 1024 };

/// What a reader's link holds.
pub(super) struct EventsState {
    /// None while the link is opened anew: a reader in the way of its own successor would count as another one.
    reader: Option<Arc<dyn EventReader>>,
    /// Read and not yet sent.
    ready: VecDeque<FoundEvent>,
    fetching: Option<Lease>,
    settled: bool,
    metric: bool,
    /// Where reading would go on, were the link opened anew.
    after: Position,
}

impl EventsState {
    pub(super) fn of(reader: Arc<dyn EventReader>, purpose: &Purpose) -> Self {
        let after = match &purpose.address {
            // Were it opened anew before anything came, what is the latest then would leave a gap.
            ServiceAddress::Events { from: Position::Latest, .. } => {
                Position::Sequence(reader.facts().last_sequence_number, false)
            }
            ServiceAddress::Events { from, .. } => *from,
            _ => Position::Earliest,
        };
        let (settled, metric) = (purpose.settled, purpose.metric);
        Self { reader: Some(reader), ready: VecDeque::new(), fetching: None, settled, metric, after }
    }

    /// Goes on with a link that was opened anew, after the last event read.
    pub(super) fn resume(&mut self, reader: Arc<dyn EventReader>) {
        self.reader = Some(reader);
        self.fetching = None;
    }
}

impl Conversation {
    fn events(&mut self, id: LinkId) -> Option<&mut EventsState> {
        match &mut self.links.get_mut(&id)?.kind {
            Kind::Events(state) => Some(state),
            _ => None,
        }
    }

    /// Sends what is read, and reads on.
    pub(super) fn pump_events(&mut self, id: LinkId) {
        while self.engine.credit(id) > 0 {
            let now = self.surroundings.ground.now();
            let Some(state) = self.events(id) else { return };
            let Some(event) = state.ready.pop_front() else { break };
            let facts = state.reader.as_ref().filter(|_| state.metric).map(|reader| (reader.facts(), now));
            let settled = state.settled;
            let payload = write_event(&event, facts).to_bytes();
            let Some(link) = self.links.get_mut(&id) else { return };
            let tag = link.tag();
            self.engine.send(id, Sending { tag, payload, settled });
        }
        let credit = self.engine.credit(id);
        let Some(state) = self.events(id) else { return };
        if credit == 0 || !state.ready.is_empty() {
            return;
        }
        if let (None, Some(reader)) = (&state.fetching, state.reader.clone()) {
            let window = EventWindow { events: RUN.events.min(usize::try_from(credit).unwrap_or(usize::MAX)), ..RUN };
            let fetching = self.jobs.lease(async move {
                let found = reader.next(window).await;
                move |conversation: &mut Self| conversation.on_events(id, found)
            });
            if let Some(state) = self.events(id) {
                state.fetching = Some(fetching);
            }
        }
        self.drain_when_idle(id);
    }

    fn on_events(&mut self, id: LinkId, found: Result<Vec<FoundEvent>, ServiceError>) {
        let Some(state) = self.events(id) else { return };
        state.fetching = None;
        match found {
            Ok(found) => {
                if let Some(last) = found.last() {
                    state.after = Position::Sequence(last.sequence_number, false);
                }
                state.ready.extend(found);
                self.pump_events(id);
            }
            Err(error) => {
                let error = refusal::of_service(&error, &self.surroundings.ground);
                self.engine.detach(id, Some(error));
            }
        }
    }

    /// What a link is to be opened for anew: a reader goes on where it was, and gives its place up until then.
    pub(super) fn resumed(&mut self, id: LinkId, mut purpose: Purpose) -> Purpose {
        if let (ServiceAddress::Events { from, .. }, Some(state)) = (&mut purpose.address, self.events(id)) {
            *from = state.after;
            state.reader = None;
            state.fetching = None;
        }
        purpose
    }
}
