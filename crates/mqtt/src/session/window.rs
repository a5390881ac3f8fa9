//! Cloud-to-device messages on their way at QoS 1: each has a packet identifier until its PUBACK.

/// What is under way to the client.
#[derive(Debug)]
pub(super) struct Window {
    under_way: Vec<UnderWay>,
    last_id: u16,
    limit: u16,
    /// Messages wait at the hub, as far as is known.
    waiting: bool,
    /// One is being fetched.
    fetching: bool,
    /// The next one fits no subscription.
    misfit: bool,
}

#[derive(Debug)]
struct UnderWay {
    packet_id: u16,
    sequence_number: u64,
    lock_token: String,
}

impl Window {
    /// An empty window for `limit` messages.
    pub(super) fn new(limit: usize) -> Self {
        let limit = u16::try_from(limit).unwrap_or(u16::MAX);
        Self { under_way: Vec::new(), last_id: 0, limit, waiting: false, fetching: false, misfit: false }
    }

    /// That messages wait at the hub.
    pub(super) fn waiting(&mut self) {
        self.waiting = true;
    }

    /// Whether to fetch one now. Says yes once, until [`Window::fetched`].
    pub(super) fn fetches(&mut self) -> bool {
        let now = self.waiting && !self.fetching && !self.misfit && self.under_way.len() < usize::from(self.limit);
        if now {
            // What is announced while the fetch runs counts after it.
            (self.fetching, self.waiting) = (true, false);
        }
        now
    }

    /// That what was fetched fits no subscription: fetched again at once, it would be given back again, until it was given
    /// back too often and lost.
    pub(super) fn misfit(&mut self) {
        self.misfit = true;
    }

    /// That the client subscribed to more: what fitted nothing may fit now.
    pub(super) fn subscribed(&mut self) {
        self.misfit = false;
    }

    /// What a fetch brought; where it brought one, more may wait.
    pub(super) fn fetched<T>(&mut self, found: Option<T>) -> Option<T> {
        self.fetching = false;
        self.waiting |= found.is_some();
        found
    }

    /// A packet identifier for a message; `None` where it is under way already: its lock ran out and was taken anew, and
    /// nothing is sent twice over one connection (MQTT-4.4.0-1).
    pub(super) fn place(&mut self, sequence_number: u64, lock_token: &str) -> Option<u16> {
        if let Some(known) = self.under_way.iter_mut().find(|known| known.sequence_number == sequence_number) {
            lock_token.clone_into(&mut known.lock_token);
            return None;
        }
        let packet_id = self.free_id();
        self.under_way.push(UnderWay { packet_id, sequence_number, lock_token: lock_token.to_owned() });
        Some(packet_id)
    }

    /// The lock of the message that `packet_id` acknowledges; `None` where there is no such message.
    pub(super) fn acknowledged(&mut self, packet_id: u16) -> Option<String> {
        let at = self.under_way.iter().position(|known| known.packet_id == packet_id)?;
        Some(self.under_way.remove(at).lock_token)
    }

    /// The locks of what was never acknowledged.
    pub(super) fn take_locks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.under_way).into_iter().map(|known| known.lock_token).collect()
    }

    /// The next identifier that is not in use (MQTT-2.3.1-2); never 0. The window is smaller than their number.
    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.under_way.iter().all(|known| known.packet_id != self.last_id) {
                return self.last_id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_in_use_is_passed_over_and_none_is_zero() {
        let mut window = Window::new(50);
        window.last_id = 65_534;
        assert_eq!(window.place(1, "a"), Some(65_535));
        assert_eq!(window.place(2, "b"), Some(1));
        window.last_id = 65_534;
        assert_eq!(window.place(3, "c"), Some(2));
    }

    #[test]
    fn a_full_window_fetches_when_a_message_is_acknowledged() {
        let mut window = Window::new(1);
        window.waiting();
        assert!(window.fetches() && !window.fetches());
        window.fetched(Some(()));
        let id = window.place(1, "lock").unwrap();
        assert!(!window.fetches());
        assert_eq!(window.acknowledged(id), Some("lock".into()));
        assert!(window.fetches());
    }

    #[test]
    fn what_is_announced_during_a_fetch_is_not_forgotten() {
        let mut window = Window::new(9);
        window.waiting();
        assert!(window.fetches());
        window.waiting();
        window.fetched(None::<()>);
        assert!(window.fetches());
        window.fetched(None::<()>);
        assert!(!window.fetches());
    }

    #[test]
    fn a_message_locked_anew_keeps_its_identifier_and_is_not_sent_again() {
        let mut window = Window::new(9);
        let id = window.place(7, "old").unwrap();
        assert_eq!(window.place(7, "new"), None);
        assert_eq!(window.acknowledged(id), Some("new".into()));
        assert_eq!(window.acknowledged(id), None);
    }
}
