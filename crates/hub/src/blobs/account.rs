//! A storage account as its connection string names it.
//!
//! Source: Microsoft's page on storage connection strings; the development account's name and key are Azurite's, and public.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Secret, Timestamp};

use super::container::{Container, ContainerError};
use super::sas::{self, BlobRights, SasPlace};

const DEVELOPMENT_NAME: &str = "devstoreaccount1";
const DEVELOPMENT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const DEVELOPMENT_ENDPOINT: &str = "http://127.0.0.1:10000/devstoreaccount1";

/// The blob service of an account, and what lets in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageAccount {
    name: String,
    means: Means,
    /// `https://contoso.blob.core.windows.net`, without a slash at its end.
    endpoint: String,
}

/// What lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Means {
    /// The account's key signs.
    Key(Secret),
    /// The hub's identity: the system-assigned one, or the user-assigned one with this resource id.
    Identity(Option<Box<str>>),
}

/// A connection string that does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountError(String);

impl fmt::Display for AccountError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for AccountError {}

impl From<ContainerError> for AccountError {
    fn from(error: ContainerError) -> Self {
        Self(error.to_string())
    }
}

impl StorageAccount {
    /// Reads a connection string with an account's name and key, or `UseDevelopmentStorage=true` for Azurite at its usual
    /// port. A string with a shared access signature instead of the key cannot sign for devices, and is refused.
    pub fn parse(connection_string: &str) -> Result<Self, AccountError> {
        let parts = Parts::read(connection_string)?;
        if parts.get("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let endpoint = parts.get("BlobEndpoint").unwrap_or(DEVELOPMENT_ENDPOINT).trim_end_matches('/').to_owned();
            let means = Means::Key(Secret::new(DEVELOPMENT_KEY));
            return Ok(Self { name: DEVELOPMENT_NAME.to_owned(), means, endpoint });
        }
        let name = parts.account_name()?;
        let key = parts.get("AccountKey").ok_or_else(|| missing("AccountKey"))?;
        if STANDARD.decode(key).is_err() {
            return Err(AccountError("the connection string's AccountKey is not base64".to_owned()));
        }
        Self::new(name.to_owned(), Means::Key(Secret::new(key)), &parts.endpoint(name))
    }

    /// Reads a connection string for an account that a hub's identity signs in at: the system-assigned one, or the
    /// user-assigned one named. A key in it is not used.
    pub fn parse_for_identity(connection_string: &str, user_assigned: Option<&str>) -> Result<Self, AccountError> {
        let parts = Parts::read(connection_string)?;
        let name = parts.account_name()?;
        Self::of_identity(name.to_owned(), &parts.endpoint(name), user_assigned)
    }

    /// The account whose blob service is at `endpoint`, for an identity likewise. Its name is the host's first label, or on
    /// this machine the first segment of the path.
    pub fn at_endpoint(endpoint: &str, user_assigned: Option<&str>) -> Result<Self, AccountError> {
        let place = endpoint.split_once("://").map_or(endpoint, |(_, place)| place).trim_end_matches('/');
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let name = if path.is_empty() { host.split('.').next() } else { path.split('/').next() };
        Self::of_identity(name.unwrap_or_default().to_owned(), endpoint, user_assigned)
    }

    fn of_identity(name: String, endpoint: &str, user_assigned: Option<&str>) -> Result<Self, AccountError> {
        if !endpoint.starts_with("https://") {
            return Err(AccountError("an identity signs in over https only".to_owned()));
        }
        Self::new(name, Means::Identity(user_assigned.map(Into::into)), endpoint)
    }

    fn new(name: String, means: Means, endpoint: &str) -> Result<Self, AccountError> {
        let account = Self { name, means, endpoint: endpoint.trim_end_matches('/').to_owned() };
        // Whether the endpoint can be used at all is found out now, and not when a device first asks.
        Container::parse(&format!("{}/container", account.endpoint))?;
        Ok(account)
    }

    /// The account's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The identity that signs in, where no key does: the user-assigned one's resource id, or `None` for the system-assigned
    /// one.
    #[must_use]
    pub fn identity(&self) -> Option<Option<&str>> {
        match &self.means {
            Means::Key(_) => None,
            Means::Identity(user_assigned) => Some(user_assigned.as_deref()),
        }
    }

    /// The host that devices are told, with the port and the path that stand before the container's name.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host)
    }

    /// The container `name`, to be used with `rights` until `expires_at`; an identity's has to be opened.
    pub fn container(&self, name: &str, rights: BlobRights, expires_at: Timestamp) -> Result<Container, AccountError> {
        let sign = |key: &Secret| sas::sign(&self.name, key, SasPlace::Container(name), rights, expires_at);
        Ok(Container::parse(&self.place(name, sign))?)
    }

    /// The container `name`, to be made until `expires_at`: only the account's own signature, or an identity, reaches so far.
    pub fn container_to_make(&self, name: &str, expires_at: Timestamp) -> Result<Container, AccountError> {
        let sign = |key: &Secret| sas::sign_for_account(&self.name, key, expires_at);
        Ok(Container::parse(&self.place(name, sign))?)
    }

    fn place(&self, container: &str, sign: impl FnOnce(&Secret) -> String) -> String {
        match &self.means {
            Means::Key(key) => format!("{}/{container}?{}", self.endpoint, sign(key)),
            Means::Identity(_) => format!("{}/{container}", self.endpoint),
        }
    }

    /// The query (without its question mark) that lets its holder use one blob with `rights` until `expires_at`; `None` where
    /// the hub's identity has to make it.
    #[must_use]
    pub fn blob_token(&self, container: &str, blob: &str, rights: BlobRights, expires_at: Timestamp) -> Option<String> {
        let Means::Key(key) = &self.means else { return None };
        Some(sas::sign(&self.name, key, SasPlace::Blob { container, blob }, rights, expires_at))
    }
}

/// The parts of a connection string.
struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    fn read(connection_string: &'a str) -> Result<Self, AccountError> {
        let mut parts = Vec::new();
        for part in connection_string.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| AccountError("the connection string has a part without '='".to_owned()))?;
            parts.push((name.trim(), value.trim()));
        }
        Ok(Self(parts))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    fn account_name(&self) -> Result<&'a str, AccountError> {
        let name = self.get("AccountName").ok_or_else(|| missing("AccountName"))?;
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) || name.len() > 24 {
            return Err(AccountError("the connection string's AccountName is none".to_owned()));
        }
        Ok(name)
    }

    fn endpoint(&self, name: &str) -> String {
        self.get("BlobEndpoint").map_or_else(
            || {
                let protocol = self.get("DefaultEndpointsProtocol").unwrap_or("https").to_ascii_lowercase();
                let suffix = self.get("EndpointSuffix").unwrap_or("core.windows.net");
                format!("{protocol}://{name}.blob.{suffix}")
            },
            str::to_owned,
        )
    }
}

fn missing(part: &str) -> AccountError {
    AccountError(format!("the connection string has no {part}"))
}

/// Whether a container may have this name: 3 to 63 lower-case letters, digits and single hyphens between them.
#[must_use]
pub fn is_container_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-')
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_azure_account_is_read() {
        let text = "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=a2V5;EndpointSuffix=core.windows.net";
        let account = StorageAccount::parse(text).unwrap();
        assert_eq!(account.host_name(), "contoso.blob.core.windows.net");
        let container = account.container("uploads", BlobRights::ALL, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(container.place(), "https://contoso.blob.core.windows.net/uploads");
        assert!(!format!("{account:?}").contains("a2V5"));
    }

    #[test]
    fn azurite_is_read_by_its_flag_and_by_its_endpoint() {
        let usual = StorageAccount::parse("UseDevelopmentStorage=true").unwrap();
        assert_eq!(usual.host_name(), "127.0.0.1:10000/devstoreaccount1");
        let text = format!(
            "AccountName=devstoreaccount1;AccountKey={DEVELOPMENT_KEY};BlobEndpoint=https://localhost:10443/devstoreaccount1/;"
        );
        assert_eq!(StorageAccount::parse(&text).unwrap().host_name(), "localhost:10443/devstoreaccount1");
    }

    #[test]
    fn what_cannot_sign_is_refused() {
        for text in [
            "",
            "nonsense",
            "AccountName=contoso",
            "AccountName=contoso;AccountKey=***",
            "AccountName=Contoso!;AccountKey=a2V5",
            "BlobEndpoint=https://contoso.blob.core.windows.net;SharedAccessSignature=sv=1&sig=a",
            "AccountName=contoso;AccountKey=a2V5;DefaultEndpointsProtocol=ftp",
            "AccountName=contoso;AccountKey=a2V5;BlobEndpoint=https://a@b",
        ] {
            assert!(StorageAccount::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_identity_s_account_needs_no_key_and_is_reached_over_tls_alone() {
        let text = "DefaultEndpointsProtocol=https;AccountName=contoso;EndpointSuffix=core.windows.net";
        let account = StorageAccount::parse_for_identity(text, None).unwrap();
        assert_eq!((account.identity(), account.name()), (Some(None), "contoso"));
        let container = account.container("uploads", BlobRights::ALL, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(container.target(None, ""), "/uploads", "nothing is signed");
        assert_eq!(account.blob_token("uploads", "b", BlobRights::ALL, Timestamp::UNIX_EPOCH), None);
        let azurite = StorageAccount::at_endpoint("https://localhost:10000/devstoreaccount1/", Some("/id")).unwrap();
        assert_eq!((azurite.identity(), azurite.name()), (Some(Some("/id")), "devstoreaccount1"));
        assert_eq!(
            StorageAccount::at_endpoint("https://contoso.blob.core.windows.net/", None).unwrap().name(),
            "contoso"
        );
        assert!(StorageAccount::at_endpoint("http://localhost:10000/devstoreaccount1", None).is_err());
        assert!(StorageAccount::parse_for_identity("UseDevelopmentStorage=true", None).is_err());
    }

    #[test]
    fn containers_have_names_of_their_own_kind() {
        for name in ["uploads", "a-1", &"a".repeat(63)] {
            assert!(is_container_name(name), "{name}");
        }
        for name in ["", "ab", "Uploads", "a--b", "-ab", "ab-", "a/b", "a_b", &"a".repeat(64)] {
            assert!(!is_container_name(name), "{name}");
        }
    }
}
