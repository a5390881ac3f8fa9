//! A module's identity: its record, and how it is answered.
//!
//! A module belongs to a device, and goes with it.

use iolite_kernel::Answer;
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::authentication::{AuthenticationView, Credentials};
use crate::device::Occasion;
use crate::etag;
use crate::moment::Moment;
use crate::sessions::Presence;

/// A module's identity; keyed by `hub/deviceId/moduleId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    /// Its id, with case.
    pub id: Box<str>,
    /// Its device's id.
    pub device_id: Box<str>,
    /// When it was made, in .NET ticks.
    pub generation: i64,
    /// The number inside its etag.
    pub tag: u32,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<Box<str>>,
    /// What it signs in with.
    pub credentials: Credentials,
}

impl Record for Module {
    const COLLECTION: &'static str = "hub.modules";
}

/// A module as answered: no status, no capabilities.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModuleView<'a> {
    module_id: &'a str,
    managed_by: Option<&'a str>,
    device_id: &'a str,
    generation_id: String,
    etag: String,
    connection_state: &'static str,
    connection_state_updated_time: Moment,
    last_activity_time: Moment,
    cloud_to_device_message_count: u32,
    authentication: AuthenticationView<'a>,
}

impl Module {
    /// Its etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        etag::of_number(self.tag)
    }

    /// It, as an item of a list.
    pub(crate) fn item(&self, presence: Presence) -> impl Serialize + '_ {
        self.view(Occasion::Later, presence)
    }

    /// 200 with it. Recorded answers have no etag header.
    pub(crate) fn answer(&self, occasion: Occasion, presence: Presence) -> Answer {
        Answer::ok(&self.view(occasion, presence))
    }

    fn view(&self, occasion: Occasion, presence: Presence) -> ModuleView<'_> {
        let fresh = occasion == Occasion::Creation;
        ModuleView {
            module_id: &self.id,
            managed_by: self.managed_by.as_deref(),
            device_id: &self.device_id,
            generation_id: self.generation.to_string(),
            etag: self.etag(),
            connection_state: presence.state(),
            connection_state_updated_time: Moment::of(presence.changed_at, fresh),
            last_activity_time: Moment::of(presence.active_at, fresh),
            cloud_to_device_message_count: presence.waiting,
            authentication: self.credentials.view(),
        }
    }
}
