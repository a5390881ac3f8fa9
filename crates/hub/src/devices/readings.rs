//! The answers to reads of devices as they last went out: devices are read far more often than they change.
//!
//! Used by `Devices_GetIdentity` alone. An answer is given again only for the very record it was written from and the same
//! presence, so nothing has to be told here when something changes. It holds a bounded number of answers.

use std::sync::Arc;

use http::HeaderValue;
use http::header::ETAG;
use iolite_kernel::{Answer, Body, Bytes};
use parking_lot::Mutex;

use crate::Device;
use crate::device::Occasion;
use crate::sessions::Presence;

/// How many answers are held: about a kilobyte each.
const ANSWERS: usize = 256;

/// The last answers, each in the place that its record's address gives it.
pub(crate) struct Readings(Box<[Mutex<Option<Reading>>]>);

/// What was answered, and of what.
struct Reading {
    device: Arc<Device>,
    presence: Presence,
    etag: HeaderValue,
    text: Bytes,
}

impl Default for Readings {
    fn default() -> Self {
        Self((0..ANSWERS).map(|_| Mutex::default()).collect())
    }
}

impl Readings {
    /// The answer that tells of `device` and `presence`.
    pub(crate) fn answer(&self, device: &Arc<Device>, presence: Presence) -> Answer {
        let mut place = self.0[place_of(device)].lock();
        if let Some(known) = place.as_ref().filter(|known| known.is_of(device, presence)) {
            return known.answer();
        }
        let answer = device.answer(Occasion::Later, presence);
        if let (Body::Json(text), Some(etag)) = (&answer.body, answer.headers.get(ETAG)) {
            *place = Some(Reading { device: device.clone(), presence, etag: etag.clone(), text: text.clone() });
        }
        answer
    }
}

impl Reading {
    fn is_of(&self, device: &Arc<Device>, presence: Presence) -> bool {
        Arc::ptr_eq(&self.device, device) && self.presence == presence
    }

    fn answer(&self) -> Answer {
        Answer::json_text(200, self.text.clone()).with_field(ETAG, self.etag.clone())
    }
}

fn place_of(device: &Arc<Device>) -> usize {
    /// Records lie at least so many bytes apart.
    const APART: usize = 64;
    Arc::as_ptr(device).addr() / APART % ANSWERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn text(answer: &Answer) -> &Bytes {
        let Body::Json(text) = &answer.body else { panic!("no JSON") };
        text
    }

    #[test]
    fn an_answer_is_given_again_for_the_same_record_and_presence_only() {
        let (readings, device) = (Readings::default(), Arc::new(fixture::device("dev1")));
        let absent = Presence::default();
        let first = readings.answer(&device, absent);
        let again = readings.answer(&device, absent);
        assert_eq!(first, again);
        assert_eq!(first, device.answer(Occasion::Later, absent));
        assert_eq!(text(&first).as_ptr(), text(&again).as_ptr(), "written once");
        let present = Presence { connected: true, ..absent };
        assert_eq!(readings.answer(&device, present), device.answer(Occasion::Later, present));
        let changed = Arc::new(Device { enabled: false, tag: device.tag + 1, ..fixture::device("dev1") });
        assert_eq!(readings.answer(&changed, absent), changed.answer(Occasion::Later, absent));
    }

    #[test]
    fn a_record_that_takes_another_s_place_is_not_taken_for_it() {
        let readings = Readings::default();
        let devices: Vec<_> = (0..ANSWERS * 3).map(|n| Arc::new(fixture::device(&format!("dev{n}")))).collect();
        for device in devices.iter().chain(devices.iter().rev()) {
            let answer = readings.answer(device, Presence::default());
            assert_eq!(answer, device.answer(Occasion::Later, Presence::default()));
        }
    }
}
