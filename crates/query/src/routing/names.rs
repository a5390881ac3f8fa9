//! How the names of a condition become paths, and which place of a message each means.
//!
//! A path's first segment is the place: one of the constants here. It never looks at a message.

use crate::Path;

/// An application property; the second segment is its name.
pub(super) const APPLICATION: &str = "";
/// A system property, or an application property whose name begins with `$`; the second segment is without the `$`.
pub(super) const SYSTEM: &str = "$";
/// A system property and nothing else, written `{$name}`.
pub(super) const SYSTEM_ONLY: &str = "{$}";
/// A value of the body; the other segments lead down to it.
pub(super) const BODY: &str = "$body";
/// A value of the twin; the other segments lead down to it.
pub(super) const TWIN: &str = "$twin";

/// Whether `path` leads into a body or a twin.
pub(super) fn is_document(path: &Path) -> bool {
    path.segments().next().is_some_and(|place| place == BODY || place == TWIN)
}

/// `index` as a segment of a path; no name can be spelt so.
pub(super) fn index_segment(index: u64) -> String {
    format!("[{index}]")
}

/// The index that a segment means, if it means one.
pub(super) fn index_of(segment: &str) -> Option<usize> {
    segment.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}
