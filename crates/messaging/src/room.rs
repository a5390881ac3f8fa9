//! Room for what came in part: packets and messages of which the rest is awaited.
//!
//! Both wires read without setting anything aside for what is only announced; but what came stays until it is whole, and
//! nothing hurries a device that was let in. So all of it together has one bound in the process, and that of a connection
//! on which many messages can be begun at once has its own. Whoever finds no room loses its connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much there may be, in bytes, and how much there is.
#[derive(Debug)]
pub struct Room {
    most: usize,
    taken: AtomicUsize,
}

/// The room of this process: for eight hundred of the largest packets at once.
pub static UNFINISHED: Room = Room::of(256 * 1024 * 1024);

/// Somebody's part of a room, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    room: &'static Room,
    within: Option<Arc<Room>>,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub const fn of(most: usize) -> Self {
        Self { most, taken: AtomicUsize::new(0) }
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes `to` instead of `from` bytes, where there is room for more.
    fn change(&self, from: usize, to: usize) -> bool {
        let Some(more) = to.checked_sub(from) else {
            self.taken.fetch_sub(from - to, Ordering::Relaxed);
            return true;
        };
        let fits = |taken: usize| taken.checked_add(more).filter(|taken| *taken <= self.most);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

impl Share {
    /// A part of `room`, of nothing yet.
    #[must_use]
    pub const fn new(room: &'static Room) -> Self {
        Self { room, within: None, bytes: 0 }
    }

    /// The same, which takes as much of `within` too.
    #[must_use]
    pub fn within(self, within: Arc<Room>) -> Self {
        Self { within: Some(within), ..Self::new(self.room) }
    }

    /// Makes it so large; whether there is room for that. Where there is none, it stays as it was.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes == self.bytes {
            return true;
        }
        if let Some(within) = &self.within
            && !within.change(self.bytes, bytes)
        {
            return false;
        }
        if !self.room.change(self.bytes, bytes) {
            if let Some(within) = &self.within {
                within.change(bytes, self.bytes);
            }
            return false;
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Less always fits.
        let _ = self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_take_what_there_is_and_no_more_and_give_it_back() {
        static ROOM: Room = Room::of(100);
        let (mut one, mut other) = (Share::new(&ROOM), Share::new(&ROOM));
        assert!(one.resize(60) && other.resize(40));
        assert!(!other.resize(41), "there is no more");
        assert!(one.resize(10) && other.resize(90) && !one.resize(11));
        assert_eq!(ROOM.taken(), 100);
        drop(other);
        assert_eq!(ROOM.taken(), 10);
        assert!(!one.resize(usize::MAX) && one.resize(0));
        assert_eq!(ROOM.taken(), 0);
    }

    #[test]
    fn a_room_within_a_room_is_full_when_either_is() {
        static ROOM: Room = Room::of(100);
        let within = Arc::new(Room::of(50));
        let share = || Share::new(&ROOM).within(within.clone());
        let (mut one, mut other, mut elsewhere) = (share(), share(), Share::new(&ROOM));
        assert!(one.resize(30) && !other.resize(21) && other.resize(20));
        assert!(elsewhere.resize(50) && one.resize(0) && elsewhere.resize(80));
        assert!(!other.resize(21), "the outer one is full");
        assert_eq!((within.taken(), ROOM.taken()), (20, 100));
        drop((one, other, elsewhere));
        assert_eq!((within.taken(), ROOM.taken()), (0, 0));
    }
}
