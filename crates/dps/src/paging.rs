//! Queries and their pages, the same for enrolments, groups and registrations.
//!
//! Clients send `SELECT *`, some with the collection's name behind FROM; nothing else is taken. A page has 100 items
//! unless `x-ms-max-item-count` says otherwise; the last page has no `x-ms-continuation` (recorded, api-version
//! 2021-10-01).

use std::sync::Arc;

use iolite_kernel::{Answer, PageToken, Request, ServiceError};
use iolite_store::{Record, Table, Versioned};
use serde::{Deserialize, Serialize};

use crate::{body, errors};

/// Items on a page where the client does not say.
const DEFAULT_ITEMS: usize = 100;
/// The most that a client may ask for.
const MOST_ITEMS: usize = 1000;
/// How many records are looked at in one go when most of them may be passed over.
const STRIDE: usize = 1000;

#[derive(Debug, Deserialize)]
struct QueryRequest {
    query: Option<String>,
}

/// Refuses a query that is not `SELECT *` over `collection`.
pub(crate) fn check_query(request: &Request, collection: &str) -> Result<(), ServiceError> {
    let sent: QueryRequest = body::read(request)?;
    let text = sent.query.ok_or_else(|| errors::invalid("query", "is required."))?;
    let words: Vec<String> = text.replace('*', " * ").split_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["select", "*"] => Ok(()),
        ["select", "*", "from", name] if name.eq_ignore_ascii_case(collection) => Ok(()),
        _ => Err(errors::invalid("query", format!("must be SELECT * or SELECT * FROM {collection}."))),
    }
}

/// A page of a table, before it is shown.
pub(crate) struct Page<T> {
    /// The records.
    pub(crate) items: Vec<Versioned<T>>,
    /// The token of the next page.
    continuation: Option<String>,
}

/// The page that `request` asks for: records whose keys begin with `prefix` and that `chosen` lets through.
pub(crate) fn page<T: Record>(
    request: &Request,
    table: &Table<T>,
    prefix: &str,
    listing: &str,
    chosen: impl Fn(&T) -> bool,
) -> Result<Page<T>, ServiceError> {
    let limit = items_asked(request)?;
    let mut after = match request.header("x-ms-continuation").filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => Some(PageToken::decode(listing, token).map_err(|error| {
            errors::invalid("x-ms-continuation", "was not given out by this query.").because(error)
        })?),
    }
    .map(|token| token.after);
    let mut found: Vec<(Arc<str>, Versioned<T>)> = Vec::new();
    loop {
        let rows = table.page(prefix, after.as_deref(), STRIDE.max(limit + 1));
        let Some((last, _)) = rows.last() else { break };
        after = Some(last.to_string());
        found.extend(rows.into_iter().filter(|(_, row)| chosen(row)));
        if found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let continuation = found.last().filter(|_| more).map(|(key, _)| PageToken::new(listing, &**key).encode());
    Ok(Page { items: found.into_iter().map(|(_, row)| row).collect(), continuation })
}

/// The answer that carries `shown`, the items of `page`; `item_type` is the service's word for them.
pub(crate) fn answer<T, V: Serialize>(page: &Page<T>, shown: &[V], item_type: &'static str) -> Answer {
    let answer = Answer::ok(&shown).with_header("x-ms-item-type", item_type);
    match &page.continuation {
        Some(token) => answer.with_header("x-ms-continuation", token.clone()),
        None => answer,
    }
}

fn items_asked(request: &Request) -> Result<usize, ServiceError> {
    let Some(text) = request.header("x-ms-max-item-count").map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(DEFAULT_ITEMS);
    };
    match text.parse::<i64>() {
        // Some clients send -1 for "as many as the service likes".
        Ok(-1) => Ok(DEFAULT_ITEMS),
        Ok(count) if count > 0 => Ok(usize::try_from(count).unwrap_or(MOST_ITEMS).min(MOST_ITEMS)),
        _ => Err(errors::invalid("x-ms-max-item-count", "must be a whole number above 0.")),
    }
}
