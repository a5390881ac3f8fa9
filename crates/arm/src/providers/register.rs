//! Registers a subscription with a resource provider: every one is registered already.
//! Source: 2022-09-01 and the published permissions. Each provider asks for an action of its own, so each is an operation of
//! its own.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, find};
use crate::Arm;

/// `Providers_Register` of one provider.
const fn operation(path: &'static str, action: &'static str) -> Operation {
    Operation {
        service: Service::Arm,
        name: "Providers_Register",
        method: Method::Post,
        path,
        versions: ApiVersions::AnyDate,
        need: Need::Management { action },
        support: Support::Served,
        summary: "Registers a subscription with a resource provider.",
    }
}

/// Answers 200 with the provider.
fn answer(arm: &Arm, request: &Request, namespace: &str) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    Ok(Answer::ok(&document(find(namespace)?, subscription)))
}

macro_rules! registration {
    ($module:ident, $namespace:literal) => {
        pub(crate) mod $module {
            use super::{Answer, Arm, Operation, Permit, Request, ServiceError, answer, operation};

            pub(crate) const OPERATION: Operation = operation(
                concat!("/subscriptions/{subscriptionId}/providers/", $namespace, "/register"),
                concat!($namespace, "/register/action"),
            );

            pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
                answer(arm, &request, $namespace)
            }
        }
    };
}

registration!(authorization, "Microsoft.Authorization");
registration!(devices, "Microsoft.Devices");
registration!(digital_twins, "Microsoft.DigitalTwins");
registration!(event_grid, "Microsoft.EventGrid");
registration!(resources, "Microsoft.Resources");

#[cfg(test)]
mod tests {
    use iolite_kernel::{Method, Need};

    use crate::handlers;
    use crate::providers::PROVIDERS;
    use crate::testing::{SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn every_provider_is_registered_already_and_asks_for_its_own_action() {
        let world = World::new().await;
        for provider in PROVIDERS {
            let namespace = provider.namespace;
            let path = format!("/subscriptions/{SUBSCRIPTION}/providers/{namespace}/register");
            let found = json(&world.post(&path, None).await.unwrap());
            assert_eq!((&found["namespace"], &found["registrationState"]), (&namespace.into(), &"Registered".into()));
            let end = format!("/providers/{namespace}/register");
            let operation = handlers().iter().map(|handler| handler.operation).find(|each| each.path.ends_with(&end));
            let operation = operation.unwrap();
            assert_eq!(operation.method, Method::Post);
            let Need::Management { action } = operation.need else { panic!("{operation} asks for no action") };
            assert_eq!(action, format!("{namespace}/register/action"));
        }
    }
}
