//! The command as its users meet it: the real binary, an emulator of its own on free ports, statuses and output.

#![expect(clippy::unwrap_used, reason = "a test that cannot be carried out has failed")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const IOLITE: &str = env!("CARGO_BIN_EXE_iolite");

/// The command, with a state directory that ends with the test and none of this machine's settings.
fn iolite(state: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(IOLITE);
    command.args(arguments).env("IOLITE_STATE_DIR", state.path()).env("IOLITE", IOLITE).stdin(Stdio::null());
    for name in ["IOLITE_READY", "IOLITE_CONTROL", "IOLITE_FORMAT", "IOLITE_PORTS", "IOLITE_WORLD", "IOLITE_DATA_DIR"] {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    iolite(&state, arguments).output().unwrap()
}

/// Runs a shell script beside an emulator of its own; `$IOLITE` is the command.
fn beside(script: &str) -> Output {
    run(&["exec", "--", "sh", "-euc", script])
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&out(output)).unwrap_or_else(|error| panic!("{error}: {} {}", out(output), err(output)))
}

#[track_caller]
fn ended(output: &Output, status: i32) {
    assert_eq!(output.status.code(), Some(status), "out: {}\nerr: {}", out(output), err(output));
}

#[test]
fn the_demo_goes_as_it_tells() {
    let output = run(&["demo"]);
    ended(&output, 0);
    for act in 1..=7 {
        assert!(out(&output).contains(&format!("\n{act}. ")), "act {act} is missing in {}", out(&output));
    }
}

#[test]
fn exec_gives_the_environment_and_ends_with_the_commands_own_status() {
    let output =
        beside(r#"test -f "$IOLITE_READY"; echo "$IOLITE_READY $IOTHUB_CONNECTION_STRING $AZURE_CLIENT_ID"; exit 42"#);
    ended(&output, 42);
    assert!(out(&output).contains("HostName=localhost:"), "{}", out(&output));
    let ready = out(&output).split(' ').next().unwrap_or_default().to_owned();
    assert!(!std::path::Path::new(&ready).exists(), "{ready} is still there");
    assert_eq!(err(&output), "");
}

#[test]
fn exec_says_when_the_command_or_the_principal_is_not_there() {
    ended(&run(&["exec", "--", "/no/such/command"]), 127);
    let output = run(&["exec", "--as", "nobody", "--", "true"]);
    ended(&output, 2);
    assert!(err(&output).contains("owner-app"), "{}", err(&output));
}

#[test]
fn a_bad_world_file_ends_with_two_and_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "name = \"x\"\nwrong = 1\n").unwrap();
    let output = run(&["exec", "--world", path.to_str().unwrap(), "--", "true"]);
    ended(&output, 2);
    assert!(err(&output).contains("bad.toml") && err(&output).contains("line "), "{}", err(&output));
}

#[test]
fn env_speaks_every_shells_language() {
    let output = beside(r#""$IOLITE" env --shell json --as reader-app"#);
    ended(&output, 0);
    let variables = json(&output);
    assert_eq!(variables["AZURE_CLIENT_ID"], "c0ffee00-0000-4000-8000-000000000212");
    assert!(variables["IOLITE_READY"].is_string() && variables["IOLITE_CONTROL"].is_string());
    let output = beside(r#"unset IOTHUB_HOSTNAME; eval "$("$IOLITE" env)"; echo "$IOTHUB_HOSTNAME""#);
    ended(&output, 0);
    assert!(out(&output).starts_with("localhost:"), "{}", out(&output));
}

#[test]
fn tokens_and_signatures_are_printed_bare() {
    let output = beside(
        r#""$IOLITE" token --as owner-app --for hub; "$IOLITE" token --for twins --flaw unsigned; "$IOLITE" sas"#,
    );
    ended(&output, 0);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0].split('.').count(), 3);
    assert!(lines[1].ends_with('.'), "an unsigned token ends after its second dot: {}", lines[1]);
    assert!(lines[2].starts_with("SharedAccessSignature sr="), "{}", lines[2]);
}

/// The variables are set once for a whole shell; who gives a flag means this one call.
#[test]
fn a_variable_gives_way_to_what_is_given() {
    for line in [
        r#"IOLITE_HUB=contoso-hub "$IOLITE" sas --dps contoso-dps"#,
        r#"IOLITE_DPS=contoso-dps "$IOLITE" sas --hub contoso-hub"#,
        r#"IOLITE_DEVICE=d1 IOLITE_MODULE=m1 "$IOLITE" sas --policy service"#,
        r#"IOLITE_DPS=contoso-dps IOLITE_REGISTRATION=r1 "$IOLITE" sas --hub contoso-hub"#,
        r#"IOLITE_ACTION=unheard-of "$IOLITE" check --as owner-app --operation Devices_GetDevices --on hub:contoso-hub"#,
        r#"IOLITE_FORMAT=json "$IOLITE" --format text sas --policy service"#,
    ] {
        let output = beside(line);
        ended(&output, 0);
        assert!(!out(&output).is_empty() && !out(&output).starts_with('{'), "{line}: {}", out(&output));
    }
    let missing = beside(r#"IOLITE_POLICY=service exec "$IOLITE" sas --device d1"#);
    assert!(
        err(&missing).contains("has no such device"),
        "it is asked for with the device's own key: {}",
        err(&missing)
    );
    let explained = r#"IOLITE_LAST=$last exec "$IOLITE" explain 00000000-0000-4000-8000-000000000000"#;
    for last in ["0", "1"] {
        let output = beside(&format!("last={last}; {explained}"));
        ended(&output, 1);
        assert!(err(&output).contains("no such decision"), "{}", err(&output));
    }
    let both = beside(r#"exec "$IOLITE" sas --hub contoso-hub --dps contoso-dps"#);
    ended(&both, 2);
}

#[test]
fn who_is_not_there_is_one_mistake_everywhere() {
    let given = "--action Microsoft.Devices/IotHubs/devices/read --on hub:contoso-hub";
    for line in ["token --as nobody", "env --as nobody", &format!("check --as nobody {given}")] {
        let output = beside(&format!(r#"exec "$IOLITE" {line}"#));
        ended(&output, 2);
        assert!(err(&output).contains("nobody") && err(&output).contains("owner-app"), "{line}: {}", err(&output));
    }
    let odd = beside(r#"exec "$IOLITE" deny-sas a/b --dry-run"#);
    assert!(err(&odd).contains("`a/b`") && err(&odd).contains("contoso-hub"), "{}", err(&odd));
    for line in ["sas --hub no-hub", "sas --policy none", "token --for bogus", "clock set soon"] {
        ended(&beside(&format!(r#"exec "$IOLITE" {line}"#)), 2);
    }
}

/// Without --as, a token is whose credentials `iolite env` prints.
#[test]
fn a_world_without_the_usual_principal_signs_in_as_its_first_application() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("one.toml");
    let text = "name='w'\n[tenant]\nid='c0ffee00-0000-4000-8000-000000000001'\ndomain='w.example'\n[[subscriptions]]\n\
                id='c0ffee00-0000-4000-8000-000000000002'\nname='s'\n[[resource_groups]]\nname='g'\n";
    let app = "[[principals]]\nname='my-app'\nkind='service-principal'\nclient_secret='x'\n";
    let token = |text: String| {
        std::fs::write(&world, text).unwrap();
        run(&["exec", "--world", world.to_str().unwrap(), "--", "sh", "-euc", r#"exec "$IOLITE" token"#])
    };
    let output = token(format!("{text}{app}"));
    ended(&output, 0);
    assert_eq!(out(&output).split('.').count(), 3, "{}", out(&output));
    let nobody = token(text.to_owned());
    ended(&nobody, 2);
    assert!(err(&nobody).contains("--as"), "{}", err(&nobody));
}

/// What is logged of one request for a managed identity's token, beside what is not: the token.
#[cfg(unix)]
fn logged(verbosity: &[&str]) -> Vec<String> {
    use std::io::{Read, Write};
    let state = tempfile::tempdir().unwrap();
    let arguments = [&["start", "--ports", "auto", "--format", "json"], verbosity].concat();
    let mut child = iolite(&state, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let authority = ready["managed_identity"]["imds"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://iothubs.azure.net HTTP/1.1\r\n\
         Host: {authority}\r\nMetadata: true\r\nUser-Agent: a-program\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    terminate(&child, rustix::process::Signal::TERM);
    let output = child.wait_with_output().unwrap();
    ended(&output, 0);
    assert!(!err(&output).contains("eyJ"), "{}", err(&output));
    err(&output).lines().filter(|line| line.contains("/metadata/")).map(str::to_owned).collect()
}

/// One -v: every request with its status and decision. Two: whose program asked.
#[cfg(unix)]
#[test]
fn each_request_is_logged_where_that_is_asked_for() {
    assert_eq!(logged(&[]), [""; 0]);
    let more = logged(&["-v"]);
    assert_eq!(more.len(), 1, "{more:?}");
    for part in ["GET", "/metadata/identity/oauth2/token", "200", "decision"] {
        assert!(more[0].contains(part), "{part} is missing in {more:?}");
    }
    assert!(!more[0].contains("a-program"), "{more:?}");
    let all = logged(&["-vv"]);
    assert!(all.iter().any(|line| line.contains("a-program") && line.contains("2018-02-01")), "{all:?}");
}

#[test]
fn an_empty_variable_is_none_and_a_switch_takes_a_word() {
    let state = tempfile::tempdir().unwrap();
    let mut command = iolite(&state, &["exec", "--", "sh", "-euc", r#""$IOLITE" sas; "$IOLITE" token"#]);
    for name in ["PORTS", "WORLD", "FORMAT", "BIND", "VERBOSE", "AS", "HUB", "DEVICE", "TTL", "FLAW", "CONTROL"] {
        command.env(format!("IOLITE_{name}"), "");
    }
    let output = command.output().unwrap();
    ended(&output, 0);
    assert_eq!(out(&output).lines().count(), 2, "{}", out(&output));
    for (word, status) in [("true", 0), ("false", 0), ("1", 0), ("0", 0), ("loud", 2)] {
        let output = iolite(&state, &["exec", "--", "true"]).env("IOLITE_VERBOSE", word).output().unwrap();
        ended(&output, status);
    }
    let help = iolite(&state, &["sas", "--help"]).env("IOLITE_HUB", "").output().unwrap();
    ended(&help, 0);
    assert!(out(&help).contains("IOLITE_HUB"), "{}", out(&help));
}

/// Rust's own paths are bytes on Unix; JSON's texts are not.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_whose_name_is_no_text_is_refused_with_a_remedy() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let state = tempfile::tempdir().unwrap();
    let odd = state.path().join(OsStr::from_bytes(b"d\xff"));
    std::fs::create_dir(&odd).unwrap();
    let refused = |remedy: &str, mut command: Command| {
        let output = command.output().unwrap();
        ended(&output, 2);
        let said = err(&output);
        assert!(said.contains("not UTF-8") && said.contains(remedy) && !said.contains("panicked"), "{said}");
    };
    let run = || iolite(&state, &["exec", "--", "true"]);
    let with = |name: &str| {
        let mut command = run();
        command.env(name, &odd);
        command
    };
    refused("--data-dir", with("IOLITE_DATA_DIR"));
    refused("--ready-file", with("IOLITE_READY_FILE"));
    refused("--ready-file", with("TMPDIR"));
    for (name, others) in [("XDG_STATE_HOME", "HOME"), ("HOME", "XDG_STATE_HOME")] {
        let mut command = with(name);
        command.env_remove("IOLITE_STATE_DIR").env_remove(others);
        refused("--state-dir", command);
    }
    let mut inside = run();
    inside.current_dir(&odd).env("IOLITE_READY_FILE", "ready.json");
    refused("--ready-file", inside);
    assert_eq!(std::fs::read_dir(&odd).unwrap().count(), 0, "a refused start leaves something");
}

#[cfg(unix)]
#[test]
fn every_path_that_is_told_is_one_from_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"cd /; test -f "$NODE_EXTRA_CA_CERTS"; test -f "$SSL_CERT_FILE"; test -f "$IOLITE_READY"
        grep -q '"ca_certificate": "/' "$IOLITE_READY"; "$IOLITE" env | grep -q "SSL_CERT_FILE=.*/bundle.pem""#;
    for option in ["--data-dir", "--state-dir"] {
        let mut command = iolite(&folder, &["exec", option, "./rel", "--", "sh", "-euc", script]);
        ended(&command.current_dir(folder.path()).output().unwrap(), 0);
    }
    let mut at_home = iolite(&folder, &["exec", "--", "sh", "-euc", script]);
    at_home.current_dir(folder.path()).env_remove("IOLITE_STATE_DIR").env_remove("XDG_STATE_HOME").env("HOME", "home");
    ended(&at_home.output().unwrap(), 0);
}

#[test]
fn check_ends_with_the_decision() {
    let write = "--action Microsoft.Devices/IotHubs/devices/write --on hub:contoso-hub";
    ended(&beside(&format!(r#""$IOLITE" check --as owner-app {write}"#)), 0);
    let refused = beside(&format!(r#""$IOLITE" check --as reader-app {write}"#));
    ended(&refused, 1);
    assert!(out(&refused).contains("az role assignment create"), "{}", out(&refused));
    let role = r#"--add-role "IoT Hub Registry Contributor""#;
    ended(&beside(&format!(r#""$IOLITE" check --as reader-app {write} {role}"#)), 0);
}

#[test]
fn roles_are_listed_smallest_first() {
    let output = beside(r#""$IOLITE" roles --action Microsoft.Devices/IotHubs/twins/write"#);
    ended(&output, 0);
    let text = out(&output);
    let (twin, all) = (text.find("IoT Hub Twin Contributor").unwrap(), text.find("IoT Hub Data Contributor").unwrap());
    assert!(twin < all, "{text}");
}

#[test]
fn denying_sas_is_never_done_without_a_yes() {
    let unasked = beside(r#"exec "$IOLITE" deny-sas contoso-hub </dev/null"#);
    ended(&unasked, 2);
    assert!(err(&unasked).contains("--yes"), "{}", err(&unasked));
    let output = beside(
        r#""$IOLITE" deny-sas contoso-hub --dry-run >/dev/null
        "$IOLITE" --format json deny-sas contoso-hub --dry-run
        "$IOLITE" deny-sas contoso-hub --yes >/dev/null
        "$IOLITE" --format json deny-sas contoso-hub --dry-run
        "$IOLITE" allow-sas contoso-hub >/dev/null
        "$IOLITE" --format json deny-sas contoso-hub --dry-run"#,
    );
    ended(&output, 0);
    let states: Vec<bool> = serde_json::Deserializer::from_str(&out(&output))
        .into_iter::<Value>()
        .map(|state| state.unwrap()["disabled"].as_bool().unwrap())
        .collect();
    assert_eq!(states, [false, true, false]);
}

#[test]
fn the_clock_goes_where_it_is_told() {
    let output = beside(
        r#""$IOLITE" clock freeze >/dev/null; "$IOLITE" clock set 2030-01-01T00:00:00Z; "$IOLITE" clock advance 1h30m"#,
    );
    ended(&output, 0);
    let text = out(&output);
    assert!(text.contains("2030-01-01T00:00:00") && text.contains("2030-01-01T01:30:00"), "{text}");
}

#[test]
fn the_world_comes_back_from_a_copy() {
    let output = beside(
        r#""$IOLITE" snapshot save before; "$IOLITE" reset --seed empty; "$IOLITE" snapshot load before; "$IOLITE" snapshot list"#,
    );
    ended(&output, 0);
    assert_eq!(out(&output), "before\n");
    let unknown = beside(r#"exec "$IOLITE" snapshot load nowhere"#);
    ended(&unknown, 1);
    assert!(err(&unknown).contains("nowhere"), "{}", err(&unknown));
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    for arguments in [&["lab", "list"][..], &["models", "check", "a.json"]] {
        let output = run(arguments);
        ended(&output, 1);
        assert!(err(&output).contains("not built yet"), "{}", err(&output));
    }
}

/// The documented port of HTTPS, taken at an address of this machine that nobody else uses: all of 127.0.0.0/8 is loopback
/// on Linux, so the test stands in nobody's way and nobody in its own.
#[cfg(target_os = "linux")]
fn take_https_port() -> std::net::TcpListener {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    (1..=u8::MAX)
        .find_map(|step| {
            let address = std::net::Ipv4Addr::new(127, high | 0x40, middle, low.wrapping_add(step));
            std::net::TcpListener::bind((address, 8443)).ok()
        })
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_that_is_taken_ends_with_two_and_says_which_where_and_what_to_do() {
    let taken = take_https_port();
    let address = taken.local_addr().unwrap().ip().to_string();
    for command in [&["start"][..], &["exec", "--", "true"]] {
        let options = ["--ports", "high", "--bind", &address];
        let output = run(&[&command[..1], &options, &command[1..]].concat());
        ended(&output, 2);
        assert_eq!(out(&output), "", "nothing is ready");
        for part in ["port 8443", "HTTPS", &address, "another program has it: stop that one", "--ports auto"] {
            assert!(err(&output).contains(part), "{part} is missing in {}", err(&output));
        }
    }
    // The remedy that is told is one.
    ended(&run(&["exec", "--ports", "auto", "--bind", &address, "--", "true"]), 0);
}

/// Every line of a log in JSON, which must have no other.
#[track_caller]
fn entries(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn messages(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["fields"]["message"].as_str().unwrap()).collect()
}

#[cfg(unix)]
#[test]
fn a_log_in_json_has_no_other_line_from_the_start_to_the_end() {
    let state = tempfile::tempdir().unwrap();
    let arguments = ["start", "--ports", "auto", "--format", "json", "--log-format", "json", "-vv"];
    let mut child = iolite(&state, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    terminate(&child, rustix::process::Signal::TERM);
    let output = child.wait_with_output().unwrap();
    ended(&output, 0);
    let entries = entries(&err(&output));
    assert!(messages(&entries).iter().any(|message| message.starts_with("stopping")), "{entries:?}");
}

#[test]
fn a_refused_start_is_an_entry_of_a_log_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing.toml");
    for command in [&["start"][..], &["exec", "--", "true"]] {
        let options = ["--ports", "auto", "--log-format", "json", "--world", path.to_str().unwrap()];
        let output = run(&[&command[..1], &options, &command[1..]].concat());
        ended(&output, 2);
        let entries = entries(&err(&output));
        assert!(messages(&entries).iter().any(|message| message.contains("nothing.toml")), "{entries:?}");
    }
}

/// Starts an emulator, sends it `signal`, and gives what it ended with; its ready file must be gone then.
#[cfg(unix)]
fn start_and_signal(signal: rustix::process::Signal) -> Option<i32> {
    let state = tempfile::tempdir().unwrap();
    let ready = state.path().join("here.json");
    let arguments = ["start", "--ports", "auto", "--format", "json", "--ready-file", ready.to_str().unwrap()];
    let mut child = iolite(&state, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    assert_eq!(told["control"], written["control"]);
    terminate(&child, signal);
    let status = child.wait().unwrap().code();
    assert!(!ready.exists(), "the ready file outlived the emulator");
    status
}

#[cfg(unix)]
fn terminate(child: &Child, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(process, signal).unwrap();
}

#[cfg(unix)]
#[test]
fn a_terminated_start_ends_with_zero_and_takes_its_ready_file_along() {
    assert_eq!(start_and_signal(rustix::process::Signal::TERM), Some(0));
    assert_eq!(start_and_signal(rustix::process::Signal::INT), Some(0));
}

/// The second signal ends it at once, and the ready file is gone all the same.
#[cfg(unix)]
#[test]
fn two_signals_at_once_leave_no_ready_file() {
    let state = tempfile::tempdir().unwrap();
    let ready = state.path().join("here.json");
    let arguments = ["start", "--ports", "auto", "--format", "json", "--ready-file", ready.to_str().unwrap()];
    for _ in 0..8 {
        let mut child = iolite(&state, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
            terminate(&child, signal);
        }
        let status = child.wait().unwrap();
        assert!(!ready.exists(), "the ready file outlived the emulator, which ended with {status}");
    }
}

#[test]
fn a_ready_file_that_cannot_be_written_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/ready.json");
    let output = run(&["exec", "--ready-file", path.to_str().unwrap(), "--", "true"]);
    ended(&output, 2);
    assert!(err(&output).contains("file/ready.json") && err(&output).contains("--ready-file"), "{}", err(&output));
}

/// Nothing is read anew on SIGHUP: it means that the terminal has gone, and ends the emulator in order.
#[cfg(unix)]
#[test]
fn a_start_whose_terminal_goes_away_ends_in_order() {
    assert_eq!(start_and_signal(rustix::process::Signal::HUP), Some(0));
}
