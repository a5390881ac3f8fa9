//! X.509 authorities of provisioning services.

pub(crate) mod delete;
pub(crate) mod generate_verification_code;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
pub(crate) mod verify;

use iolite_kernel::{Request, ResourceId, ServiceError};

use super::find;
use crate::Arm;

/// The provisioning service that the path names.
fn holder(arm: &Arm, request: &Request) -> Result<ResourceId, ServiceError> {
    Ok(find(arm, request)?.id.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json as body_of};

    #[tokio::test]
    async fn a_provisioning_service_has_authorities_of_its_own() {
        let world = World::new().await;
        let path = |kind: &str| format!("{GROUP}/providers/Microsoft.Devices/{kind}/same-name");
        let (hub, service) = (path("IotHubs"), path("provisioningServices"));
        let sku =
            |name: &str| json!({"location": "westeurope", "sku": {"name": name, "capacity": 1}, "properties": {}});
        for at in [&hub, &service] {
            world.put(at, sku("S1")).await.unwrap();
        }
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
        let body = json!({"properties": {"certificate": root, "isVerified": true}});
        let made = body_of(&world.put(&format!("{service}/certificates/root"), body).await.unwrap());
        assert_eq!(made["type"], "Microsoft.Devices/ProvisioningServices/Certificates");
        assert_eq!(made["properties"]["isVerified"], true);
        let listed = body_of(&world.get(&format!("{service}/certificates")).await.unwrap());
        assert_eq!(listed["value"], json!([made]));
        let at_the_hub = body_of(&world.get(&format!("{hub}/certificates")).await.unwrap());
        assert_eq!(at_the_hub["value"], json!([]));
        world.delete(&service).await.unwrap();
        assert_eq!(world.arm.estate.certificates.count(""), 0);
    }
}
