//! The reviewed table: who may, for every operation. Operations of one service and level that let in the same callers
//! stand together, so that a reader checks each group once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Who is let in, by the names of their credentials.
pub(crate) type Callers = BTreeSet<String>;

/// Every operation (`service/name/method/path`) with its level and who is let in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<Row, Callers>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row {
    pub(crate) service: String,
    pub(crate) level: String,
    pub(crate) path: String,
    pub(crate) method: String,
    pub(crate) name: String,
}

impl Table {
    /// Reads what [`print`](Self::print) wrote. The names of callers are on the lines that begin with `+`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut table = Self::default();
        let (mut service, mut level, mut callers) = (String::new(), String::new(), Callers::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(heading) = line.strip_prefix("at ") {
                let (found_level, found_service) = heading.split_once(": ").unwrap();
                (service, level) = (found_service.to_owned(), found_level.to_owned());
                callers = Callers::new();
            } else if let Some(caller) = line.strip_prefix("+ ") {
                callers.insert(caller.to_owned());
            } else {
                let mut words = line.split_whitespace().map(str::to_owned);
                let mut word = || words.next().unwrap_or_else(|| panic!("`{line}` is no operation"));
                let (method, path, name) = (word(), word(), word());
                let row = Row { service: service.clone(), level: level.clone(), path, method, name };
                assert!(table.rows.insert(row, callers.clone()).is_none(), "`{line}` stands in the table twice");
            }
        }
        table
    }

    /// The table as text.
    pub(crate) fn print(&self) -> String {
        let mut groups: BTreeMap<(&str, &str, &Callers), Vec<&Row>> = BTreeMap::new();
        for (row, callers) in &self.rows {
            groups.entry((&row.service, &row.level, callers)).or_default().push(row);
        }
        let mut text = String::from(HEAD);
        for ((service, level, callers), rows) in groups {
            writeln!(text, "\nat {level}: {service}").unwrap();
            for caller in callers {
                writeln!(text, "  + {caller}").unwrap();
            }
            for row in rows {
                writeln!(text, "    {:<6} {}  {}", row.method, row.path, row.name).unwrap();
            }
        }
        text
    }
}

const HEAD: &str = "\
# Who may, for every operation of every service. Whoever is not on a `+` line above an operation is refused at the door.
# `everyone` is every credential and none. Roles are held at the level of the heading, and nowhere else.
#
# Reviewed against the services' published permissions; the test refuses any difference, missing or extra operation.
# IOLITE_BLESS=1 writes what the emulator does now: review the difference before it is committed.
";
