//! Who reads which partition for which consumer group: five readers at most, or one with an epoch.
//!
//! Source: event-hubs-event-processor-host and the Event Hubs quotas. A reader with an epoch ends all readers without one
//! and those of lower epochs, and keeps both away while it is there.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// How many readers a partition has for one group.
const MOST_READERS: usize = 5;

/// Stream, group in lower case, partition.
type Place = (String, String, u32);

/// All readers.
#[derive(Default)]
pub(crate) struct ReaderBook {
    seats: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    last: u64,
    readers: HashMap<Place, Vec<Seat>>,
}

struct Seat {
    number: u64,
    epoch: Option<i64>,
    /// Told when another reader ends this one.
    stolen: oneshot::Sender<()>,
}

/// What came of asking for a seat.
pub(crate) enum Seating {
    /// It is there; the receiver hears when it is taken away.
    Taken(u64, oneshot::Receiver<()>),
    /// A reader of a higher epoch is there, or one with an epoch at all.
    Overruled,
    /// There are five.
    Full,
}

impl ReaderBook {
    /// Takes a seat.
    pub(crate) fn take(&self, place: &Place, epoch: Option<i64>) -> Seating {
        let mut book = self.seats.lock();
        book.last += 1;
        let number = book.last;
        let seats = book.readers.entry(place.clone()).or_default();
        let overruled = seats.iter().any(|seat| match (seat.epoch, epoch) {
            (Some(there), Some(asked)) => there > asked,
            (Some(_), None) => true,
            (None, _) => false,
        });
        if overruled {
            return Seating::Overruled;
        }
        if epoch.is_some() {
            for seat in seats.drain(..) {
                // One whose link is gone already need not hear.
                let _ = seat.stolen.send(());
            }
        } else if seats.len() >= MOST_READERS {
            return Seating::Full;
        }
        let (stolen, hears) = oneshot::channel();
        seats.push(Seat { number, epoch, stolen });
        Seating::Taken(number, hears)
    }

    /// Gives a seat back.
    pub(crate) fn leave(&self, place: &Place, number: u64) {
        let mut book = self.seats.lock();
        if let Some(seats) = book.readers.get_mut(place) {
            seats.retain(|seat| seat.number != number);
            if seats.is_empty() {
                book.readers.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        ("hub".to_owned(), "$default".to_owned(), 0)
    }

    fn taken(seating: Seating) -> (u64, oneshot::Receiver<()>) {
        match seating {
            Seating::Taken(number, hears) => (number, hears),
            Seating::Overruled => panic!("overruled"),
            Seating::Full => panic!("full"),
        }
    }

    #[test]
    fn five_read_and_a_sixth_waits_for_a_seat() {
        let book = ReaderBook::default();
        let seats: Vec<_> = (0..5).map(|_| taken(book.take(&place(), None))).collect();
        assert!(matches!(book.take(&place(), None), Seating::Full));
        book.leave(&place(), seats[2].0);
        taken(book.take(&place(), None));
    }

    #[test]
    fn an_epoch_ends_whoever_is_lower_and_keeps_them_away() {
        let book = ReaderBook::default();
        let (_, mut plain) = taken(book.take(&place(), None));
        let (_, mut first) = taken(book.take(&place(), Some(1)));
        assert!(plain.try_recv().is_ok() && first.try_recv().is_err());
        assert!(matches!(book.take(&place(), None), Seating::Overruled));
        assert!(matches!(book.take(&place(), Some(0)), Seating::Overruled));
        let (second, _) = taken(book.take(&place(), Some(1)));
        assert!(first.try_recv().is_ok());
        book.leave(&place(), second);
        taken(book.take(&place(), None));
        assert!(book.seats.lock().readers.len() == 1);
    }
}
