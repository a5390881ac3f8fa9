//! `iolite roles`: which roles grant an action, and which action an operation needs.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::console;
use crate::control::{Control, query};
use crate::global::Global;
use crate::table::aligned;

const EXAMPLES: &str = "\
Examples:
  iolite roles                                                    every role and operation
  iolite roles --action Microsoft.Devices/IotHubs/twins/write     who grants it, smallest first
  iolite roles --operation Devices_GetIdentity --format json      what it needs, and who has it";

/// List roles, the actions they grant, and the operations that need them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Roles {
    /// Only the roles that grant this action, smallest first, and the operations that need it.
    #[arg(long, value_name = "ACTION", env = "IOLITE_ACTION")]
    action: Option<String>,

    /// Only this operation, and the roles that let it through.
    #[arg(long, value_name = "OPERATION", env = "IOLITE_OPERATION")]
    operation: Option<String>,
}

impl Roles {
    pub(crate) async fn run(self, global: &Global) -> Result<ExitCode> {
        let filter = query(&[("action", self.action.as_deref()), ("operation", self.operation.as_deref())]);
        let answer = Control::find(global).await?.get(&format!("/roles{filter}")).await?;
        if global.is_json() {
            console::say_json(&answer)?;
            return Ok(ExitCode::SUCCESS);
        }
        match no_role(&answer) {
            Some(line) => console::say(&line)?,
            None => console::say_lines(role_table(&answer["roles"]))?,
        }
        console::say("")?;
        console::say_lines(operation_table(&answer["operations"]))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What is said of an operation that asks for no role.
fn no_role(answer: &Value) -> Option<String> {
    let [operation] = list(&answer["operations"]) else { return None };
    operation["withoutRole"].as_str().map(|needs| format!("no role decides: {needs}"))
}

fn role_table(roles: &Value) -> Vec<String> {
    let rows: Vec<Vec<String>> = list(roles).iter().map(role_row).collect();
    if rows.is_empty() {
        return vec!["no role grants it".to_owned()];
    }
    aligned(&["ROLE", "KIND", "ACTIONS", "DATA ACTIONS", "ID"], &rows)
}

fn role_row(role: &Value) -> Vec<String> {
    let kind = if role["custom"] == true { "custom" } else { "built-in" };
    let count =
        |field: &str| list(&role["permissions"]).iter().map(|one| list(&one[field]).len()).sum::<usize>().to_string();
    vec![text(&role["name"]), kind.to_owned(), count("actions"), count("dataActions"), text(&role["id"])]
}

fn operation_table(operations: &Value) -> Vec<String> {
    let rows: Vec<Vec<String>> = list(operations).iter().map(operation_row).collect();
    if rows.is_empty() {
        return vec!["no operation needs it".to_owned()];
    }
    aligned(&["SERVICE", "OPERATION", "NEEDS", "OR SAS RIGHT", "REQUEST"], &rows)
}

fn operation_row(operation: &Value) -> Vec<String> {
    vec![
        text(&operation["service"]),
        text(&operation["name"]),
        joined(&operation["actions"], " and "),
        joined(&operation["rights"], " and "),
        // The paths of the Resource Manager are long: the last column pads nobody.
        format!("{} {}", text(&operation["method"]), text(&operation["path"])),
    ]
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The texts of a list as one; a dash where there are none, so that the next column stays where it is.
fn joined(value: &Value, between: &str) -> String {
    match console::lines_of(value) {
        texts if texts.is_empty() => "-".to_owned(),
        texts => texts.join(between),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_tell_how_much_they_grant() {
        let roles = json!([{"name": "Reader", "id": "r-1", "custom": false, "permissions": [
            {"actions": ["*/read"], "dataActions": []}, {"actions": ["a/write", "a/delete"]},
        ]}]);
        let lines = role_table(&roles);
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["Reader", "built-in", "3", "0", "r-1"]);
    }

    #[test]
    fn operations_tell_what_they_need() {
        let operations = json!([{
            "service": "hub", "name": "Bulk", "method": "POST", "path": "/devices",
            "actions": ["devices/write", "devices/delete"], "rights": [],
        }]);
        let lines = operation_table(&operations);
        assert!(
            lines[1].contains("devices/write and devices/delete") && lines[1].ends_with("-             POST /devices"),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn an_operation_without_a_role_says_what_it_asks_for() {
        let of = |needs: Value| json!({"roles": [], "operations": [{"name": "Resources_List", "withoutRole": needs}]});
        assert_eq!(no_role(&of(json!("anyone may"))).unwrap(), "no role decides: anyone may");
        assert_eq!(no_role(&of(Value::Null)), None);
    }

    #[test]
    fn nothing_found_is_said() {
        assert_eq!(role_table(&json!([])), ["no role grants it"]);
        assert_eq!(operation_table(&Value::Null), ["no operation needs it"]);
    }
}
