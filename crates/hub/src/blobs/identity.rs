//! A hub's own identity at a storage account, in place of the account's key.
//!
//! Called by file upload and by routes to storage, for endpoints whose `authenticationType` is `identityBased`. Source:
//! iot-hub-managed-identity: the hub signs in as its system-assigned identity, or as the user-assigned one that the endpoint
//! names, at `https://storage.azure.com`. Whether the identity may do what it does is the account's to say.

use futures_util::future::BoxFuture;
use iolite_kernel::{Secret, Timestamp};

use super::{BlobRights, Blobs, Container, StorageAccount};

/// Tokens for storage accounts, of the identities of hubs.
pub trait StorageTokens: Send + Sync {
    /// A token of the hub keyed `hub`: of its system-assigned identity, or of the user-assigned one with this resource id;
    /// or why there is none.
    fn token<'a>(&'a self, hub: &'a str, user_assigned: Option<&'a str>) -> BoxFuture<'a, Result<Secret, String>>;
}

/// Nobody has an identity: what stands in for an issuer where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoTokens;

impl StorageTokens for NoTokens {
    fn token<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Secret, String>> {
        Box::pin(std::future::ready(Err("there is no issuer of tokens".to_owned())))
    }
}

impl StorageAccount {
    /// `container` of this account as the hub keyed `hub` may use it: with a token, where it is used by an identity.
    pub(crate) async fn open(
        &self,
        container: Container,
        hub: &str,
        tokens: &dyn StorageTokens,
    ) -> Result<Container, String> {
        match self.identity() {
            None => Ok(container),
            Some(user_assigned) => {
                let token = tokens.token(hub, user_assigned).await;
                Ok(container.with_bearer(token.map_err(|why| format!("The hub has no token for storage: {why}."))?))
            }
        }
    }

    /// The query (without its question mark) that lets its holder use one blob with `rights` until `expires_at`, made by the
    /// identity of the hub that `container` was opened for, at the moment `now`.
    pub(crate) async fn delegated_token(
        &self,
        blobs: &dyn Blobs,
        container: &Container,
        blob: &str,
        rights: BlobRights,
        (now, expires_at): (Timestamp, Timestamp),
    ) -> Result<String, String> {
        let key = blobs.delegation_key(container, now, expires_at).await.map_err(|error| format!("{error}."))?;
        Ok(key.sign(self.name(), container.name(), blob, rights, expires_at))
    }
}
