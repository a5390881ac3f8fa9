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

/// The blob service of an account, and the key that signs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageAccount {
    name: String,
    key: Secret,
    /// `https://contoso.blob.core.windows.net`, without a slash at its end.
    endpoint: String,
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
        let mut parts = Vec::new();
        for part in connection_string.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| AccountError("the connection string has a part without '='".to_owned()))?;
            parts.push((name.trim(), value.trim()));
        }
        let part = |name: &str| {
            let found = parts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value).filter(|value| !value.is_empty())
        };
        if part("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self {
                name: DEVELOPMENT_NAME.to_owned(),
                key: Secret::new(DEVELOPMENT_KEY),
                endpoint: part("BlobEndpoint").unwrap_or(DEVELOPMENT_ENDPOINT).trim_end_matches('/').to_owned(),
            });
        }
        let missing = |name: &str| AccountError(format!("the connection string has no {name}"));
        let name = part("AccountName").ok_or_else(|| missing("AccountName"))?;
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) || name.len() > 24 {
            return Err(AccountError("the connection string's AccountName is none".to_owned()));
        }
        let key = part("AccountKey").ok_or_else(|| missing("AccountKey"))?;
        if STANDARD.decode(key).is_err() {
            return Err(AccountError("the connection string's AccountKey is not base64".to_owned()));
        }
        let endpoint = part("BlobEndpoint").map_or_else(
            || {
                let protocol = part("DefaultEndpointsProtocol").unwrap_or("https").to_ascii_lowercase();
                let suffix = part("EndpointSuffix").unwrap_or("core.windows.net");
                format!("{protocol}://{name}.blob.{suffix}")
            },
            str::to_owned,
        );
        let account =
            Self { name: name.to_owned(), key: Secret::new(key), endpoint: endpoint.trim_end_matches('/').to_owned() };
        // Whether the endpoint can be used at all is found out now, and not when a device first asks.
        Container::parse(&format!("{}/container", account.endpoint))?;
        Ok(account)
    }

    /// The host that devices are told, with the port and the path that stand before the container's name.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host)
    }

    /// The container `name`, to be used with `rights` until `expires_at`.
    pub fn container(&self, name: &str, rights: BlobRights, expires_at: Timestamp) -> Result<Container, AccountError> {
        let token = sas::sign(&self.name, &self.key, SasPlace::Container(name), rights, expires_at);
        Ok(Container::parse(&format!("{}/{name}?{token}", self.endpoint))?)
    }

    /// The container `name`, to be made until `expires_at`: only the account's own signature reaches so far.
    pub fn container_to_make(&self, name: &str, expires_at: Timestamp) -> Result<Container, AccountError> {
        let token = sas::sign_for_account(&self.name, &self.key, expires_at);
        Ok(Container::parse(&format!("{}/{name}?{token}", self.endpoint))?)
    }

    /// The query (without its question mark) that lets its holder use one blob with `rights` until `expires_at`.
    #[must_use]
    pub fn blob_token(&self, container: &str, blob: &str, rights: BlobRights, expires_at: Timestamp) -> String {
        sas::sign(&self.name, &self.key, SasPlace::Blob { container, blob }, rights, expires_at)
    }
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
    fn containers_have_names_of_their_own_kind() {
        for name in ["uploads", "a-1", &"a".repeat(63)] {
            assert!(is_container_name(name), "{name}");
        }
        for name in ["", "ab", "Uploads", "a--b", "-ab", "ab-", "a/b", "a_b", &"a".repeat(64)] {
            assert!(!is_container_name(name), "{name}");
        }
    }
}
