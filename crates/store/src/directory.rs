//! A directory of a store: made private, held by one process.
//!
//! Used by the SQLite engine and by the streams when they open. It never looks into what is kept there.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// A directory that this process holds for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory (for its owner alone) if it is not there, and takes it for this process by a lock on the file
    /// that is named.
    pub(crate) fn take(path: &Path, lock: &str) -> Result<Self, OpenError> {
        make(path).map_err(|cause| refused(path, cause))?;
        let lock_path = path.join(lock);
        let lock = private_file(&lock_path).map_err(|cause| refused(&lock_path, cause))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { directory: path.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(refused(&lock_path, cause)),
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it: an empty one, for its owner alone, if it was not there.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf, OpenError> {
        let path = self.path.join(name);
        let existed = path.exists();
        private_file(&path).map_err(|cause| refused(&path, cause))?;
        if !existed {
            // The name of the new file must survive a power cut as well as its content.
            File::open(&self.path).and_then(|directory| directory.sync_all()).map_err(|cause| refused(&path, cause))?;
        }
        Ok(path)
    }
}

/// An error of the operating system as something to act on.
pub(crate) fn refused(path: &Path, cause: io::Error) -> OpenError {
    let remedy = match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Let this user write there, or choose another directory."
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space, or choose another directory.",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "Choose a directory.",
        _ => "Choose another directory, or mend the disk.",
    };
    OpenError::Io { path: path.to_owned(), cause, remedy }
}

/// Makes a directory for its owner alone; one that is there stays as it is.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    make_in(path)
}

/// Makes a directory for its owner alone, in one that is there.
pub(crate) fn make_in(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path)
}

/// Opens a file to read and write it; an empty one, for its owner alone, if it was not there.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_lets_go() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("deep").join("er");
        let first = Directory::take(&path, "state.lock").unwrap();
        let refusal = Directory::take(&path, "state.lock").unwrap_err();
        assert!(matches!(&refusal, OpenError::InUse { directory } if *directory == path), "{refusal}");
        drop(first);
        Directory::take(&path, "state.lock").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_and_its_files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("data");
        let database = Directory::take(&path, "state.lock").unwrap().file("state.sqlite").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&path), mode(&database), mode(&path.join("state.lock"))),
            (0o700, 0o600, 0o600),
            "directory, database, lock"
        );
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_refused_with_what_to_do() {
        let world = tempfile::tempdir().unwrap();
        let file = world.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let refusal = Directory::take(&path, "state.lock").unwrap_err().to_string();
            assert!(refusal.contains("file") && refusal.ends_with("Choose a directory."), "{refusal}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_that_cannot_be_written_is_refused() {
        // Not even the superuser, whom permission bits do not stop, can make a file here.
        let refusal = Directory::take(Path::new("/proc/self"), "state.lock").unwrap_err();
        assert!(matches!(&refusal, OpenError::Io { .. }), "{refusal}");
    }
}
