//! A document as a query sees it: a twin, or what a job came to on a device.
//!
//! A condition looks at a few properties of many twins, so a section is read only when it is asked for, and the whole row is
//! built only where one is answered.

use std::borrow::Cow;
use std::cell::OnceCell;

use iolite_query::iothub::Query;
use iolite_query::{Document, Path};
use serde_json::{Map, Value};

use crate::Hub;
use crate::document::Doc;
use crate::jobs::scheduled::DeviceJob;
use crate::twin::Twin;
use crate::twins::view::{Owner, TwinView};

/// A row to be looked at and maybe answered.
pub(crate) struct Row<'a>(Source<'a>);

enum Source<'a> {
    Twin(TwinRow<'a>),
    Job(Value),
}

impl<'a> Row<'a> {
    /// The twin of `owner`, which stands under `key`.
    pub(crate) fn of_twin(hub: &'a Hub, key: &'a str, owner: Owner<'a>, twin: &'a Twin) -> Self {
        Self(Source::Twin(TwinRow::new(hub, key, owner, twin)))
    }

    /// What a job came to on a device.
    pub(crate) fn of_job(job: &DeviceJob) -> Self {
        Self(Source::Job(serde_json::to_value(job.view()).unwrap_or_default()))
    }

    /// Writes the row that `query` answers for it.
    pub(crate) fn write(&self, query: &Query, out: &mut Vec<u8>) {
        let start = out.len();
        let written = match &self.0 {
            Source::Twin(row) if query.is_select_all() => serde_json::to_writer(&mut *out, &row.view()),
            Source::Twin(row) => serde_json::to_writer(&mut *out, &query.project(row.whole())),
            Source::Job(job) => serde_json::to_writer(&mut *out, &query.project(job)),
        };
        if written.is_err() {
            // Writing JSON into memory does not fail; if it did, the page must stay an array.
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
    }

    /// The whole row as a value.
    pub(crate) fn value(&self) -> Value {
        match &self.0 {
            Source::Twin(row) => row.whole().clone(),
            Source::Job(job) => job.clone(),
        }
    }
}

impl Document for Row<'_> {
    fn lookup(&self, path: &Path) -> Option<Cow<'_, Value>> {
        match &self.0 {
            Source::Twin(row) => row.lookup(path),
            Source::Job(job) => job.lookup(path),
        }
    }
}

/// A twin, read as far as it was asked for.
struct TwinRow<'a> {
    hub: &'a Hub,
    key: &'a str,
    owner: Owner<'a>,
    twin: &'a Twin,
    tags: OnceCell<Map<String, Value>>,
    desired: OnceCell<Map<String, Value>>,
    reported: OnceCell<Map<String, Value>>,
    whole: OnceCell<Value>,
}

impl<'a> TwinRow<'a> {
    fn new(hub: &'a Hub, key: &'a str, owner: Owner<'a>, twin: &'a Twin) -> Self {
        let (tags, desired, reported) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { hub, key, owner, twin, tags, desired, reported, whole: OnceCell::new() }
    }

    fn view(&self) -> TwinView<'a> {
        TwinView::row(self.owner, self.twin).with(self.hub.presence(self.key))
    }

    fn whole(&self) -> &Value {
        self.whole.get_or_init(|| serde_json::to_value(self.view()).unwrap_or_default())
    }

    fn device_id(&self) -> &'a str {
        match self.owner {
            Owner::Device(device) => &device.id,
            Owner::Module(module) => &module.device_id,
        }
    }
}

impl Document for TwinRow<'_> {
    fn lookup(&self, path: &Path) -> Option<Cow<'_, Value>> {
        let names: Vec<&str> = path.segments().collect();
        let (section, below) = match *names.as_slice() {
            ["deviceId"] => return Some(Cow::Owned(self.device_id().into())),
            ["connectionState"] => return Some(Cow::Owned(self.hub.presence(self.key).state().into())),
            ["tags", ref below @ ..] if !below.is_empty() => {
                (self.tags.get_or_init(|| self.twin.tags.as_ref().map(Doc::fields).unwrap_or_default()), below)
            }
            ["properties", "desired", ref below @ ..] if !below.is_empty() => {
                (self.desired.get_or_init(|| self.twin.desired.fields()), below)
            }
            ["properties", "reported", ref below @ ..] if !below.is_empty() => {
                (self.reported.get_or_init(|| self.twin.reported.fields()), below)
            }
            _ => return self.whole().lookup(path),
        };
        let (first, rest) = below.split_first()?;
        let found = rest.iter().try_fold(section.get(*first)?, |found, name| found.as_object()?.get(*name))?;
        Some(Cow::Borrowed(found))
    }
}
