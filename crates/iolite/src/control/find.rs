//! Which emulator a command talks to: the one the ready file names, else the one the control address names, else the one
//! on the default port. The first that answers is taken.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use http::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::Control;
use crate::console;
use crate::failure::{FAILED, Failure};
use crate::global::Global;

/// Where an emulator with standard ports has its control API.
pub(super) const DEFAULT: &str = "http://localhost:8080/iolite/v1";
/// How long a health answer may take, so that a stuck process does not hide the next candidate.
const PATIENCE: Duration = Duration::from_secs(3);

/// A place where an emulator may be.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    /// Who named it, for the message when nobody answers.
    named_by: String,
    /// Its control address, or why there is none.
    address: Result<String, String>,
}

/// The first of the candidates that answers.
pub(super) async fn find(global: &Global) -> Result<Control> {
    let candidates = candidates(global, |path| std::fs::read_to_string(path));
    let mut tried = Vec::new();
    for candidate in &candidates {
        match probe(candidate).await {
            Ok(control) => {
                for line in &tried {
                    console::complain(&format!("iolite: note: {line}; trying the next place"));
                }
                return Ok(control);
            }
            Err(error) => tried.push(format!("{}: {error:#}", candidate.named_by)),
        }
    }
    Err(Failure { code: FAILED, text: nobody(&tried) }.into())
}

fn nobody(tried: &[String]) -> String {
    format!(
        "no emulator answers. Tried:\n  {}\nStart one with `iolite start`, or name a running one by IOLITE_READY (its ready \
         file) or IOLITE_CONTROL (its control address).",
        tried.join("\n  ")
    )
}

async fn probe(candidate: &Candidate) -> Result<Control> {
    let address = match &candidate.address {
        Ok(address) => address,
        Err(why) => bail!("{why}"),
    };
    let control = Control::at(address)?;
    match timeout(PATIENCE, control.send(Method::GET, "/health/live", None)).await {
        Ok(Ok(reply)) if reply.status.is_success() => Ok(control),
        Ok(Ok(reply)) => bail!("something else answers there ({} for /health/live)", reply.status),
        Ok(Err(error)) => Err(error),
        Err(_) => bail!("no answer within {} seconds", PATIENCE.as_secs()),
    }
}

fn candidates(global: &Global, read: impl Fn(&Path) -> io::Result<String>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    // A variable that is set and empty counts as not set, as everywhere in a shell.
    if let Some(path) = global.ready.as_deref().filter(|path| !path.as_os_str().is_empty()) {
        candidates.push(Candidate {
            named_by: format!("the ready file {} (IOLITE_READY)", path.display()),
            address: address_in(path, read),
        });
    }
    if let Some(address) = global.control.as_deref().filter(|address| !address.is_empty()) {
        candidates.push(Candidate { named_by: format!("{address} (IOLITE_CONTROL)"), address: Ok(address.to_owned()) });
    }
    if !candidates.iter().any(|candidate| candidate.address.as_deref() == Ok(DEFAULT)) {
        candidates.push(Candidate { named_by: format!("{DEFAULT} (the default)"), address: Ok(DEFAULT.to_owned()) });
    }
    candidates
}

fn address_in(path: &Path, read: impl Fn(&Path) -> io::Result<String>) -> Result<String, String> {
    let text = read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "it does not exist; the emulator that wrote it may have stopped".to_owned(),
        _ => error.to_string(),
    })?;
    let json: Value = serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))?;
    json["control"].as_str().map(str::to_owned).ok_or_else(|| "it names no \"control\" address".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::global::Format;

    fn global(ready: Option<&str>, control: Option<&str>) -> Global {
        Global { format: Format::Text, ready: ready.map(PathBuf::from), control: control.map(str::to_owned) }
    }

    fn addresses(candidates: &[Candidate]) -> Vec<Result<&str, &str>> {
        candidates.iter().map(|candidate| candidate.address.as_deref().map_err(String::as_str)).collect()
    }

    #[test]
    fn the_ready_file_comes_first_then_the_address_then_the_default() {
        let found = candidates(&global(Some("/run/r.json"), Some("http://localhost:9/iolite/v1")), |_| {
            Ok(r#"{"control": "http://localhost:7/iolite/v1"}"#.to_owned())
        });
        assert_eq!(
            addresses(&found),
            [Ok("http://localhost:7/iolite/v1"), Ok("http://localhost:9/iolite/v1"), Ok(DEFAULT)]
        );
    }

    #[test]
    fn a_ready_file_that_is_gone_or_no_json_says_so() {
        let gone = candidates(&global(Some("/r"), None), |_| Err(io::ErrorKind::NotFound.into()));
        assert!(gone[0].address.as_deref().unwrap_err().contains("does not exist"));
        let odd = candidates(&global(Some("/r"), None), |_| Ok("{".to_owned()));
        assert!(odd[0].address.as_deref().unwrap_err().contains("not JSON"));
        let empty = candidates(&global(Some("/r"), None), |_| Ok("{}".to_owned()));
        assert!(empty[0].address.as_deref().unwrap_err().contains("control"));
    }

    #[test]
    fn empty_variables_count_as_not_set_and_the_default_is_tried_once() {
        let found = candidates(&global(Some(""), Some("")), |_| unreachable!("there is no file to read"));
        assert_eq!(addresses(&found), [Ok(DEFAULT)]);
        let same = candidates(&global(None, Some(DEFAULT)), |_| unreachable!("there is no file to read"));
        assert_eq!(addresses(&same), [Ok(DEFAULT)]);
    }

    #[test]
    fn when_nobody_answers_every_place_and_the_way_out_are_named() {
        let text = nobody(&["the ready file /r: gone".to_owned(), format!("{DEFAULT}: refused")]);
        assert!(text.contains("/r: gone") && text.contains(DEFAULT) && text.contains("`iolite start`"));
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_does_not_answer() {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let address = Ok(format!("http://127.0.0.1:{port}/iolite/v1"));
        assert!(probe(&Candidate { named_by: "a test".to_owned(), address }).await.is_err());
    }
}
