//! Tells by its status alone whether a resource group is there.
//! Source: 2022-09-01; `az group exists`.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::Arm;

/// `ResourceGroups_CheckExistence`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ResourceGroups_CheckExistence",
    method: Method::Head,
    path: subscription_path!("/resourcegroups/{resourceGroupName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/resourceGroups/read" },
    support: Support::Served,
    summary: "Tells whether a resource group is there.",
};

/// Answers 204 where it is and 404 where it is not, without a body.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::empty(if arm.group(&request).is_ok() { 204 } else { 404 }))
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Method;

    use crate::testing::{GROUP, World};

    #[tokio::test]
    async fn the_status_tells() {
        let world = World::new().await;
        let status = async |path: &str| world.call(Method::Head, path, &[], None).await.unwrap().status;
        assert_eq!(status(GROUP).await, 204);
        assert_eq!(status(&GROUP.replace("contoso", "none")).await, 404);
    }
}
