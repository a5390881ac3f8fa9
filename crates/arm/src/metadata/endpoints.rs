//! Tells a client the other endpoints of this cloud, all built from the origin it dialled.
//! Source: `GET /metadata/endpoints` of 2015-01-01 (`galleryEndpoint`, `graphEndpoint` …, without which `az cloud register` of
//! 2.66 stops) and of 2022-09-01 (`resourceManager`, `authentication`, `suffixes` …, which 2.91 reads). The first of the
//! audiences becomes the resource that `az` asks ARM tokens for.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Cloud;
use serde_json::{Value, json};

use crate::Arm;

/// `Metadata_GetEndpoints`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Metadata_GetEndpoints",
    method: Method::Get,
    path: "/metadata/endpoints",
    versions: ApiVersions::AnyDate,
    need: Need::Public { because: "clients read it before they can sign in: it tells where to" },
    support: Support::Served,
    summary: "Tells the other endpoints of this cloud.",
};

/// Answers 200 with the shape of the api-version.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let cloud = arm.estate.tenant.cloud;
    let origin = request.origin.trim_end_matches('/');
    let document = if request.api_version.as_str() < "2018" { first(cloud, origin) } else { second(cloud, origin) };
    Ok(Answer::ok(&document))
}

/// The audiences of Resource Manager, with the slash that clients compare.
fn audiences(cloud: Cloud) -> Vec<String> {
    cloud.audiences(Service::Arm).iter().rev().map(|audience| format!("{audience}/")).collect()
}

fn first(cloud: Cloud, origin: &str) -> Value {
    json!({
        "galleryEndpoint": origin,
        "graphEndpoint": origin,
        "portalEndpoint": origin,
        "authentication": {"loginEndpoint": origin, "audiences": audiences(cloud)},
    })
}

fn second(cloud: Cloud, origin: &str) -> Value {
    let suffixes = match cloud {
        Cloud::Public => json!({
            "acrLoginServer": "azurecr.io", "keyVaultDns": "vault.azure.net",
            "sqlServerHostname": "database.windows.net", "storage": "core.windows.net",
        }),
        Cloud::China => json!({
            "acrLoginServer": "azurecr.cn", "keyVaultDns": "vault.azure.cn",
            "sqlServerHostname": "database.chinacloudapi.cn", "storage": "core.chinacloudapi.cn",
        }),
    };
    json!({
        "name": "Iolite",
        "portal": origin,
        "authentication": {
            "loginEndpoint": origin, "audiences": audiences(cloud), "tenant": "common", "identityProvider": "AAD",
        },
        "media": origin,
        "graphAudience": origin,
        "graph": origin,
        "microsoftGraphResourceId": format!("{origin}/graph"),
        "suffixes": suffixes,
        "batch": origin,
        "resourceManager": origin,
        "vmImageAliasDoc": origin,
        "sqlManagement": origin,
        "gallery": origin,
        "activeDirectoryDataLake": origin,
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, json};

    #[tokio::test]
    async fn every_endpoint_is_the_origin_that_was_dialled() {
        let world = World::new().await;
        let found = json(&world.get("/metadata/endpoints").await.unwrap());
        assert_eq!(found["resourceManager"], "https://localhost:8443");
        assert_eq!(found["authentication"]["loginEndpoint"], "https://localhost:8443");
        assert_eq!(found["authentication"]["audiences"][0], "https://management.core.windows.net/");
        assert!(!found.to_string().contains("microsoftonline"));
    }

    #[test]
    fn the_older_shape_has_the_older_names() {
        let found = super::first(super::Cloud::China, "https://localhost");
        assert_eq!(found["graphEndpoint"], "https://localhost");
        assert_eq!(found["authentication"]["audiences"][0], "https://management.core.chinacloudapi.cn/");
    }
}
