//! kill -9 at random moments under load: everything that was acknowledged is there, whole.
//!
//! Each test runs its own binary again as the writer. The writer prints a line for each acknowledged change or record;
//! the test kills it after a random number of them and looks at the directory.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod store;
mod streams;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Where the writer finds its directory; a process without it is the test.
const DIRECTORY: &str = "IOLITE_STORE_KILL_TEST_DIRECTORY";

/// Where the writer finds the number of the round.
const ROUND: &str = "IOLITE_STORE_KILL_TEST_ROUND";

/// Starts this binary again, to run one of its tests as the writer; gives the lines that it prints.
fn start_writer(test: &str, directory: &Path, round: usize) -> (Child, Receiver<String>) {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(writer.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    // A last line that the kill cut in two has no end, and so is not counted.
    thread::spawn(move || {
        let mut output = output;
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|length| length > 0) {
            if line.ends_with('\n') && sender.send(line.trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    (writer, lines)
}

/// Copies a folder with all that is in it.
fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A small generator: the moments need no better one.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
