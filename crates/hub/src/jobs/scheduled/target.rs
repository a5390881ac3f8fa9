//! Which devices or modules a job is for.
//!
//! Read when a job begins. A condition is the `WHERE` part of a twin query; `*` stands for every device, and a condition
//! that begins with `FROM devices.modules` selects modules (as the Edge documentation's jobs do).

use iolite_query::QueryError;
use iolite_query::iothub::{self, From, Query, Select};

/// The query over the twins that `condition` selects.
pub(super) fn query(condition: &str) -> Result<Query, QueryError> {
    let condition = condition.trim();
    let begins_with_from = condition.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("from"));
    if begins_with_from {
        let query = iothub::parse(&format!("select * {condition}"))?;
        if query.from != From::Jobs {
            return Ok(query);
        }
    }
    let filter = if condition == "*" { None } else { Some(iothub::parse_condition(condition, From::Devices)?) };
    Ok(Query { from: From::Devices, select: Select::All, top: None, filter, group_by: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_selects_devices_unless_it_names_modules() {
        assert_eq!(query(" * ").unwrap().filter, None);
        assert_eq!(query("deviceId IN ['a','b']").unwrap().from, From::Devices);
        assert_eq!(query("FROM devices.modules WHERE moduleId = 'm'").unwrap().from, From::Modules);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["SELECT * FROM devices", "tags.", "from devices.jobs", "", "tags.a = 1 GROUP BY tags.a"] {
            assert!(query(text).is_err(), "{text}");
        }
    }
}
