//! Reads the rows of a query a page at a time.
//!
//! Used by `Query_GetTwins` and by configurations' metrics. It walks a table in pieces and lets other work run between
//! them; nothing is kept from one page to the next but the continuation token.

use iolite_kernel::{PageToken, ServiceError};
use iolite_query::iothub::Query;
use serde_json::Value;

use crate::collection::Walk;
use crate::{Hub, errors};

/// A query over one hub.
pub(crate) struct Reader<'a> {
    hub: &'a Hub,
    query: &'a Query,
    key: String,
    /// What a continuation token must have been made for.
    listing: String,
}

/// A page of rows.
pub(crate) struct Page {
    /// A JSON array.
    pub(crate) rows: Vec<u8>,
    /// Where there is more, how to ask for it.
    pub(crate) continuation: Option<String>,
}

/// Where a page begins: after how many rows of the whole, and after which key.
struct Place {
    done: u64,
    after: Option<String>,
}

impl<'a> Reader<'a> {
    /// The query `text`, read as `query`, over the hub keyed `key`.
    pub(crate) fn new(hub: &'a Hub, key: String, query: &'a Query, text: &str) -> Self {
        Self { hub, query, listing: format!("{key}\n{text}"), key }
    }

    /// The page of up to `size` rows that `continuation` asks for; the first one without it.
    pub(crate) async fn read(&self, size: usize, continuation: Option<&str>) -> Result<Page, ServiceError> {
        let place = self.place(continuation)?;
        if self.query.is_aggregate() {
            return self.read_aggregate(size, place).await;
        }
        let left = self.query.top.map_or(u64::MAX, |top| top.saturating_sub(place.done));
        let wanted = size.min(usize::try_from(left).unwrap_or(usize::MAX));
        let (mut rows, mut count, mut last, mut more) = (vec![b'['], 0, None, false);
        let mut walk = self.walk(place.after);
        while let Some((key, found)) = walk.next().await {
            let row = found.row(self.hub, &key);
            if !self.query.matches(&row) {
                continue;
            }
            if count == wanted {
                more = wanted < usize::try_from(left).unwrap_or(usize::MAX);
                break;
            }
            if count > 0 {
                rows.push(b',');
            }
            row.write(self.query, &mut rows);
            count += 1;
            last = Some(key);
        }
        rows.push(b']');
        let after = last.filter(|_| more).map(|key| format!("{} {key}", place.done + count as u64));
        Ok(Page { rows, continuation: after.map(|after| PageToken::new(&self.listing, after).encode()) })
    }

    /// How many rows there are; for metrics.
    pub(crate) async fn count(&self) -> Result<usize, ServiceError> {
        if self.query.is_aggregate() {
            return Ok(self.aggregate().await?.len());
        }
        let mut count = 0;
        let mut walk = self.walk(None);
        while let Some((key, found)) = walk.next().await {
            count += usize::from(self.query.matches(&found.row(self.hub, &key)));
        }
        Ok(self.query.top.map_or(count, |top| count.min(usize::try_from(top).unwrap_or(usize::MAX))))
    }

    /// An aggregate has to see every document before it has its first row; a page is a part of its rows.
    async fn read_aggregate(&self, size: usize, place: Place) -> Result<Page, ServiceError> {
        let rows = self.aggregate().await?;
        let done = usize::try_from(place.done).unwrap_or(usize::MAX);
        let page: Vec<&Value> = rows.iter().skip(done).take(size).collect();
        let reached = done.saturating_add(page.len());
        let continuation =
            (reached < rows.len()).then(|| PageToken::new(&self.listing, format!("{reached} ")).encode());
        let rows = serde_json::to_vec(&page).unwrap_or_default();
        Ok(Page { rows, continuation })
    }

    async fn aggregate(&self) -> Result<Vec<Value>, ServiceError> {
        let mut matching = Vec::new();
        let mut walk = self.walk(None);
        while let Some((key, found)) = walk.next().await {
            if self.query.matches(&found.row(self.hub, &key)) {
                matching.push((key, found));
            }
        }
        let documents = matching.iter().map(|(key, found)| found.row(self.hub, key).value());
        self.query.aggregate(documents).map_err(|error| errors::invalid(error.to_string()))
    }

    fn walk(&self, after: Option<String>) -> Walk<'_> {
        Walk::new(self.hub, &self.key, self.query.from, after)
    }

    fn place(&self, continuation: Option<&str>) -> Result<Place, ServiceError> {
        let Some(text) = continuation.filter(|text| !text.is_empty()) else {
            return Ok(Place { done: 0, after: None });
        };
        let refuse = || errors::invalid("The x-ms-continuation header was not given out for this query.");
        let token = PageToken::decode(&self.listing, text).map_err(|_| refuse())?;
        let (done, after) = token.after.split_once(' ').ok_or_else(refuse)?;
        Ok(Place { done: done.parse().map_err(|_| refuse())?, after: Some(after.to_owned()) })
    }
}
