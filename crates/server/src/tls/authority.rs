//! The certificate authority: made on first start, kept with the user's data, never shipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
const BUNDLE: &str = "bundle.pem";
const LOCK: &str = "ca.lock";

/// The authority and where its public files are.
pub(crate) struct Authority {
    /// Signs leaves.
    pub(crate) issuer: Issuer<'static, KeyPair>,
    /// The authority's certificate, PEM.
    pub(crate) pem: String,
    /// The file of that certificate.
    pub(crate) certificate_path: PathBuf,
    /// The file of the public roots and that certificate, for variables that replace the trust store.
    pub(crate) bundle_path: PathBuf,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    /// A file could not be read or written.
    #[error("the certificate authority's file {path} cannot be used: {error}\n  give a writable --data-dir")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// What is there is no authority.
    #[error(
        "the certificate authority in {path} cannot be read: {error}\n  delete ca.pem and ca.key there, and trust the new ca.pem afterwards"
    )]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: rcgen::Error,
    },
}

impl Authority {
    /// The authority kept in `folder`, made there on first use. Two processes that start at once get the same one.
    pub(crate) fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let file_error = |path: &Path| {
            let path = path.to_owned();
            move |error| AuthorityError::File { path, error }
        };
        fs::create_dir_all(folder).map_err(file_error(folder))?;
        let lock_path = folder.join(LOCK);
        let lock = create(&lock_path, true).map_err(file_error(&lock_path))?;
        lock.lock().map_err(file_error(&lock_path))?;
        let (certificate_path, key_path) = (folder.join(CERTIFICATE), folder.join(KEY));
        if !certificate_path.exists() || !key_path.exists() {
            let (pem, key) = make().map_err(|error| AuthorityError::Unreadable { path: folder.to_owned(), error })?;
            write(&key_path, &key, true).map_err(file_error(&key_path))?;
            write(&certificate_path, &pem, false).map_err(file_error(&certificate_path))?;
        }
        let pem = fs::read_to_string(&certificate_path).map_err(file_error(&certificate_path))?;
        let key = fs::read_to_string(&key_path).map_err(file_error(&key_path))?;
        let bundle_path = folder.join(BUNDLE);
        if !fs::read_to_string(&bundle_path).is_ok_and(|bundle| bundle.ends_with(&pem)) {
            write(&bundle_path, &bundle(&pem), false).map_err(file_error(&bundle_path))?;
        }
        let issuer = KeyPair::from_pem(&key)
            .map(|key| Issuer::new(params(), key))
            .map_err(|error| AuthorityError::Unreadable { path: folder.to_owned(), error })?;
        Ok(Self { issuer, pem, certificate_path, bundle_path })
    }
}

impl Authority {
    /// The authority's certificate, DER; nothing where the file holds something else.
    pub(crate) fn der(&self) -> Option<Vec<u8>> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(self.pem.as_bytes()).ok()?;
        Some(pem.contents)
    }
}

fn make() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let certificate = params().self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// What every authority of ours says of itself; the key alone tells them apart, so the certificate need not be parsed.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Iolite local emulator authority");
    name.push(DnType::OrganizationName, "Iolite");
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params
}

/// The public roots as Mozilla keeps them, then ours.
fn bundle(pem: &str) -> String {
    let mut text = String::new();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str(&x509_pem(root));
    }
    text.push_str(pem);
    text
}

fn x509_pem(der: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = String::with_capacity(body.len() + body.len() / 32 + 64);
    text.push_str("-----BEGIN CERTIFICATE-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// Writes a file whole: under another name first, then renamed.
fn write(path: &Path, text: &str, private: bool) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = create(&temporary, private)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// An empty file; a private one is its owner's only.
fn create(path: &Path, private: bool) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path()).unwrap();
        let second = Authority::open(folder.path()).unwrap();
        assert_eq!(first.pem, second.pem);
        let bundle = fs::read_to_string(second.bundle_path).unwrap();
        assert!(bundle.matches("BEGIN CERTIFICATE").count() > 50 && bundle.ends_with(&first.pem));
    }

    #[cfg(unix)]
    #[test]
    fn the_private_key_is_the_users_own() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Authority::open(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
