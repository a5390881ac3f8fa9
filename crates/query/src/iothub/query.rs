//! The parsed form of a query.
//!
//! Built by the statement parser; read by the hub's query operation. Names in it are already canonical: the
//! twin's own properties stand in the letter case the service answers with.

use crate::{Expression, Path};

/// A query that has been read and found allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The collection asked.
    pub from: From,
    /// What each row of the answer holds.
    pub select: Select,
    /// At most this many rows, over all pages.
    pub top: Option<u64>,
    /// Which documents count; all when absent.
    pub filter: Option<Expression>,
    /// The properties whose equal values make one row. IoT Hub takes at most one.
    pub group_by: Vec<Path>,
}

/// A collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum From {
    /// `devices`: device twins.
    Devices,
    /// `devices.modules`: module twins.
    Modules,
    /// `devices.jobs`: each job's outcome on each device.
    Jobs,
}

/// What each row holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Select {
    /// The whole document.
    All,
    /// These properties of it.
    Projection(Vec<Column>),
    /// Values computed over many documents.
    Aggregate(Vec<Aggregate>),
}

/// A property in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The property.
    pub path: Path,
    /// Its key in the row: the alias, or else the last name of the path.
    pub key: String,
}

/// A computed value in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// How it is computed.
    pub summary: Summary,
    /// Its key in the row: the alias, or else the last name of a grouped path, or `$1`, `$2`… for the others.
    pub key: String,
}

/// How a value is computed over the documents of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Summary {
    /// The value that the group has in common.
    Group(Path),
    /// `COUNT()`: how many documents.
    Count,
    /// `AVG(property)`.
    Average(Path),
    /// `SUM(property)`.
    Sum(Path),
    /// `MIN(property)`.
    Minimum(Path),
    /// `MAX(property)`.
    Maximum(Path),
}

impl Query {
    /// Whether the answer holds whole documents, so that its item type is the collection's own.
    pub fn is_select_all(&self) -> bool {
        self.select == Select::All
    }

    /// Whether rows are computed over many documents, so that [`Query::aggregate`] has to see them all.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.select, Select::Aggregate(_))
    }
}
