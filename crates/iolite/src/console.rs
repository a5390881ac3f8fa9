//! The one place that prints: results to standard output, everything else to standard error.
//!
//! Called by the commands. A failed write to standard output is an error of the command; standard error has nobody
//! left to tell.

use std::io::{self, BufRead, IsTerminal, Write};

use serde_json::Value;

/// Prints text and a line's end to standard output.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints lines to standard output, with control characters made visible: a request's path or a client's name may
/// carry them, and a terminal would obey.
pub(crate) fn say_lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> io::Result<()> {
    lines.into_iter().try_for_each(|line| say(&visible(line.as_ref().trim_end())))
}

/// Prints a JSON value to standard output, indented.
pub(crate) fn say_json(value: &Value) -> io::Result<()> {
    say(&format!("{value:#}"))
}

/// Prints a line to standard error.
pub(crate) fn complain(text: &str) {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints lines to standard error, with control characters made visible.
pub(crate) fn complain_lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) {
    lines.into_iter().for_each(|line| complain(&visible(line.as_ref())));
}

/// Asks a yes-or-no question, no being the default. `None` where nobody sits at a terminal to answer.
pub(crate) fn ask(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut error = io::stderr().lock();
    write!(error, "{question} [y/N] ")?;
    error.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(is_yes(&answer)))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// The text of a string array in an answer, as lines.
pub(crate) fn lines_of(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The text with every control character but the tab escaped.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\t' {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(is_yes("y\n") && is_yes(" Yes \n"));
        assert!(!is_yes("\n") && !is_yes("no\n") && !is_yes("yep\n"));
    }

    #[test]
    fn an_escape_sequence_in_a_path_is_shown_and_not_obeyed() {
        assert_eq!(visible("/devices/\u{1b}[31mred\ttab é"), "/devices/\\u{1b}[31mred\ttab é");
    }
}
