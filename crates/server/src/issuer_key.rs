//! The issuer's signing key: read or made at start, rotated on request, and kept on the disk whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iolite_identity::{KeyRing, SigningKey};
use iolite_kernel::SignedDuration;

use crate::house::House;

/// The issuer's key, in the data or state directory.
pub(crate) const FILE: &str = "issuer.key";

/// The signing key is read from `folder`, or made on a thread of its own: it takes a tenth of a second, and nobody asks
/// for a token that soon.
pub(crate) fn start(ring: Arc<KeyRing>, folder: PathBuf) {
    std::thread::spawn(move || {
        let path = folder.join(FILE);
        let kept = std::fs::read(&path).ok().and_then(|der| SigningKey::from_pkcs8(&der).ok());
        let is_kept = kept.is_some();
        let key = match kept.map_or_else(SigningKey::generate, Ok) {
            Ok(key) => key,
            Err(error) => return tracing::error!(%error, "the issuer has no signing key and cannot issue tokens"),
        };
        if !is_kept
            && let Ok(der) = key.to_pkcs8()
            && let Err(error) = write_key(&path, &der)
        {
            tracing::warn!(%error, "the signing key is not kept; tokens end with this process");
        }
        ring.install(key);
    });
}

/// Writes the key whole, under another name first: a process killed half way leaves none that cannot be read.
fn write_key(path: &Path, der: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("key.{}", std::process::id()));
    write_private(&temporary, der)?;
    std::fs::rename(temporary, path)
}

pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}

/// Used by the control API to rotate the issuer's key: the new one is kept in the old one's place before it signs.
pub(crate) async fn rotate(house: &House, overlap: SignedDuration) -> Result<(), String> {
    let key = SigningKey::generate_aside().await.map_err(|error| error.to_string())?;
    let (path, der) = (&house.issuer_key, key.to_pkcs8().map_err(|error| error.to_string())?);
    write_key(path, &der).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    house.ring.rotate(key, overlap);
    Ok(())
}
