//! Lists the tenants of the caller: the one there is.
//! Source: 2022-12-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::Arm;

/// `Tenants_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Tenants_List",
    method: Method::Get,
    path: "/tenants",
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the tenants of the caller.",
};

/// Answers 200 with the tenant.
pub(crate) async fn run(arm: &Arm, _: Permit, _: Request) -> Result<Answer, ServiceError> {
    let tenant = &arm.estate.tenant;
    Ok(Answer::ok(&json!({"value": [{
        "id": format!("/tenants/{}", tenant.id),
        "tenantId": tenant.id,
        "displayName": tenant.domain.split('.').next(),
        "tenantCategory": "Home",
        "defaultDomain": tenant.domain,
        "domains": [tenant.domain],
        "tenantType": "AAD",
    }]})))
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, json};

    #[tokio::test]
    async fn there_is_one_tenant() {
        let world = World::new().await;
        let listed = json(&world.get("/tenants").await.unwrap());
        assert_eq!(listed["value"].as_array().unwrap().len(), 1);
        assert_eq!(listed["value"][0]["tenantId"], world.arm.estate.tenant.id.as_str());
    }
}
