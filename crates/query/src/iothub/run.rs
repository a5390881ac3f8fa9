//! Applies a query to documents.
//!
//! Called by the hub's query operation: [`Query::matches`] for each document, then [`Query::project`] for each
//! that does, or [`Query::aggregate`] over all of those. It never pages and never sorts.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::iothub::{Query, Select, aggregate};
use crate::{Document, QueryError};

impl Query {
    /// Whether the document counts: there is no condition, or it is true of the document.
    pub fn matches<D: Document + ?Sized>(&self, document: &D) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(document))
    }

    /// The row of the answer for one document. A property that is undefined leaves its key out.
    ///
    /// An aggregate has no row for one document; the answer is then an empty object (see [`Query::is_aggregate`]).
    pub fn project(&self, document: &Value) -> Value {
        match &self.select {
            Select::All => document.clone(),
            Select::Projection(columns) => {
                let entries = columns.iter().filter_map(|column| {
                    Some((column.key.clone(), document.lookup(&column.path).map(Cow::into_owned)?))
                });
                Value::Object(entries.collect::<Map<_, _>>())
            }
            Select::Aggregate(_) => Value::Object(Map::new()),
        }
    }

    /// The rows over `rows`, which are documents that match; `TOP` is applied to the rows that come out.
    ///
    /// # Errors
    ///
    /// The query has no aggregate: its rows come from [`Query::project`].
    pub fn aggregate(&self, rows: impl Iterator<Item = Value>) -> Result<Vec<Value>, QueryError> {
        let Select::Aggregate(columns) = &self.select else {
            return Err(QueryError::at("", 0, "The query selects nothing to aggregate. Add COUNT() or GROUP BY."));
        };
        let mut computed = aggregate::rows(columns, &self.group_by, rows);
        if let Some(top) = self.top {
            computed.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        Ok(computed)
    }
}
