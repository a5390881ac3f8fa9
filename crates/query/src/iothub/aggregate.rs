//! Groups documents and computes their aggregates.
//!
//! Called by [`super::Query::aggregate`]. One pass; memory grows with the number of groups, not of documents.
//! The documents do not say what becomes of values that are not numbers: here AVG and SUM pass over them, and
//! MIN and MAX over types that cannot be compared are undefined (UNVERIFIED). An undefined value leaves its key
//! out of the row.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use crate::iothub::{Aggregate, Summary};
use crate::{ArithmeticOperator, Document, Path, arithmetic, compare};

/// The rows over `documents`, in the order in which their groups first appear. Without `group_by` there is one.
pub(super) fn rows(columns: &[Aggregate], group_by: &[Path], documents: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<Tally>> = Vec::new();
    let empty = || columns.iter().map(|column| Tally::new(&column.summary)).collect::<Vec<_>>();
    if group_by.is_empty() {
        groups.push(empty());
        places.insert(String::new(), 0);
    }
    for document in documents {
        let place = *places.entry(group_key(group_by, &document)).or_insert_with(|| {
            groups.push(empty());
            groups.len() - 1
        });
        for (tally, column) in groups[place].iter_mut().zip(columns) {
            tally.add(&column.summary, &document);
        }
    }
    groups.into_iter().map(|tallies| row(columns, tallies)).collect()
}

fn row(columns: &[Aggregate], tallies: Vec<Tally>) -> Value {
    let entries = columns.iter().zip(tallies).filter_map(|(column, tally)| Some((column.key.clone(), tally.result()?)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Equal for documents of one group; `1` and `1.0` are one value, undefined and `null` are two.
fn group_key(group_by: &[Path], document: &Value) -> String {
    let mut key = String::new();
    for path in group_by {
        key.push_str(&match document.lookup(path).as_deref() {
            None => "undefined".to_owned(),
            Some(Value::Number(number)) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
            Some(value) => value.to_string(),
        });
        key.push('\n');
    }
    key
}

/// What has been seen so far.
enum Tally {
    Common(Option<Value>),
    Count(u64),
    Total { sum: Option<Number>, count: u64, average: bool },
    Extreme { best: Option<Value>, sought: Ordering, comparable: bool },
}

impl Tally {
    fn new(summary: &Summary) -> Self {
        let extreme = |sought| Self::Extreme { best: None, sought, comparable: true };
        match summary {
            Summary::Group(_) => Self::Common(None),
            Summary::Count => Self::Count(0),
            Summary::Average(_) => Self::Total { sum: Some(0.into()), count: 0, average: true },
            Summary::Sum(_) => Self::Total { sum: Some(0.into()), count: 0, average: false },
            Summary::Minimum(_) => extreme(Ordering::Less),
            Summary::Maximum(_) => extreme(Ordering::Greater),
        }
    }

    fn add(&mut self, summary: &Summary, document: &Value) {
        let value = match summary {
            Summary::Count => None,
            Summary::Group(path)
            | Summary::Average(path)
            | Summary::Sum(path)
            | Summary::Minimum(path)
            | Summary::Maximum(path) => document.lookup(path),
        };
        match self {
            Self::Common(common) => *common = common.take().or_else(|| value.map(Cow::into_owned)),
            Self::Count(count) => *count += 1,
            Self::Total { sum, count, .. } => {
                let Some(number) = value.as_deref().and_then(Value::as_number) else { return };
                *sum = sum.take().and_then(|sum| arithmetic::apply(&sum, ArithmeticOperator::Add, number));
                *count += 1;
            }
            Self::Extreme { best, sought, comparable } => {
                let Some(value) = value.filter(|value| !value.is_null()) else { return };
                let order = match best.as_ref() {
                    // Of one value alone it is still asked whether it can be compared at all.
                    None => compare::order(&value, &value).map(|_| *sought),
                    Some(best) => compare::order(&value, best),
                };
                *comparable &= order.is_some();
                if order == Some(*sought) {
                    *best = Some(value.into_owned());
                }
            }
        }
    }

    /// The value for the row; `None` when it is undefined.
    fn result(self) -> Option<Value> {
        match self {
            Self::Common(common) => common,
            Self::Count(count) => Some(count.into()),
            Self::Total { sum, average: false, .. } => sum.map(Value::Number),
            Self::Total { sum, count, .. } => {
                arithmetic::apply(&sum?, ArithmeticOperator::Divide, &count.into()).map(Value::Number)
            }
            Self::Extreme { best, comparable, .. } => best.filter(|_| comparable),
        }
    }
}
