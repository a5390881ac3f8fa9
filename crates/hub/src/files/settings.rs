//! What a hub's own properties say about file upload.
//!
//! Source: ARM's `properties.storageEndpoints.$default` and `enableFileUploadNotifications`, with their recorded defaults.

use iolite_kernel::{ServiceError, SignedDuration};
use iolite_resources::Hub as HubRecord;
use serde_json::{Map, Value};

use crate::blobs::{StorageAccount, is_container_name};
use crate::errors;
use crate::notifications::duration;

/// How long an upload may take where the hub does not say (recorded).
const USUAL_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Where uploads of one hub go, and what follows.
#[derive(Debug, Clone)]
pub(super) struct UploadSettings {
    pub(super) account: StorageAccount,
    pub(super) container: String,
    /// How long a device may use its signature: 1 minute to 24 hours (documented).
    pub(super) life: SignedDuration,
    pub(super) notifies: bool,
}

impl UploadSettings {
    /// Those of `hub`; 400014 where it has no storage account.
    pub(super) fn of(hub: Option<&HubRecord>) -> Result<Self, ServiceError> {
        let properties = hub.map(|hub| &hub.other_properties).ok_or_else(not_configured)?;
        let endpoint = properties.get("storageEndpoints").and_then(|endpoints| endpoints.get("$default"));
        let endpoint = endpoint.and_then(Value::as_object).ok_or_else(not_configured)?;
        let connection_string = text(endpoint, "connectionString");
        if connection_string.is_empty() {
            return Err(not_configured());
        }
        let account = if text(endpoint, "authenticationType").eq_ignore_ascii_case("identityBased") {
            let named = endpoint.get("identity").and_then(|identity| identity.get("userAssignedIdentity"));
            StorageAccount::parse_for_identity(connection_string, named.and_then(Value::as_str))
        } else {
            StorageAccount::parse(connection_string)
        };
        let account = account.map_err(|error| invalid(&error.to_string()))?;
        let container = text(endpoint, "containerName");
        if !is_container_name(container) {
            return Err(invalid("its containerName is no name of a container"));
        }
        let life = duration(endpoint.get("sasTtlAsIso8601")).unwrap_or(USUAL_LIFE);
        Ok(Self {
            account,
            container: container.to_owned(),
            life: life.clamp(SignedDuration::from_mins(1), SignedDuration::from_hours(24)),
            notifies: properties.get("enableFileUploadNotifications").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

fn text<'a>(endpoint: &'a Map<String, Value>, name: &str) -> &'a str {
    endpoint.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn not_configured() -> ServiceError {
    ServiceError::new(&errors::DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED, "The hub has no storage account for uploads.")
}

fn invalid(why: &str) -> ServiceError {
    ServiceError::new(&errors::INVALID_STORAGE_ENDPOINT, format!("The hub's storage endpoint cannot be used: {why}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::World;

    async fn read(properties: Value) -> Result<UploadSettings, ServiceError> {
        let world = World::new();
        world.put_hub_properties(properties).await;
        UploadSettings::of(world.hub.hubs.get(World::KEY).as_deref())
    }

    fn endpoint(endpoint: Value) -> Value {
        json!({"storageEndpoints": {"$default": endpoint}})
    }

    #[tokio::test]
    async fn a_hub_without_storage_says_so() {
        for properties in
            [json!({}), endpoint(json!({"connectionString": "", "containerName": ""})), endpoint(json!(null))]
        {
            assert_eq!(read(properties).await.unwrap_err().code, &errors::DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED);
        }
        assert_eq!(UploadSettings::of(None).unwrap_err().code, &errors::DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED);
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_refused_and_shows_no_key() {
        for (connection, container) in
            [("AccountName=a;AccountKey=no base64", "uploads"), ("UseDevelopmentStorage=true", "No")]
        {
            let settings = json!({"connectionString": connection, "containerName": container});
            let error = read(endpoint(settings)).await.unwrap_err();
            assert_eq!(error.code, &errors::INVALID_STORAGE_ENDPOINT);
            assert!(!error.message.contains("no base64"), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn an_identity_based_account_is_used_without_its_key() {
        let settings = json!({
            "authenticationType": "identityBased", "connectionString": "AccountName=contoso", "containerName": "uploads",
            "identity": {"userAssignedIdentity": "/ids/1"},
        });
        let account = read(endpoint(settings)).await.unwrap().account;
        assert_eq!((account.identity(), account.host_name()), (Some(Some("/ids/1")), "contoso.blob.core.windows.net"));
    }

    #[tokio::test]
    async fn the_life_of_a_signature_stays_in_its_documented_range() {
        for (text, seconds) in [("PT5M", 300), ("PT1S", 60), ("P7D", 86_400), ("soon", 3600)] {
            let settings = json!({
                "connectionString": "UseDevelopmentStorage=true", "containerName": "uploads", "sasTtlAsIso8601": text,
            });
            assert_eq!(read(endpoint(settings)).await.unwrap().life.as_secs(), seconds, "{text}");
        }
    }
}
