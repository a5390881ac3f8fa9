//! Whether somebody else could have put an authority into the state directory before us.
//!
//! Without a home that directory has a fixed name in the system's temporary one, where any user may make it first, and would
//! then know the key that all our clients trust. Called before the authority is read. Elsewhere who owns a folder is not
//! looked at: `sudo` keeps the user's home, and volumes of containers belong to anybody.

use std::path::Path;

use super::authority::AuthorityError;

/// Refuses `folder` where it is a place that all users share, or where it or a folder above it stands in one and is not
/// this user's alone.
#[cfg(unix)]
pub(crate) fn refuse_foreign(folder: &Path) -> Result<(), AuthorityError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let us = rustix::process::geteuid().as_raw();
    for path in folder.ancestors() {
        if is_shared(path) && path == folder || path.parent().is_some_and(is_shared) && !is_ours(path, us) {
            return Err(AuthorityError::Foreign { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Other systems give each user a temporary directory of its own.
#[cfg(not(unix))]
pub(crate) fn refuse_foreign(_: &Path) -> Result<(), AuthorityError> {
    Ok(())
}

/// Whether everybody may make files there, and nobody may rename another's: `/tmp` and its like.
#[cfg(unix)]
fn is_shared(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const STICKY_AND_WRITABLE: u32 = 0o1002;
    std::fs::metadata(folder).is_ok_and(|found| found.mode() & STICKY_AND_WRITABLE == STICKY_AND_WRITABLE)
}

/// Whether a folder and the link to it, where it is one, are this user's; what is not there is made by us.
#[cfg(unix)]
fn is_ours(path: &Path, us: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owned = |found: std::io::Result<std::fs::Metadata>| found.map_or(true, |found| is_owned(found.uid(), us));
    let is_writable_by_others = |found: std::fs::Metadata| found.mode() & 0o002 != 0 && !is_shared(path);
    owned(std::fs::symlink_metadata(path))
        && owned(std::fs::metadata(path))
        && !std::fs::metadata(path).is_ok_and(is_writable_by_others)
}

/// What the superuser made, the superuser could have read anyway.
#[cfg(unix)]
const fn is_owned(owner: u32, us: u32) -> bool {
    owner == us || owner == 0
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A place that all users share, as `/tmp` is.
    fn shared() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        set_permissions(place.path(), Permissions::from_mode(0o1777)).unwrap();
        place
    }

    #[test]
    fn a_folder_that_others_may_write_in_a_shared_place_is_refused_with_a_remedy() {
        let place = shared();
        let folder = place.path().join("iolite");
        refuse_foreign(place.path()).unwrap_err();
        refuse_foreign(&folder).unwrap();
        create_dir(&folder).unwrap();
        refuse_foreign(&folder).unwrap();
        set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        for path in [folder.clone(), folder.join("below")] {
            let refusal = refuse_foreign(&path).unwrap_err().to_string();
            assert!(refusal.contains(&folder.display().to_string()) && refusal.contains("--state-dir"), "{refusal}");
        }
        set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
        for path in [place.path(), &folder] {
            refuse_foreign(path).unwrap();
        }
    }

    #[test]
    fn a_folder_of_somebody_else_in_a_shared_place_is_refused() {
        let place = shared();
        let folder = place.path().join("iolite");
        create_dir(&folder).unwrap();
        let us = rustix::process::geteuid().as_raw();
        assert!(is_ours(&folder, us));
        assert!(us == 0 || !is_ours(&folder, us + 1));
        assert!(is_owned(1000, 1000) && is_owned(0, 1000) && !is_owned(1001, 1000) && !is_owned(1000, 0));
    }
}
