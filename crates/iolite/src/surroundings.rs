//! Where this user's files belong, from the environment. Flags bring their own variables; this is for the rest.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The directory that keeps the certificate authority between runs: `IOLITE_STATE_DIR` is a flag's business, this is
/// the platform's own place.
///
/// Linux and the BSDs follow the XDG base directories; macOS and Windows have their own. Without a home directory, the
/// system's temporary one.
pub(crate) fn state_dir() -> PathBuf {
    state_dir_of(|name| env::var_os(name).filter(|value| !value.is_empty()), env::consts::OS)
        .unwrap_or_else(|| env::temp_dir().join("iolite"))
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

    #[test]
    fn without_a_home_there_is_no_place_of_the_users_own() {
        assert_eq!(state_dir_of(with(&[]), "linux"), None);
    }
}
