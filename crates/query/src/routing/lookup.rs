//! Finds what a condition names in a message.
//!
//! [`Subject`] is implemented by whoever holds messages; the rest is called by evaluation. Nothing here fails: what is
//! not there is undefined.

use std::borrow::Cow;

use serde_json::Value;

use crate::routing::names::{self, APPLICATION, BODY, SYSTEM, SYSTEM_ONLY, TWIN};
use crate::{Document, Path};

/// A message as a condition sees it.
pub trait Subject {
    /// The application property of that name, in any letter case: `null` where it was sent without a value.
    fn application(&self, name: &str) -> Option<Cow<'_, Value>>;

    /// The system property of that name, written without `$`, in any letter case.
    fn system(&self, name: &str) -> Option<Cow<'_, Value>>;

    /// The body as JSON; `None` unless the message says that it is JSON in a Unicode encoding, and it is.
    fn body(&self) -> Option<&Value>;

    /// The twin of the device or module that the message is from: `tags` and `properties`.
    fn twin(&self) -> Option<&Value>;
}

/// A subject read through the paths of a condition.
pub(super) struct Seen<'s, S: Subject + ?Sized>(pub(super) &'s S);

impl<S: Subject + ?Sized> Document for Seen<'_, S> {
    fn lookup(&self, path: &Path) -> Option<Cow<'_, Value>> {
        let mut segments = path.segments();
        let place = segments.next()?;
        match place {
            APPLICATION => self.0.application(path.last()),
            SYSTEM => self.0.system(path.last()).or_else(|| self.0.application(&format!("${}", path.last()))),
            SYSTEM_ONLY => self.0.system(path.last()),
            BODY => descend(self.0.body()?, segments, false).map(Cow::Borrowed),
            TWIN => descend(self.0.twin()?, segments, true).map(Cow::Borrowed),
            _ => None,
        }
    }
}

/// The value below `top`, which itself is undefined. Names of a twin are found in any letter case, those of a body as
/// written.
fn descend<'v, 'p>(top: &'v Value, segments: impl Iterator<Item = &'p str>, any_case: bool) -> Option<&'v Value> {
    let mut segments = segments.peekable();
    segments.peek()?;
    let mut found = top;
    for segment in segments {
        found = match names::index_of(segment) {
            Some(index) => found.as_array()?.get(index)?,
            None => member(found, segment, any_case)?,
        };
    }
    Some(found)
}

fn member<'v>(of: &'v Value, name: &str, any_case: bool) -> Option<&'v Value> {
    let members = of.as_object()?;
    let similar = || members.iter().find(|(known, _)| any_case && known.eq_ignore_ascii_case(name));
    members.get(name).or_else(|| similar().map(|(_, value)| value))
}
