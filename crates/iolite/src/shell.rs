//! The environment as each shell reads it, quoted so that no value is cut, expanded or run.

use clap::ValueEnum;
use serde_json::{Map, Value};

/// Who is going to read the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// bash, zsh, dash and the other POSIX shells.
    Bash,
    /// fish.
    Fish,
    /// Windows' `PowerShell`, and pwsh elsewhere.
    #[value(name = "powershell")]
    Power,
    /// A `.env` file.
    Dotenv,
    /// A JSON object.
    Json,
}

impl Shell {
    /// The variables as text that this reader takes.
    pub(crate) fn render(self, variables: &[(String, String)]) -> String {
        if self == Self::Json {
            let object: Map<String, Value> =
                variables.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
            return format!("{:#}", Value::Object(object));
        }
        let lines: Vec<String> = variables.iter().map(|(name, value)| self.line(name, value)).collect();
        lines.join("\n")
    }

    /// What makes the reader forget variables; nothing where it has no words for that.
    pub(crate) fn forget(self, names: &[&str]) -> Option<String> {
        if names.is_empty() {
            return None;
        }
        match self {
            Self::Bash => Some(format!("unset {}", names.join(" "))),
            Self::Fish => Some(format!("set -e {}", names.join(" "))),
            Self::Power => {
                let paths: Vec<String> = names.iter().map(|name| format!("Env:{name}")).collect();
                Some(format!("Remove-Item {} -ErrorAction SilentlyContinue", paths.join(", ")))
            }
            Self::Dotenv | Self::Json => None,
        }
    }

    fn line(self, name: &str, value: &str) -> String {
        match self {
            Self::Bash => format!("export {name}={}", posix(value)),
            Self::Fish => format!("set -gx {name} {}", fish(value)),
            Self::Power => format!("$env:{name} = {}", power_shell(value)),
            Self::Dotenv | Self::Json => format!("{name}={}", dotenv(value)),
        }
    }
}

/// Nothing is special between single quotes but the quote itself (POSIX shell language, 2.2.2).
pub(crate) fn posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Between single quotes fish knows `\\` and `\'` only.
fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// `PowerShell` doubles the quote, and takes the four curly single quotes for one as well.
fn power_shell(value: &str) -> String {
    let mut quoted = String::from("'");
    for character in value.chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// Bare where no reader could trip, since some readers of `.env` files keep quotes; else in single quotes; else in double
/// quotes, where a quote or a line's end has to be escaped.
fn dotenv(value: &str) -> String {
    let is_bare = |character: char| character.is_ascii_alphanumeric() || "_./:@%+,-=".contains(character);
    if !value.is_empty() && value.chars().all(is_bare) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n', '\r']) {
        return format!("'{value}'");
    }
    let escaped =
        value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$").replace('\n', r"\n").replace('\r', r"\r");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Vec<(String, String)> {
        vec![("KEY".into(), "HostName=localhost;Key=a+/=".into()), ("ODD".into(), r#"it's $HOME `x` \ "q""#.into())]
    }

    #[test]
    fn posix_shells_get_exports_in_single_quotes() {
        assert_eq!(
            Shell::Bash.render(&variables()),
            "export KEY='HostName=localhost;Key=a+/='\nexport ODD='it'\\''s $HOME `x` \\ \"q\"'"
        );
    }

    #[test]
    fn fish_escapes_backslash_and_quote() {
        assert_eq!(
            Shell::Fish.render(&variables()),
            "set -gx KEY 'HostName=localhost;Key=a+/='\nset -gx ODD 'it\\'s $HOME `x` \\\\ \"q\"'"
        );
    }

    #[test]
    fn power_shell_doubles_every_kind_of_single_quote() {
        assert_eq!(Shell::Power.line("A", "it's \u{2019} $x"), "$env:A = 'it''s \u{2019}\u{2019} $x'");
    }

    #[test]
    fn dotenv_is_bare_where_it_can_be() {
        assert_eq!(dotenv("https://localhost:8443"), "https://localhost:8443");
        assert_eq!(dotenv("HostName=localhost;Key=a"), "'HostName=localhost;Key=a'");
        assert_eq!(dotenv("it's $5\n"), r#""it's \$5\n""#);
        assert_eq!(dotenv(""), "''");
    }

    #[test]
    fn json_is_one_object() {
        let value: Value = serde_json::from_str(&Shell::Json.render(&variables())).unwrap();
        assert_eq!(value["ODD"], r#"it's $HOME `x` \ "q""#);
    }

    #[test]
    fn each_shell_forgets_in_its_own_words() {
        assert_eq!(Shell::Bash.forget(&["A", "B"]).unwrap(), "unset A B");
        assert_eq!(Shell::Fish.forget(&["A", "B"]).unwrap(), "set -e A B");
        let power = Shell::Power.forget(&["A", "B"]).unwrap();
        assert_eq!(power, "Remove-Item Env:A, Env:B -ErrorAction SilentlyContinue");
        assert_eq!(
            (Shell::Json.forget(&["A"]), Shell::Dotenv.forget(&["A"]), Shell::Bash.forget(&[])),
            (None, None, None)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_real_shell_reads_back_what_was_written() {
        let script = format!("{}\nprintf '%s' \"$ODD\"", Shell::Bash.render(&variables()));
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), r#"it's $HOME `x` \ "q""#);
    }
}
