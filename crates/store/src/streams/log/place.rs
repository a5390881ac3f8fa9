//! Where a stream's segments are kept: a folder with the stream's name, a file for each segment.
//!
//! Used by the log and by the walk at the start. Names of streams are free text, so they are written in a form that
//! every file system takes. It never looks into a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;
use crate::directory::{Directory, make_in, private_file};

/// The longest name of a folder, in bytes; file systems take 255.
const LONGEST_FOLDER: usize = 240;

const SEGMENT: &str = "segment";
const UNFINISHED: &str = "new";

/// The folder of a stream.
#[derive(Debug, Clone)]
pub(in crate::streams) struct Home {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// Held for as long as anything may be written.
    directory: Arc<Directory>,
}

impl Home {
    /// The folder of the stream of this name; an error if the name is none or too long.
    pub(in crate::streams) fn of(directory: &Arc<Directory>, name: &str) -> Result<Self, StoreError> {
        let unusable = |why| StoreError::UnusableStream { stream: name.to_owned(), why };
        let folder = folder(name);
        if name.is_empty() {
            return Err(unusable("its name is empty"));
        }
        if folder.len() > LONGEST_FOLDER {
            return Err(unusable("its name is too long"));
        }
        let path = directory.path().join(folder);
        Ok(Self { path, name: name.to_owned(), directory: Arc::clone(directory) })
    }

    /// Makes the folder, for its owner alone, if it is not there.
    pub(super) fn make(&self) -> io::Result<()> {
        match make_in(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome.and_then(|()| sync_folder(self.directory.path())),
        }
    }

    /// Removes the folder and all that is in it.
    pub(in crate::streams) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            outcome => outcome?,
        }
        sync_folder(self.directory.path())
    }

    /// Makes the file of a segment; it has its name only once its content is on the disk.
    pub(super) fn create(&self, number: u64, content: &[&[u8]]) -> io::Result<(File, PathBuf)> {
        let unfinished = self.path.join(format!("{number:012}.{UNFINISHED}"));
        let path = self.path.join(format!("{number:012}.{SEGMENT}"));
        let mut file = private_file(&unfinished)?;
        // A crash may have left one behind.
        file.set_len(0)?;
        for piece in content {
            file.write_all(piece)?;
        }
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_folder(&self.path)?;
        Ok((file, path))
    }

    /// The numbers and paths of the segments, in order.
    pub(super) fn segments(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let Some(number) = number.filter(|_| path.extension().is_some_and(|extension| extension == SEGMENT)) {
                segments.push((number, path));
            }
        }
        segments.sort_unstable();
        Ok(segments)
    }
}

/// The names of the streams that have a folder, in order; folders that are not ours are left alone.
pub(in crate::streams) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().to_str().and_then(name));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The folder's name: lower-case letters, digits, `-`, `_` and, not in front, `.` stand for themselves, other bytes as
/// `%` and two hexadecimal digits. Upper-case letters are such others: some file systems take `A` for `a`.
fn folder(name: &str) -> String {
    let mut folder = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => folder.push(char::from(byte)),
            b'.' if at > 0 => folder.push('.'),
            _ => {
                folder.push('%');
                folder.extend(hex(byte));
            }
        }
    }
    folder
}

/// Two hexadecimal digits.
fn hex(byte: u8) -> impl Iterator<Item = char> {
    [byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16))
}

/// The stream's name from its folder's; `None` if no stream has such a folder.
fn name(folder_name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = folder_name.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte == b'%' {
            let (digits, behind) = rest.split_first_chunk::<2>()?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = behind;
        } else {
            bytes.push(*byte);
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    (folder(&name) == folder_name).then_some(name)
}

/// Has the names in a folder survive a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    // Only here can a folder be opened and synced; elsewhere the file system looks after it.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_streams_name_and_gives_it_back() {
        for (stream, expected) in [
            ("events", "events"),
            ("my-hub/Events_2.old", "my-hub%2f%45vents_2.old"),
            (".hidden", "%2ehidden"),
            ("..", "%2e."),
            ("grün%", "gr%c3%bcn%25"),
        ] {
            assert_eq!(folder(stream), expected);
            assert_eq!(name(expected).as_deref(), Some(stream));
        }
        for strange in ["A", "a/b", "%4", "%zz", "%61", "%ff", ".a"] {
            assert_eq!(name(strange), None, "{strange}");
        }
    }
}
