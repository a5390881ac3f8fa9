//! Where this user's files belong, from the environment. Flags bring their own variables; this is for the rest.

use std::env;
use std::ffi::OsString;
#[cfg(unix)]
use std::fs::{self, DirBuilder};
#[cfg(unix)]
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The directory that keeps the certificate authority between runs: `IOLITE_STATE_DIR` is a flag's business, this is
/// the platform's own place.
///
/// Linux and the BSDs follow the XDG base directories; macOS and Windows have their own. Without a home directory, a
/// place of this user's alone in the system's temporary one.
pub(crate) fn state_dir() -> Result<PathBuf, Failure> {
    match state_dir_of(|name| env::var_os(name).filter(|value| !value.is_empty()), env::consts::OS) {
        Some(folder) => Ok(folder),
        None => own_place_in(&env::temp_dir()),
    }
}

/// A folder of this user's where everybody may make folders. Whoever else made it could have put an authority there whose
/// key they know, and programs would trust it.
#[cfg(unix)]
fn own_place_in(shared: &Path) -> Result<PathBuf, Failure> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let user = rustix::process::geteuid().as_raw();
    let folder = shared.join(format!("iolite-{user}"));
    let refuse = |why: &str| {
        let remedy = "set HOME, or name a directory with --state-dir or --data-dir";
        Failure::usage(format!("{} cannot keep the certificate authority: {why}\n  {remedy}", folder.display()))
    };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(refuse(&error.to_string())),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder).map_err(|error| refuse(&error.to_string()))?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o022 == 0 {
        Ok(folder)
    } else {
        Err(refuse("somebody else made it, or may write there"))
    }
}

/// Windows has a temporary directory for each user.
#[cfg(not(unix))]
fn own_place_in(temporary: &Path) -> Result<PathBuf, Failure> {
    Ok(temporary.join("iolite"))
}

fn state_dir_of(variable: impl Fn(&str) -> Option<OsString>, system: &str) -> Option<PathBuf> {
    let home = || variable("HOME").map(PathBuf::from);
    match system {
        "windows" => Some(PathBuf::from(variable("LOCALAPPDATA")?).join("iolite")),
        "macos" => Some(home()?.join("Library/Application Support/iolite")),
        // A relative XDG_STATE_HOME is to be ignored (XDG base directory specification 0.8).
        _ => match variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
            Some(state) => Some(state.join("iolite")),
            None => Some(home()?.join(".local/state/iolite")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn each_system_has_its_own_place() {
        let home = [("HOME", "/home/ada")];
        assert_eq!(state_dir_of(with(&home), "linux").unwrap(), PathBuf::from("/home/ada/.local/state/iolite"));
        assert_eq!(
            state_dir_of(with(&home), "macos").unwrap(),
            PathBuf::from("/home/ada/Library/Application Support/iolite")
        );
        let windows = [("LOCALAPPDATA", "/local")];
        assert_eq!(state_dir_of(with(&windows), "windows").unwrap(), PathBuf::from("/local/iolite"));
    }

    #[test]
    fn the_state_home_counts_where_it_is_absolute() {
        let set = [("HOME", "/home/ada"), ("XDG_STATE_HOME", "/var/state")];
        assert_eq!(state_dir_of(with(&set), "linux").unwrap(), PathBuf::from("/var/state/iolite"));
        let relative = [("HOME", "/home/ada"), ("XDG_STATE_HOME", "state")];
        assert_eq!(state_dir_of(with(&relative), "linux").unwrap(), PathBuf::from("/home/ada/.local/state/iolite"));
    }

    #[cfg(unix)]
    #[test]
    fn where_everybody_may_make_folders_only_one_s_own_is_trusted() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let shared = tempfile::tempdir().unwrap();
        let place = own_place_in(shared.path()).unwrap();
        let mode = || fs::symlink_metadata(&place).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o700);
        assert_eq!(own_place_in(shared.path()).unwrap(), place, "it is found again");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = own_place_in(shared.path()).unwrap_err();
        assert!(refused.code == 2 && refused.text.contains("--state-dir"), "{}", refused.text);
        fs::remove_dir(&place).unwrap();
        symlink(shared.path(), &place).unwrap();
        assert!(own_place_in(shared.path()).is_err(), "a link leads where its maker likes");
    }

    #[test]
    fn without_a_home_there_is_no_place_of_the_users_own() {
        assert_eq!(state_dir_of(with(&[]), "linux"), None);
    }
}
