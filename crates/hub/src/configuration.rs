//! A configuration (an automatic device configuration or an Edge deployment): its record, and how it is answered.
//!
//! It is kept and checked by its operations, and rolled out to the twins that it targets in the background.

use std::collections::BTreeMap;

use iolite_kernel::{Answer, Timestamp, iso_shortest};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::document::Doc;
use crate::etag;
use crate::registry::ticks;

/// A configuration; keyed by `hub/id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// Its id, in lower case.
    pub id: Box<str>,
    /// The schema of its content, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<Box<str>>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its content, as it was sent.
    pub content: Doc,
    /// Which part of the content there is.
    pub kind: ContentKind,
    /// Which devices or modules it is for.
    #[serde(default)]
    pub target_condition: Box<str>,
    /// Which of several wins; the highest does.
    #[serde(default)]
    pub priority: i32,
    /// The metrics that were asked for, by name.
    #[serde(default)]
    pub metrics: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// The number inside its etag, from 1.
    pub tag: u32,
}

impl Record for Configuration {
    const COLLECTION: &'static str = "hub.configurations";
}

/// The kinds of content.
#[expect(clippy::enum_variant_names, reason = "the variants are the wire's own names")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContentKind {
    /// Desired properties of device twins.
    DeviceContent,
    /// The modules of Edge devices.
    ModulesContent,
    /// Desired properties of module twins.
    ModuleContent,
}

impl ContentKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::DeviceContent, Self::ModulesContent, Self::ModuleContent];

    /// The key of the content on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceContent => "deviceContent",
            Self::ModulesContent => "modulesContent",
            Self::ModuleContent => "moduleContent",
        }
    }
}

/// Counts by metric; empty while a configuration was not measured yet.
pub(crate) type Results = BTreeMap<String, usize>;

/// What was counted for a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Measurement {
    /// The service's own metrics.
    pub(crate) system: Results,
    /// Those that were asked for.
    pub(crate) custom: Results,
}

/// A configuration as answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigurationView<'a> {
    id: &'a str,
    schema_version: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    content: &'a Doc,
    target_condition: &'a str,
    created_time_utc: String,
    last_updated_time_utc: String,
    priority: i32,
    system_metrics: MetricsView<'a>,
    metrics: MetricsView<'a>,
    etag: String,
}

#[derive(Debug, Serialize)]
struct MetricsView<'a> {
    results: &'a Results,
    queries: BTreeMap<&'a str, String>,
}

impl Configuration {
    /// Its etag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        etag::of_number(self.tag)
    }

    /// What it signs the properties that it sets with, besides its id: when it was last changed, in .NET ticks (recorded).
    pub(crate) fn digest(&self) -> i64 {
        ticks(self.changed_at)
    }

    /// It, as an item of a list or an answer.
    pub(crate) fn view<'a>(&'a self, measurement: &'a Measurement) -> ConfigurationView<'a> {
        let custom = self.metrics.iter().map(|(name, query)| (name.as_str(), query.clone()));
        ConfigurationView {
            id: &self.id,
            schema_version: self.schema_version.as_deref(),
            labels: &self.labels,
            content: &self.content,
            target_condition: &self.target_condition,
            created_time_utc: iso_shortest(self.created_at),
            last_updated_time_utc: iso_shortest(self.changed_at),
            priority: self.priority,
            system_metrics: MetricsView {
                results: &measurement.system,
                queries: self.system_queries().into_iter().collect(),
            },
            metrics: MetricsView { results: &measurement.custom, queries: custom.collect() },
            etag: self.etag(),
        }
    }

    /// 200 with it, and its etag in the header (recorded).
    pub(crate) fn answer(&self, measurement: &Measurement) -> Answer {
        Answer::ok(&self.view(measurement)).with_header("etag", format!("\"{}\"", self.etag()))
    }

    /// The service's own metrics. Those of `deviceContent` are recorded; the others follow the documentation of Edge
    /// deployments and of automatic module configurations.
    pub(crate) fn system_queries(&self) -> Vec<(&'static str, String)> {
        let id = &self.id;
        let applied = format!("configurations.[[{id}]].status = 'Applied'");
        let agent = "select deviceId from devices.modules where moduleId = '$edgeAgent' and";
        let reported = format!(
            "{agent} configurations.[[{id}]].status = 'Applied' and \
             properties.desired.$version = properties.reported.lastDesiredVersion and \
             properties.reported.lastDesiredStatus.code"
        );
        match self.kind {
            ContentKind::DeviceContent => vec![
                ("targetedCount", self.target_query("deviceId")),
                ("appliedCount", format!("select deviceId from devices where {applied}")),
            ],
            ContentKind::ModuleContent => vec![
                ("targetedCount", self.target_query("deviceId, moduleId")),
                ("appliedCount", format!("select deviceId, moduleId from devices.modules where {applied}")),
            ],
            ContentKind::ModulesContent => vec![
                ("targetedCount", self.target_query("deviceId")),
                ("appliedCount", format!("{agent} {applied}")),
                ("reportedSuccessfulCount", format!("{reported} = 200")),
                ("reportedFailedCount", format!("{reported} != 200")),
            ],
        }
    }

    /// The query over what the configuration is for.
    pub(crate) fn target_query(&self, columns: &str) -> String {
        target_query(self.kind, &self.target_condition, columns)
    }
}

/// The query over what a configuration of this kind with this condition is for. A module configuration's condition begins
/// with the collection (`from devices.modules where …`).
pub(crate) fn target_query(kind: ContentKind, condition: &str, columns: &str) -> String {
    let condition = condition.trim();
    let everything = condition == "*";
    match kind {
        ContentKind::ModuleContent if everything => format!("select {columns} from devices.modules"),
        ContentKind::ModuleContent => format!("select {columns} {condition}"),
        ContentKind::DeviceContent if everything => format!("select {columns} from devices"),
        ContentKind::DeviceContent => format!("select {columns} from devices where {condition}"),
        ContentKind::ModulesContent if everything => {
            format!("select {columns} from devices where capabilities.iotEdge = true")
        }
        ContentKind::ModulesContent => {
            format!("select {columns} from devices where capabilities.iotEdge = true and ({condition})")
        }
    }
}
