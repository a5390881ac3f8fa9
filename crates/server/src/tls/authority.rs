//! The certificate authority: made on first start, kept with the user's data, never shipped.
//!
//! The key is the authority: a certificate that is missing is written anew from it, and is the same to whoever trusts the
//! old one. A certificate that is there and not the key's own is the user's to look at; it is never overwritten.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

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
    #[error(
        "the certificate authority's file {path} cannot be used: {error}\n  give a writable --state-dir or --data-dir"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The certificate is not the one of the key beside it.
    #[error(
        "the certificate authority's certificate {path} is damaged: {what}\n  delete it: it is written anew from ca.key beside it, and who trusts this authority goes on trusting it; or put back a copy"
    )]
    Damaged {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The certificate is there and its key is not.
    #[error(
        "the certificate authority's key {path} is missing, and its certificate is there\n  put the key back, or delete ca.pem beside it for a new authority, and trust the new ca.pem afterwards"
    )]
    KeyMissing {
        /// The key's file.
        path: PathBuf,
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
        let unreadable = |error| AuthorityError::Unreadable { path: folder.to_owned(), error };
        if !key_path.exists() {
            if certificate_path.exists() {
                return Err(AuthorityError::KeyMissing { path: key_path });
            }
            let key = KeyPair::generate().map_err(unreadable)?.serialize_pem();
            write(&key_path, &key, true).map_err(file_error(&key_path))?;
        }
        let key = fs::read_to_string(&key_path).map_err(file_error(&key_path))?;
        let key = KeyPair::from_pem(&key).map_err(unreadable)?;
        let own = params().self_signed(&key).map_err(unreadable)?;
        if !certificate_path.exists() {
            write(&certificate_path, &own.pem(), false).map_err(file_error(&certificate_path))?;
        }
        let pem = fs::read(&certificate_path).map_err(file_error(&certificate_path))?;
        let pem =
            checked(pem, own.der()).map_err(|what| AuthorityError::Damaged { path: certificate_path.clone(), what })?;
        let bundle_path = folder.join(BUNDLE);
        if !fs::read_to_string(&bundle_path).is_ok_and(|bundle| bundle.ends_with(&pem)) {
            write(&bundle_path, &bundle(&pem), false).map_err(file_error(&bundle_path))?;
        }
        let issuer = Issuer::new(params(), key);
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

/// The certificate's text, if it says what `own`, made of the key just now, says: whose it is, the key, and the key's
/// signature below it.
fn checked(pem: Vec<u8>, own: &[u8]) -> Result<String, &'static str> {
    let pem = String::from_utf8(pem).map_err(|_| "it is no PEM text")?;
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_| "it holds no PEM block")?;
    let found = block.parse_x509().map_err(|_| "it holds no certificate")?;
    let (_, own) = x509_parser::parse_x509_certificate(own).map_err(|_| "ca.key makes no certificate")?;
    if found.public_key().raw != own.public_key().raw {
        return Err("it is not the certificate of ca.key beside it");
    }
    if found.subject().as_raw() != own.subject().as_raw() || !found.is_ca() {
        return Err("it is not the certificate of an authority of iolite");
    }
    let readable = CertificateDer::from(block.contents.as_slice());
    let readable = webpki::EndEntityCert::try_from(&readable).map_err(|_| "it holds no certificate")?;
    let signed = (found.tbs_certificate.as_ref(), found.signature_value.as_ref());
    readable
        .verify_signature(webpki::aws_lc_rs::ECDSA_P256_SHA256, signed.0, signed.1)
        .map_err(|_| "its signature does not verify")?;
    Ok(pem)
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

    /// Whoever trusts the old certificate trusts what the new one's key signs: the names and the key are the same.
    #[test]
    fn a_certificate_that_is_missing_is_written_anew_from_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path()).unwrap();
        fs::remove_file(&first.certificate_path).unwrap();
        let second = Authority::open(folder.path()).unwrap();
        let signed = |authority: &Authority| {
            let der = authority.der().unwrap();
            let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
            certificate.tbs_certificate.as_ref().to_vec()
        };
        assert_eq!(signed(&first), signed(&second));
        assert!(fs::read_to_string(second.bundle_path).unwrap().ends_with(&second.pem));
    }

    #[test]
    fn a_certificate_that_is_not_the_keys_own_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let own = Authority::open(folder.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        let other = Authority::open(other.path()).unwrap().pem;
        let mut flipped = own.der().unwrap();
        let at = flipped.len() / 2;
        flipped[at] ^= 1;
        let mut forged = own.der().unwrap();
        *forged.last_mut().unwrap() ^= 1;
        let leaf =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(own.issuer.key()).unwrap().pem();
        for wrong in ["", "junk", &own.pem[..200], &other, &leaf, &x509_pem(&flipped), &x509_pem(&forged)] {
            fs::write(&own.certificate_path, wrong).unwrap();
            let refusal = Authority::open(folder.path()).err().expect(wrong).to_string();
            for word in ["ca.pem", "is damaged", "delete it"] {
                assert!(refusal.contains(word), "{refusal}");
            }
            assert_eq!(fs::read_to_string(&own.certificate_path).unwrap(), wrong);
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_not_replaced_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let own = Authority::open(folder.path()).unwrap();
        fs::remove_file(folder.path().join(KEY)).unwrap();
        let refusal = Authority::open(folder.path()).err().unwrap().to_string();
        assert!(refusal.contains("ca.key is missing") && refusal.contains("delete ca.pem"), "{refusal}");
        assert_eq!(fs::read_to_string(&own.certificate_path).unwrap(), own.pem);
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
